"""What is known at one moment, as rows: what the dashboard's pages are made from. Reads nothing itself."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archsweep.analysis.model_page import ModelPage
from archsweep.analysis.report import Report

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A platform as its plugin describes it."""

    name: str
    title: str
    priority: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A sweep that is going on: how many of its cases have ended."""

    run: str
    started_at: str
    ended: int
    planned: int | None  # None: it does not say
    by_status: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Rows as `store.read` gives them. What only some pages want is a function, called when such a page is made."""

    database: str  # its name, for the commands that are shown
    transformers_version: str  # the installed one: its classes are the denominator
    subjects: Sequence[Row]  # the mapped classes of it, as the catalog has them
    cells: Sequence[Row]  # the current row of each case
    changed_at: Mapping[str, str]  # of each case: since when it ends as it does
    notes: Sequence[Row]  # fingerprints of each platform, the newest first
    runs: Sequence[Row]  # newest first
    environments: Mapping[str, Row]
    platforms: Sequence[Place]
    checks: Mapping[str, str]  # name -> question
    endings: Callable[[str], Sequence[Row]]  # of a run: what it reports, with what it took over
    report: Callable[[str], Report]  # of a run
    model: Callable[[str], ModelPage]
    measured: Callable[[], Sequence[Row]]  # every result of the check `speed`, with its `metrics`
    collected: Sequence[Row] = ()  # what runs of generated files collected
    absent: Mapping[str, str] = field(default_factory=dict)  # of the roadmap, and in no transformers
    progress: Sequence[Progress] = ()
    live: bool = False  # shown while it grows

    @functools.cached_property
    def newest(self) -> dict[str, str]:
        """The newest fingerprint of each platform."""
        return {note["platform"]: note["fingerprint"] for note in reversed(self.notes)}

    @functools.cached_property
    def version(self) -> str:
        """Another one wherever anything that is shown has changed."""
        parts = [[row["case"], row["status"], row["finished_at"], row["run"]] for row in self.cells]
        parts += [[run["run"], str(run["finished_at"])] for run in self.runs]
        parts += [[item.run, str(item.ended)] for item in self.progress]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
