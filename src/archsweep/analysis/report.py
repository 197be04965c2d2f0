"""One run whole: coverage, changes, root causes, what took longest and most memory, environments. Rows in, rows out."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.analysis import repeat
from archsweep.analysis.causes import Cause, causes
from archsweep.analysis.diff import UNTRIED, Changes, changes
from archsweep.analysis.matrix import SEVERITY, WEAKNESS, Cell, Depth, build
from archsweep.contract import TINY, VERIFYING, Status
from archsweep.settings import DEFAULT_PLATFORM

Row = Mapping[str, Any]

LONGEST = 20  # how many of the slowest and of the heaviest are kept
_MEMORY = (("peak_device_mb", "device"), ("peak_host_mb", "host"))  # and whose memory it was


@dataclass(frozen=True, kw_only=True)
class Slow:
    """A case and how long it took, all stages together; `run_s`: one forward pass of it, where that was measured."""

    case: str
    status: str
    stage: str
    wall_s: float
    run_s: float | None


@dataclass(frozen=True, kw_only=True)
class Heavy:
    """A class: the most memory that a case of it took on a platform, where that was measured, and its parameters."""

    subject: str
    platform: str  # "" where no memory was measured
    memory_mb: float | None
    memory_of: str  # device or host
    parameters: int | None


@dataclass(frozen=True, kw_only=True)
class Used:
    """An environment, and what of the run stands on it."""

    platforms: tuple[str, ...]
    results: int
    environment: Row


@dataclass(frozen=True, kw_only=True)
class Report:
    """`platforms`: each folded over the verifying checks, as the matrix folds; `checks`: each platform and check.

    `repeats`: by the example of a cause, the commands that show it again.
    """

    run: str
    started_at: str
    finished_at: str  # "" where it did not come to its end
    version: str
    results: int
    reused: int
    findings: int | None
    by_status: Mapping[str, int]
    platforms: tuple[Cell, ...]
    checks: tuple[Cell, ...]
    previous: str
    changes: Changes | None
    causes: tuple[Cause, ...]
    repeats: Mapping[str, tuple[str, ...]]
    slowest: tuple[Slow, ...]
    heaviest: tuple[Heavy, ...]
    environments: tuple[Used, ...]
    named: str  # what `archsweep report` shows it by: a run, or a journal
    database: str  # as --db would name it; "" where the results are in none

    @property
    def verified(self) -> int:
        return sum(cell.verified for cell in self.platforms)

    @property
    def applicable(self) -> int:
        return sum(cell.applicable for cell in self.platforms)


def report(
    record: Row,
    rows: Iterable[Row],
    *,
    environments: Mapping[str, Row],
    options: Mapping[str, Mapping[str, Any]],
    previous: str = "",
    before: Iterable[Row] | None = None,
    named: str = "",
    database: str = "",
) -> Report:
    """`record` and `rows` are of one run (`store.runs`), `before` the endings of the `previous` one.

    `environments` by fingerprint, `options` of runs by name; `named` and `database`: what commands name it by.
    """
    rows = list(rows)
    ranked = causes(rows)
    examples = {cause.example for cause in ranked}
    ended = Counter(str(row["status"]) for row in rows)
    return Report(
        run=record["run"],
        started_at=record["started_at"] or "",
        finished_at=record["finished_at"] or "",
        version=record["version"],
        results=len(rows),
        reused=sum(bool(row["reused"]) for row in rows),
        findings=(record["summary"] or {}).get("findings"),
        by_status={name: ended[name] for name in (Status.PASS, *SEVERITY, Status.INAPPLICABLE) if ended[name]},
        platforms=_platforms(rows),
        checks=_checks(rows),
        previous=previous,
        changes=None if before is None else changes(before, rows),
        causes=tuple(ranked),
        repeats={
            row["case"]: repeats(row, options.get(row["run"], {}), database) for row in rows if row["case"] in examples
        },
        slowest=_slowest(rows),
        heaviest=_heaviest(rows),
        environments=_used(rows, environments),
        named=named or record["run"],
        database=database,
    )


def repeats(row: Row, options: Mapping[str, Any], database: str) -> tuple[str, ...]:
    """The command that repeats a case alone, and where there is one that shows it without archsweep, that too."""
    again = repeat.command(repeat.case_of(row), database, options)
    scripted = row["platform"] == DEFAULT_PLATFORM and row["check"] in VERIFYING and row["weights"] == TINY
    if not scripted or not database or row["status"] == Status.BROKEN:
        return (again,)
    return again, shlex.join(["archsweep", "repro", row["case"], "--db", database])


def _platforms(rows: Sequence[Row]) -> tuple[Cell, ...]:
    matrix = build(rows, Depth.CATEGORY)
    return tuple(matrix.totals[place] for place in matrix.places)


def _checks(rows: Sequence[Row]) -> tuple[Cell, ...]:
    """Every check on every platform: each case counts, in whatever dtype and with whatever weights it was."""
    found: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for row in rows:
        ended = found.setdefault((row["platform"], row["check"]), Counter())
        ended[row["status"], row["evidence"]] += 1
    order = sorted(found, key=lambda place: (place[0], place[1] not in VERIFYING, place[1]))
    return tuple(_check(place, found[place]) for place in order)


def _check(place: tuple[str, str], ended: Mapping[tuple[str, str], int]) -> Cell:
    by_status: Counter[str] = Counter()
    for (status, _), number in ended.items():
        by_status[status] += number
    inapplicable = by_status.pop(Status.INAPPLICABLE, 0)
    worst = min(by_status, key=SEVERITY.index, default=str(Status.INAPPLICABLE))
    ground = Status.PASS if by_status[Status.PASS] else worst
    return Cell(
        label=("all",), place=place, status=worst,
        evidence=min((evidence for status, evidence in ended if status == ground), key=WEAKNESS.index),
        verified=by_status[Status.PASS], applicable=sum(by_status.values()), by_status=dict(by_status),
        inapplicable=inapplicable,
    )  # fmt: skip


def _slowest(rows: Sequence[Row]) -> tuple[Slow, ...]:
    """What was over its deadline is a failure, and says only what the deadline was."""
    tried = [row for row in rows if row["status"] not in UNTRIED and row["status"] != Status.TIMEOUT]
    most = sorted(tried, key=lambda row: (-row["wall_s"], row["case"]))[:LONGEST]
    return tuple(
        Slow(
            case=row["case"], status=row["status"], stage=row["stage"], wall_s=row["wall_s"],
            run_s=row["run_s"],
        )
        for row in most
    )  # fmt: skip


def _heaviest(rows: Sequence[Row]) -> tuple[Heavy, ...]:
    """By memory where any was measured, then by parameters; each class once, with its platform where that matters."""
    found: dict[tuple[str, str], Heavy] = {}
    for row in rows:
        memory, whose = next(
            ((row[name], whose) for name, whose in _MEMORY if row[name] is not None),
            (None, ""),
        )
        parameters = row["parameters"]
        if memory is None and not parameters:
            continue
        heavy = Heavy(
            subject=f"{row['model_type']}/{row['class_name']}",
            platform=row["platform"] if memory is not None else "",
            memory_mb=memory,
            memory_of=whose,
            parameters=int(parameters) if parameters else None,
        )
        key = (heavy.subject, heavy.platform)
        found[key] = min(heavy, found.get(key, heavy), key=_weight)
    measured = {subject for subject, platform in found if platform}
    kept = [heavy for heavy in found.values() if heavy.platform or heavy.subject not in measured]
    return tuple(sorted(kept, key=_weight)[:LONGEST])


def _weight(heavy: Heavy) -> tuple[Any, ...]:
    return -(heavy.memory_mb or 0), -(heavy.parameters or 0), heavy.subject, heavy.platform


def _used(rows: Sequence[Row], environments: Mapping[str, Row]) -> tuple[Used, ...]:
    results = Counter(row["fingerprint"] for row in rows)
    platforms: dict[str, set[str]] = {}
    for row in rows:
        platforms.setdefault(row["fingerprint"], set()).add(row["platform"])
    order = sorted(results, key=lambda name: (sorted(platforms[name]), name))
    return tuple(
        Used(platforms=tuple(sorted(platforms[name])), results=results[name], environment=environments[name])
        for name in order
        if name in environments
    )
