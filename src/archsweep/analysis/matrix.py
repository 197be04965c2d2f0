"""Folds cells into a matrix: category, architecture, subject or class × platform. Rows in, rows out; no I/O.

What is counted is a subject on a platform: verified when every verifying check passed there, at the platform's default
dtype and with tiny weights (several options, such as an engine, count apart). A folded cell is green only when all that
is applicable is verified; otherwise it names the most severe status in it. Per platform only the newest fingerprint is
folded; what is known under others alone is counted as `older`.

Subjects that ended alike are judged once: `fold` takes `Group`s, which a database makes faster than Python does, and
`build` takes rows. Both give the same matrix.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.analysis.grouping import Depth, Ending, Group, Label, Place, Row, grouped
from archsweep.analysis.verdict import INCOMPLETE, SEVERE, SEVERITY, WEAKNESS, Judged, Present, judge, weakest
from archsweep.contract import VERIFYING, Status

__all__ = [
    "FLAT_COLUMNS", "INCOMPLETE", "ORDERS", "SEVERITY", "WEAKNESS", "Age", "Cell", "Depth", "Ending", "Group", "Label",
    "Matrix", "Place", "Present", "Row", "build", "flat", "fold",
]  # fmt: skip

FLAT_COLUMNS = (
    "category", "model_type", "class_name", "platform", "check", "status", "evidence", "verified", "applicable",
    "by_status", "inapplicable", "older", "fingerprints", "finished_at", "transformers", "age_days", "older_age_days",
    "changed_at",
)  # fmt: skip
ORDERS = ("priority", "name", "verified", "changed")
_PRIORITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, kw_only=True)
class Age:
    """How old the newest of some results is; `transformers` where that is not the current one, else ""."""

    days: int
    transformers: str
    partly: bool = False  # other results in the same cell are current


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell. `by_status` counts what is applicable; `verified` of it is green. What is inapplicable stands apart.

    `older` counts what is known under older fingerprints only: beside the rest in a folded cell, in it at the depth of
    classes. `age` is that of what is counted, None where it is current; `older_age` that of what stands beside it.
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
    transformers: tuple[str, ...] = ()
    age: Age | None = None
    older_age: Age | None = None
    changed_at: str = ""  # when the last of its cases began to end as it does; "" where that was not asked for

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


@dataclass(slots=True, eq=False)
class _Part:
    """Subjects of one cell that were judged alike."""

    judged: Judged
    count: int
    finished_at: str
    changed_at: str


def build(rows: Iterable[Row], depth: Depth, **options: Any) -> Matrix:
    """The matrix of some rows of `cells`; the options are those of `fold`."""
    return fold(grouped(rows, depth), depth, **options)


def fold(
    groups: Iterable[Group],
    depth: Depth,
    *,
    newest: Mapping[str, str] | None = None,
    present: Present | None = None,
    statuses: Sequence[str] = (),
    evidences: Sequence[str] = (),
    since: str = "",
    order: str = "priority",
) -> Matrix:
    """The matrix of subjects that were grouped by how they ended.

    `newest` maps a platform to the one fingerprint that is folded there; None folds all of them. `statuses`,
    `evidences` and `since` keep the lines in which something ended so, stands on that, or ends otherwise than before
    that moment; they never change a line's numbers. `order` is one of ORDERS; categories stay together.
    """
    judged_as = judge(() if depth is Depth.CLASS else VERIFYING, newest, present)
    cells: dict[tuple[Label, Place], list[_Part]] = {}
    ranks: dict[str, int] = {}
    labels: set[Label] = set()
    filtered = bool(statuses or evidences or since)
    for group in groups:
        judged = judged_as(group.endings, group.place[0])
        part = _Part(judged, group.subjects, _latest(group.finished_at, judged), _latest(group.changed_at, judged))
        cells.setdefault((group.label, group.place), []).append(part)
        rank = _PRIORITIES.index(group.priority) if group.priority in _PRIORITIES else len(_PRIORITIES)
        ranks[group.label[0]] = min(rank, ranks.get(group.label[0], rank))
        if not filtered or _wanted(part, statuses, evidences, since):
            labels.add(group.label)
    folder = _Folder(present)
    shown = {key: folder.cell(*key, parts) for key, parts in cells.items() if key[0] in labels}
    return Matrix(
        depth=depth,
        labels=tuple(sorted(labels, key=_order(order, ranks, shown.values()))),
        places=tuple(sorted({place for _, place in shown}, key=_place_order)),
        cells=shown,
        totals=_totals({key: cells[key] for key in shown}, folder),
        filtered=filtered,
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
        "transformers": list(cell.transformers),
        "age_days": None if cell.age is None else cell.age.days,
        "older_age_days": None if cell.older_age is None else cell.older_age.days,
        "changed_at": cell.changed_at or None,
    }


def _latest(times: Sequence[str], judged: Judged) -> str:
    if not times:
        return ""
    return max(times) if len(times) == len(judged.used) else max([times[place] for place in judged.used])


def _wanted(part: _Part, statuses: Sequence[str], evidences: Sequence[str], since: str) -> bool:
    judged = part.judged
    alike = (not statuses or judged.status in statuses) and (not evidences or judged.evidence in evidences)
    return alike and part.changed_at >= since


class _Folder:
    """Folds the parts of a cell. Cells with the same judgements and counts differ in names and times alone."""

    def __init__(self, present: Present | None) -> None:
        self._present = present
        self._known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def cell(self, label: Label, place: Place, parts: Sequence[_Part]) -> Cell:
        key = (len(place), *[(id(part.judged), part.count) for part in parts])
        common = self._known.get(key)
        if common is None:
            common = self._known[key] = self._common(place, parts)
        if len(parts) == 1:
            finished, changed = parts[0].finished_at, parts[0].changed_at
        else:
            finished, changed = max([part.finished_at for part in parts]), max([part.changed_at for part in parts])
        ages: dict[str, Any] = {} if self._present is None else self._ages(place, parts)
        return Cell(
            label=label, place=place, finished_at=_short(finished), changed_at=_short(changed), **common, **ages
        )

    def _common(self, place: Place, parts: Sequence[_Part]) -> dict[str, Any]:
        applicable = [part for part in parts if part.judged.status != Status.INAPPLICABLE]
        by_status: Counter[str] = Counter()
        for part in _counted(place, applicable):
            by_status[part.judged.status] += part.count
        status = min(by_status, key=SEVERE.__getitem__, default="" if applicable else str(Status.INAPPLICABLE))
        ground = Status.PASS if Status.PASS in by_status else status
        counted = [part.judged for part in _counted(place, applicable)]
        fingerprints = tuple(sorted({name for part in parts for name in part.judged.fingerprints}))
        return {
            "status": status,
            "evidence": weakest(judged.evidence for judged in counted if judged.status == ground),
            "verified": by_status[Status.PASS],
            "applicable": sum(by_status.values()),
            "by_status": dict(by_status),
            "inapplicable": sum(part.count for part in parts) - sum(part.count for part in applicable),
            "older": sum(part.count for part in applicable if part.judged.older),
            "fingerprints": fingerprints,
            "transformers": _versions(place[0], fingerprints, self._present),
        }

    def _ages(self, place: Place, parts: Sequence[_Part]) -> dict[str, Age | None]:
        old = [part for part in parts if part.judged.older or part.judged.outdated]
        if not old:
            return {}
        old = [part for part in old if part.judged.status != Status.INAPPLICABLE]
        counted = _counted(place, [part for part in parts if part.judged.status != Status.INAPPLICABLE])
        apart = [] if len(place) > 1 else [part for part in old if part.judged.older]
        return {
            "age": _age([part for part in old if part in counted], counted, self._present),
            "older_age": _age(apart, apart, self._present),
        }


def _counted(place: Place, applicable: Sequence[_Part]) -> Sequence[_Part]:
    """What counts in a cell. A case alone is not folded: an older fingerprint is shown there, with its mark."""
    return applicable if len(place) > 1 else [part for part in applicable if not part.judged.older]


def _totals(cells: Mapping[tuple[Label, Place], Sequence[_Part]], folder: _Folder) -> dict[Place, Cell]:
    """Each column folded whole; what was judged alike is added up before."""
    sums: dict[tuple[Place, int], _Part] = {}
    for (_, place), parts in cells.items():
        for part in parts:
            known = sums.get((place, id(part.judged)))
            if known is None:
                sums[place, id(part.judged)] = _Part(part.judged, part.count, part.finished_at, part.changed_at)
                continue
            known.count += part.count
            known.finished_at = max(known.finished_at, part.finished_at)
            known.changed_at = max(known.changed_at, part.changed_at)
    by_place: dict[Place, list[_Part]] = {}
    for (place, _), part in sums.items():
        by_place.setdefault(place, []).append(part)
    return {place: folder.cell(("all",), place, parts) for place, parts in by_place.items()}


def _age(old: Sequence[_Part], among: Sequence[_Part], present: Present | None) -> Age | None:
    if present is None or not old:
        return None
    last = max(old, key=lambda part: part.finished_at)
    day = datetime.date.fromisoformat(last.finished_at[:10])
    days = max(0, (present.today - day).days)
    return Age(days=days, transformers=last.judged.outdated, partly=len(old) < len(among))


def _versions(platform: str, fingerprints: Sequence[str], present: Present | None) -> tuple[str, ...]:
    if present is None:
        return ()
    return tuple(sorted({present.versions.get((platform, name), "") for name in fingerprints} - {""}))


def _short(moment: str) -> str:
    return f"{moment[:-8]}Z" if moment.endswith(".000000Z") else moment


def _order(order: str, ranks: Mapping[str, int], cells: Iterable[Cell]) -> Callable[[Label], tuple[Any, ...]]:
    """Sort keys of lines. By default the categories of highest priority come first, then names decide."""
    if order in ("priority", "name"):
        return lambda label: (0 if order == "name" else ranks[label[0]], *label)
    keys: dict[Label, Any] = {}
    counts: dict[Label, list[int]] = {}
    for cell in cells:
        if order == "changed":
            for name in (cell.label, cell.label[:1]):
                keys[name] = max(keys.get(name, ""), cell.changed_at)
        else:
            for name in {cell.label, cell.label[:1]}:
                sums = counts.setdefault(name, [0, 0])
                sums[0] += cell.verified
                sums[1] += cell.applicable
    if order == "verified":
        keys = {
            name: (verified / applicable if applicable else -1.0, verified)
            for name, (verified, applicable) in counts.items()
        }
    places = {key: place for place, key in enumerate(sorted(set(keys.values()), reverse=True))}
    return lambda label: (places[keys[label[:1]]], label[0], places[keys[label]], *label)


def _place_order(place: Place) -> tuple[Any, ...]:
    """Platforms by name; the verifying checks before the others."""
    check = place[1] if len(place) > 1 else ""
    return place[0], VERIFYING.index(check) if check in VERIFYING else len(VERIFYING), check
