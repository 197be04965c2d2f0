"""Groups cells for the matrix: which case belongs to what is counted, and how it ended. Rows in; no judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from archsweep.contract import TINY, VERIFYING

Row = Mapping[str, Any]
Label = tuple[str, ...]
Place = tuple[str, ...]  # a column: (platform,) or (platform, check)


class Depth(StrEnum):
    """How far the matrix is folded."""

    CATEGORY = "category"  # category × platform
    ARCHITECTURE = "architecture"  # model type × platform
    SUBJECT = "subject"  # class × platform
    CLASS = "class"  # class × platform and check


LABELS = {Depth.CATEGORY: 1, Depth.ARCHITECTURE: 2, Depth.SUBJECT: 3, Depth.CLASS: 3}  # how many names a line has


class Ending(NamedTuple):
    """How one check of a subject ended."""

    check: str
    status: str
    evidence: str
    fingerprint: str


class Group(NamedTuple):
    """Subjects on a platform (at the depth of classes: one case) with one label that ended alike.

    `finished_at` and `changed_at` belong to the endings, one by one, and are the latest of the group, as `moment`
    writes them; `changed_at` is empty where it was not asked for.
    """

    label: Label
    place: Place
    priority: str | None
    endings: tuple[Ending, ...]
    finished_at: tuple[str, ...]
    changed_at: tuple[str, ...]
    subjects: int


def grouped(rows: Iterable[Row], depth: Depth) -> list[Group]:
    """Rows of `cells` as groups of one. A subject's category is that of its latest result.

    Should two cases ask one check of a subject (the platform's default dtype was another one once), the later counts.
    """
    units: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        if depth is Depth.CLASS:
            units[row["case"],] = {row["check"]: row}
        elif verifies(row):
            unit = units.setdefault((row["model_type"], row["class_name"], row["platform"], row["options"]), {})
            known = unit.get(row["check"])
            if known is None or _later(row) > _later(known):
                unit[row["check"]] = row
    return [_group(list(unit.values()), depth) for unit in units.values()]


def verifies(row: Row) -> bool:
    """Whether a row counts for the verdict on its subject."""
    return row["check"] in VERIFYING and row["weights"] == TINY and row["dtype"] == row["default_dtype"]


def moment(text: str) -> str:
    """A time of a row with six digits of a second, so that texts compare as times do."""
    whole, _, part = text.rstrip("Z").partition(".")
    return f"{whole}.{part:0<6}Z"


def _later(row: Row) -> tuple[str, str]:
    return moment(row["finished_at"]), row["case"]


def _group(rows: list[Row], depth: Depth) -> Group:
    rows.sort(key=lambda row: VERIFYING.index(row["check"]) if depth is not Depth.CLASS else 0)
    last = max(rows, key=_later)
    times = [row.get("changed_at") for row in rows]
    return Group(
        label=(last["category"], last["model_type"], last["class_name"])[: LABELS[depth]],
        place=(last["platform"], last["check"]) if depth is Depth.CLASS else (last["platform"],),
        priority=last.get("priority"),
        endings=tuple(Ending(row["check"], row["status"], row["evidence"], row["fingerprint"]) for row in rows),
        finished_at=tuple(moment(row["finished_at"]) for row in rows),
        changed_at=tuple(moment(str(time)) for time in times) if all(times) else (),
        subjects=1,
    )
