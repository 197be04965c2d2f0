"""What changed between two sets of endings, case by case. Rows in, rows out; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archsweep.contract import Status

Row = Mapping[str, Any]

UNTRIED = frozenset({Status.UNAVAILABLE, Status.UNEXECUTED, Status.INAPPLICABLE})


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What of an ending is compared, and its message."""

    status: str
    stage: str
    error_class: str
    message: str = ""

    @property
    def alike(self) -> tuple[str, ...]:
        """Two passes are alike, two endings that tried nothing by their status, others by stage and error as well."""
        quiet = self.status == Status.PASS or self.status in UNTRIED
        return (self.status,) if quiet else (self.status, self.stage, self.error_class)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One case; `before` is None where it is new, `after` where it is gone."""

    case: str
    model_type: str
    class_name: str
    platform: str
    check: str
    before: Ending | None
    after: Ending | None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Every case of two sets is in exactly one of these; each is sorted by case."""

    gained: tuple[Change, ...]  # passes now, and did not
    lost: tuple[Change, ...]  # passed, and ends badly now
    moved: tuple[Change, ...]  # ends badly, and otherwise than before
    untried: tuple[Change, ...]  # is unavailable, unexecuted or inapplicable now, and was not so
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    alike: int

    @property
    def none(self) -> bool:
        return not (self.gained or self.lost or self.moved or self.untried or self.new or self.gone)


def changes(before: Iterable[Row], after: Iterable[Row]) -> Changes:
    """Compares by case id; of several rows of one case the newest counts."""
    old, now = _newest(before), _newest(after)
    found: dict[str, list[Change]] = {name: [] for name in ("gained", "lost", "moved", "untried", "new", "gone")}
    alike = 0
    for case in sorted(old.keys() | now.keys()):
        first, second = old.get(case), now.get(case)
        kind = _kind(_ending(first), _ending(second))
        if kind:
            found[kind].append(_change(first, second))
        else:
            alike += 1
    return Changes(**{name: tuple(items) for name, items in found.items()}, alike=alike)


def _kind(before: Ending | None, after: Ending | None) -> str:
    if after is None:
        return "gone"
    if before is None:
        return "new"
    if before.alike == after.alike:
        return ""
    if after.status == Status.PASS:
        return "gained"
    if after.status in UNTRIED:
        return "untried"
    return "lost" if before.status == Status.PASS else "moved"


def _newest(rows: Iterable[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row["case"])
        if known is None or known["finished_at"] <= row["finished_at"]:
            found[row["case"]] = row
    return found


def _ending(row: Row | None) -> Ending | None:
    if row is None:
        return None
    return Ending(
        status=row["status"], stage=row["stage"], error_class=row["error_class"] or "", message=row["message"] or ""
    )


def _change(before: Row | None, after: Row | None) -> Change:
    row = after or before
    assert row is not None, "a case is in one set at least"
    names = ("case", "model_type", "class_name", "platform", "check")
    return Change(**{name: row[name] for name in names}, before=_ending(before), after=_ending(after))
