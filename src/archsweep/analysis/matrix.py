"""Folds cells into a matrix: category, architecture or class × platform. Rows in, rows out; no I/O.

What is counted is a subject on a platform: verified when every verifying check passed there, at the platform's default
dtype and with tiny weights (several options, such as an engine, count apart). A folded cell is green only when all that
is applicable is verified; otherwise it names the most severe status in it. Per platform only the newest fingerprint is
folded; what is known under others alone is counted as `older`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from archsweep.contract import TINY, VERIFYING, Evidence, Status

Row = Mapping[str, Any]
Label = tuple[str, ...]
Place = tuple[str, ...]  # a column: (platform,) or (platform, check)

INCOMPLETE = "incomplete"  # nothing went wrong, but not every verifying check was run

SEVERITY: tuple[str, ...] = (
    Status.FAIL,
    Status.CRASH,
    Status.OOM,
    Status.TIMEOUT,
    Status.ERROR,
    Status.BROKEN,
    Status.UNSUPPORTED,
    Status.UNEXECUTED,
    Status.UNAVAILABLE,
    INCOMPLETE,
    Status.PASS,
)
WEAKNESS: tuple[str, ...] = (
    Evidence.NONE,
    Evidence.PREDICTED,
    Evidence.COMPILER,
    Evidence.EMULATOR,
    Evidence.HARDWARE,
)
FLAT_COLUMNS = (
    "category", "model_type", "class_name", "platform", "check", "status", "evidence", "verified", "applicable",
    "by_status", "inapplicable", "older", "fingerprints", "finished_at",
)  # fmt: skip
_PRIORITIES = ("critical", "high", "medium", "low")


class Depth(StrEnum):
    """How far the matrix is folded."""

    CATEGORY = "category"  # category × platform
    ARCHITECTURE = "architecture"  # model type × platform
    CLASS = "class"  # class × platform and check


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell. `by_status` counts what is applicable; `verified` of it is green. What is inapplicable stands apart.

    `older` counts what is known under older fingerprints only: beside the rest in a folded cell, in it at the depth of
    classes.
    """

    label: Label
    place: Place
    status: str
    evidence: str
    verified: int
    applicable: int
    by_status: Mapping[str, int]
    inapplicable: int = 0
    older: int = 0
    fingerprints: tuple[str, ...] = ()
    finished_at: str = ""  # of the newest result in it

    @property
    def green(self) -> bool:
        return self.applicable > 0 and self.verified == self.applicable


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """`cells` by (label, place); a place without a cell was not tried. `totals` folds each column whole."""

    depth: Depth
    labels: tuple[Label, ...]
    places: tuple[Place, ...]
    cells: Mapping[tuple[Label, Place], Cell]
    totals: Mapping[Place, Cell]
    filtered: bool = False  # lines are left out, and the totals fold only what is shown


@dataclass(frozen=True, kw_only=True)
class _Unit:
    """One thing that is counted: a subject on a platform, or at the depth of classes one case."""

    label: Label
    place: Place
    status: str
    evidence: str
    fingerprints: frozenset[str]
    finished_at: str
    older: bool


def build(
    rows: Iterable[Row],
    depth: Depth,
    *,
    newest: Mapping[str, str] | None = None,
    statuses: Sequence[str] = (),
    evidences: Sequence[str] = (),
) -> Matrix:
    """The matrix of some rows of `cells`.

    `newest` maps a platform to the one fingerprint that is folded there; None folds all of them. `statuses` and
    `evidences` keep the lines in which something has one of them; they never change a line's numbers.
    """
    rows = [row for row in rows if depth is Depth.CLASS or _verifies(row)]
    units = list(_units(rows, depth, newest))
    order = _order(rows, depth)
    cells = {
        key: _fold(key[0], key[1], inside)
        for key, inside in _grouped(units, lambda unit: (unit.label, unit.place)).items()
    }
    labels = {label for label, _ in cells}
    if statuses or evidences:
        labels &= {unit.label for unit in units if _wanted(unit, statuses, evidences)}
    totals = {
        place: _fold(("all",), place, inside)
        for place, inside in _grouped([unit for unit in units if unit.label in labels], lambda unit: unit.place).items()
    }
    return Matrix(
        depth=depth,
        labels=tuple(sorted(labels, key=lambda label: order[label])),
        places=tuple(sorted({place for label, place in cells if label in labels}, key=_place_order)),
        cells={key: cell for key, cell in cells.items() if key[0] in labels},
        totals=totals,
        filtered=bool(statuses or evidences),
    )


def flat(matrix: Matrix) -> list[dict[str, Any]]:
    """The cells as flat JSON objects, in the order of the matrix; the shape of `archsweep matrix --json`."""
    found = (matrix.cells.get((label, place)) for label in matrix.labels for place in matrix.places)
    return [_flat(cell) for cell in found if cell is not None]


