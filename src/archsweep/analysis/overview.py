"""A snapshot's platforms, model types and runs, a row each: what lists and cards show. Rows in, rows out; no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archsweep.analysis.matrix import SEVERITY, Cell, Depth, Matrix, build
from archsweep.analysis.snapshot import Row, Snapshot
from archsweep.contract import TINY, VERIFYING, Status


@dataclass(frozen=True, kw_only=True)
class PlatformRow:
    """A platform, with its model types (their base class) counted under its newest fingerprint."""

    name: str
    title: str
    tried: bool
    verified: int
    applicable: int
    total: int  # model types of the installed transformers
    unavailable: int
    unexecuted: int
    older: int
    evidence: str
    device: str
    fingerprint: str
    date: str


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    name: str
    category: str
    architecture: str
    phase: int
    classes: int
    verified: tuple[str, ...]  # platforms on which the base class is
    others: tuple[tuple[str, str], ...]  # platform and status where it ends otherwise


@dataclass(frozen=True, kw_only=True)
class RunRow:
    run: str
    started: str
    platforms: tuple[str, ...]
    results: int
    findings: int | None  # None: it has not ended
    wall_s: float | None
    by_status: tuple[tuple[str, int], ...]  # the most severe first
    what: str  # its platforms and checks, in short


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """One check on one platform, over every class."""

    name: str
    verified: int
    applicable: int
    others: tuple[tuple[str, int], ...]


def bases(snapshot: Snapshot, depth: Depth = Depth.CATEGORY) -> Matrix:
    """The matrix of the base classes."""
    return build([row for row in snapshot.cells if row["is_base"]], depth, newest=snapshot.newest)


def platform_rows(snapshot: Snapshot) -> list[PlatformRow]:
    """Every platform that there is a plugin of; what was never tried stands last."""
    totals = bases(snapshot).totals
    total = sum(bool(row["is_base"]) for row in snapshot.subjects)
    tried = {row["platform"] for row in snapshot.cells if row["status"] != Status.UNAVAILABLE}
    found = [
        _platform_row(snapshot, item.name, item.title, totals.get((item.name,)), total, item.name in tried)
        for item in snapshot.platforms
    ]
    return sorted(found, key=lambda row: (not row.tried, row.name))


def _platform_row(snapshot: Snapshot, name: str, title: str, cell: Cell | None, total: int, tried: bool) -> PlatformRow:
    note: Row = next((item for item in snapshot.notes if item["platform"] == name), {})
    counts: Mapping[str, int] = cell.by_status if cell else {}
    return PlatformRow(
        name=name, title=title, tried=tried, total=total, verified=cell.verified if cell else 0,
        applicable=cell.applicable if cell else 0, unavailable=counts.get(Status.UNAVAILABLE, 0),
        unexecuted=counts.get(Status.UNEXECUTED, 0), older=cell.older if cell else 0,
        evidence=cell.evidence if cell and cell.applicable else "", device=note.get("device") or "",
        fingerprint=note.get("fingerprint", ""), date=str(note.get("finished_at", ""))[:10],
    )  # fmt: skip


def model_rows(snapshot: Snapshot) -> list[ModelRow]:
    """Every model type of the installed transformers, and whatever else has results; the most wanted first."""
    cells = bases(snapshot, Depth.ARCHITECTURE).cells
    places: dict[str, list[Cell]] = {}
    for (label, _), cell in cells.items():
        places.setdefault(label[1], []).append(cell)
    known: dict[str, list[Row]] = {}
    for row in (*snapshot.subjects, *snapshot.cells):
        known.setdefault(row["model_type"], []).append(row)
    return sorted(
        (_model_row(name, rows, places.get(name, [])) for name, rows in known.items()),
        key=lambda row: (row.phase, row.category, row.name),
    )


def _model_row(name: str, rows: list[Row], cells: list[Cell]) -> ModelRow:
    first = next((row for row in rows if row["is_base"]), rows[0])
    ordered = sorted(cells, key=lambda cell: cell.place)
    return ModelRow(
        name=name, category=first["category"], architecture=first.get("architecture") or "unknown",
        phase=first.get("phase") or 6, classes=len({row["class_name"] for row in rows}),
        verified=tuple(cell.place[0] for cell in ordered if cell.green),
        others=tuple((cell.place[0], cell.status) for cell in ordered if not cell.green and cell.status),
    )  # fmt: skip


def run_rows(snapshot: Snapshot) -> list[RunRow]:
    """Every run, the newest first."""
    return [_run_row(run) for run in snapshot.runs]


def _run_row(run: Row) -> RunRow:
    summary: Mapping[str, Any] = run["summary"] or {}
    settings: Mapping[str, Any] = run["settings"] or {}
    asked: Mapping[str, Any] = settings.get("options") or {}
    by_status: Mapping[str, int] = summary.get("by_status") or {}
    order = (*SEVERITY, Status.INAPPLICABLE)
    counted = sorted(by_status.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    platforms = tuple(map(str, settings.get("platforms") or asked.get("platforms") or ()))
    checks = list(map(str, asked.get("checks") or ()))
    generated = "generated tests" if settings.get("files") else ""
    what = [", ".join(platforms), generated or ", ".join(checks[:4]) + (" …" if len(checks) > 4 else "")]
    return RunRow(
        run=run["run"], started=str(run["started_at"])[:16].replace("T", " "), platforms=platforms,
        results=run["results"], findings=summary.get("findings"), wall_s=summary.get("wall_s"),
        by_status=tuple(counted), what=": ".join(part for part in what if part),
    )  # fmt: skip


def check_rows(snapshot: Snapshot, platform: str) -> list[CheckRow]:
    """How every class ended in each check, as it is asked by default."""
    found: dict[str, Counter[str]] = {}
    for row in snapshot.cells:
        plain = row["weights"] == TINY and row["dtype"] == row["default_dtype"] and row["options"] in ("{}", "", None)
        if row["platform"] == platform and plain:
            found.setdefault(row["check"], Counter())[row["status"]] += 1
    order = (*SEVERITY, Status.INAPPLICABLE)
    return [
        CheckRow(
            name=name, verified=counts[Status.PASS], applicable=sum(counts.values()) - counts[Status.INAPPLICABLE],
            others=tuple((status, counts[status]) for status in order if status != Status.PASS and counts[status]),
        )
        for name, counts in sorted(found.items(), key=lambda pair: _check_order(pair[0]))
    ]  # fmt: skip


def _check_order(name: str) -> tuple[int, str]:
    return VERIFYING.index(name) if name in VERIFYING else len(VERIFYING), name
