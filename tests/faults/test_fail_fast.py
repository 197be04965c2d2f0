"""A sweep that stops at its first finding leaves a run that is not finished, and that goes on from there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from archsweep.archs.selection import Selection
from archsweep.errors import EXIT_FINDINGS
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper, unfinished
from archsweep.run.plan import Options
from archsweep.run.sweep import Manner, sweep


def test_what_stopped_at_its_first_finding_goes_on(trouble: Path) -> None:
    options = Options(
        selection=Selection(models=("model_hangs", "model_raises", "model_sound")),
        platforms=("cpu",),
        checks=("forward",),
        imports=("trouble",),
        timeout_s=100.0,
        cache=str(trouble / "cache"),
    )
    file = trouble / "fast.jsonl"
    first = sweep(options, Manner(jobs=2, quiet=True, fail_fast=True), JournalKeeper(file))
    assert (first.stopped, first.interrupted, first.exit_code) == (True, False, EXIT_FINDINGS)
    assert [result.case.subject.partition("/")[0] for result in first.findings] == ["model_raises"]
    assert first.summary["executed"] < first.summary["planned"] == 3  # the one that hangs was not waited for
    before = unfinished(file)
    assert before is not None
    assert len(before[1]) == first.summary["executed"]
    sooner = dataclasses.replace(options, timeout_s=5.0)
    second = sweep(sooner, Manner(jobs=2, quiet=True), JournalKeeper(file, before))
    assert not second.stopped
    assert second.summary["run"] == first.summary["run"]
    assert second.summary["executed"] == 3 - first.summary["executed"]
    assert second.summary["by_status"] == {"pass": 1, "error": 1, "timeout": 1}
    assert unfinished(file) is None
    assert len(journal.read_results(file)) == 3
