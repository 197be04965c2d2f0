"""Which model folders are not done yet, the most wanted first, and why. Rows in, rows out; no I/O.

Done: a generated file of it was collected with its results kept, and the class that stands for it passes every
verifying check on the platform that is asked, under the installed transformers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.contract import TINY, VERIFYING, Status, Subject

Row = Mapping[str, Any]
UNTRIED = "never tried"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A model folder that is not done. `subject`: the class that stands for it; `tried`: its file was run under this
    transformers, and it is not done all the same."""

    family: str
    file: str
    subject: str
    phase: int
    priority: str
    category: str
    classes: int
    why: str
    tried: bool


def standing_for(subjects: Iterable[Subject]) -> dict[str, Subject]:
    """The class that stands for each model folder: the first of these, which come most wanted first, the base class of
    a model type before its others."""
    found: dict[str, Subject] = {}
    for subject in subjects:
        found.setdefault(subject.family, subject)
    return found


def waiting(
    wanted: Iterable[Subject],
    every: Sequence[Subject],
    cells: Iterable[Row],
    collected: Collection[tuple[str, str]],
    version: str,
    named: Callable[[str], str],
) -> Iterator[Waiting]:
    """The folders of the `wanted` classes that are not done, in the order of these.

    `every`: all classes, most wanted first; `cells`: rows of results on the platform that is asked; `collected`: file
    names that some run of `version`, the installed transformers, collected, each with a model type that it then had
    results of; `named`: the name of a folder's file.
    """
    endings = _endings(cells)
    stands = standing_for(every)
    sizes: dict[str, int] = {}
    for subject in every:
        sizes[subject.family] = sizes.get(subject.family, 0) + 1
    for first in standing_for(wanted).values():
        main = stands[first.family]
        file = named(first.family)
        why, tried = _why(endings.get(main.id, {}), version)
        ran = (file, main.model_type) in collected
        if ran and not why:
            continue
        yield Waiting(
            family=first.family, file=file, subject=main.id, phase=first.phase, priority=str(first.priority),
            category=first.category, classes=sizes[first.family],
            why=why or f"{main.class_name} passes, and no file of it was run", tried=tried and ran,
        )  # fmt: skip


def _endings(cells: Iterable[Row]) -> dict[str, dict[tuple[str, str], Row]]:
    """By subject, then by transformers and check: the newest ending of a verifying check, with tiny weights, in the
    platform's default dtype, without options."""
    found: dict[str, dict[tuple[str, str], Row]] = {}
    for row in cells:
        usual = row["weights"] == TINY and row["dtype"] == row["default_dtype"] and not json.loads(row["options"])
        if row["check"] not in VERIFYING or not usual:
            continue
        own = found.setdefault(f"{row['model_type']}/{row['class_name']}", {})
        key = (row["transformers_version"], row["check"])
        if key not in own or row["finished_at"] > own[key]["finished_at"]:
            own[key] = row
    return found


def _why(endings: Mapping[tuple[str, str], Row], version: str) -> tuple[str, bool]:
    """What keeps a class from being verified under this transformers, "" if nothing does; and whether it was tried."""
    here = {check: row for (under, check), row in endings.items() if under == version}
    if not here:
        others = sorted({under for under, _ in endings})
        return (f"tried only under transformers {', '.join(others)}" if others else UNTRIED), False
    bad = [f"{check}: {row['status']}" for check, row in sorted(here.items()) if row["status"] != Status.PASS]
    absent = [f"{check}: not run" for check in VERIFYING if check not in here]
    return ", ".join(bad + absent), True