def _flat(cell: Cell) -> dict[str, Any]:
    label: tuple[str | None, ...] = (*cell.label, None, None)
    return {
        "category": label[0],
        "model_type": label[1],
        "class_name": label[2],
        "platform": cell.place[0],
        "check": cell.place[1] if len(cell.place) > 1 else None,
        "status": cell.status or None,
        "evidence": cell.evidence if cell.applicable else None,
        "verified": cell.verified,
        "applicable": cell.applicable,
        "by_status": {name: cell.by_status[name] for name in SEVERITY if name in cell.by_status},
        "inapplicable": cell.inapplicable,
        "older": cell.older,
        "fingerprints": list(cell.fingerprints),
        "finished_at": cell.finished_at,
    }


def _verifies(row: Row) -> bool:
    return row["check"] in VERIFYING and row["weights"] == TINY and row["dtype"] == row["default_dtype"]


def _label(row: Row, depth: Depth) -> Label:
    whole = (row["category"], row["model_type"], row["class_name"])
    return whole[: {Depth.CATEGORY: 1, Depth.ARCHITECTURE: 2, Depth.CLASS: 3}[depth]]


def _order(rows: Sequence[Row], depth: Depth) -> dict[Label, tuple[Any, ...]]:
    """Sort keys: the categories of highest priority first, then by name."""
    rank = {name: number for number, name in enumerate(_PRIORITIES)}
    of_category: dict[str, int] = {}
    for row in rows:
        number = rank.get(str(row.get("priority")), len(rank))
        of_category[row["category"]] = min(number, of_category.get(row["category"], number))
    return {label: (of_category[label[0]], *label) for label in (_label(row, depth) for row in rows)}


def _place_order(place: Place) -> tuple[Any, ...]:
    """Platforms by name; the verifying checks before the others."""
    check = place[1] if len(place) > 1 else ""
    return place[0], VERIFYING.index(check) if check in VERIFYING else len(VERIFYING), check


def _units(rows: Sequence[Row], depth: Depth, newest: Mapping[str, str] | None) -> Iterable[_Unit]:
    def key(row: Row) -> tuple[Any, ...]:
        subject = (row["model_type"], row["class_name"], row["platform"], row["options"])
        return (row["case"],) if depth is Depth.CLASS else subject

    for inside in _grouped(rows, key).values():
        fresh = [row for row in inside if newest is None or newest.get(row["platform"]) == row["fingerprint"]]
        used = fresh or inside
        status = _status({row["check"]: row["status"] for row in used}, () if depth is Depth.CLASS else VERIFYING)
        first = used[0]
        yield _Unit(
            label=_label(first, depth),
            place=(first["platform"], first["check"]) if depth is Depth.CLASS else (first["platform"],),
            status=status,
            evidence=_weakest(row["evidence"] for row in used if row["status"] == status or status == INCOMPLETE),
            fingerprints=frozenset(row["fingerprint"] for row in used),
            finished_at=max(row["finished_at"] for row in used),
            older=not fresh,
        )


def _status(found: Mapping[str, str], required: Sequence[str]) -> str:
    """One status for the checks of a subject; `inapplicable` when it leaves the denominator."""
    live = {check: status for check, status in found.items() if status != Status.INAPPLICABLE}
    if not live:
        return Status.INAPPLICABLE
    worst = min(live.values(), key=SEVERITY.index)
    if worst != Status.PASS:
        return worst
    if any(check not in found for check in required):
        return INCOMPLETE
    return worst if len(live) == len(found) else Status.INAPPLICABLE


def _fold(label: Label, place: Place, units: Sequence[_Unit]) -> Cell:
    alone = len(place) > 1  # the case itself: nothing is folded, so an older fingerprint is shown, with its mark
    applicable = [unit for unit in units if unit.status != Status.INAPPLICABLE]
    counted = [unit for unit in applicable if alone or not unit.older]
    by_status = Counter(unit.status for unit in counted)
    verified = by_status[Status.PASS]
    status = min(by_status, key=SEVERITY.index, default="" if applicable else str(Status.INAPPLICABLE))
    passes = [unit.evidence for unit in counted if unit.status == Status.PASS]
    return Cell(
        label=label,
        place=place,
        status=status,
        evidence=_weakest(passes or [unit.evidence for unit in counted if unit.status == status]),
        verified=verified,
        applicable=len(counted),
        by_status=dict(by_status),
        inapplicable=len(units) - len(applicable),
        older=sum(unit.older for unit in applicable),
        fingerprints=tuple(sorted({name for unit in units for name in unit.fingerprints})),
        finished_at=max((unit.finished_at for unit in units), default=""),
    )


def _weakest(evidences: Iterable[str]) -> str:
    return min(evidences, key=WEAKNESS.index, default=str(Evidence.NONE))


def _wanted(unit: _Unit, statuses: Sequence[str], evidences: Sequence[str]) -> bool:
    return (not statuses or unit.status in statuses) and (not evidences or unit.evidence in evidences)


def _grouped(items: Iterable[Any], key: Any) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
