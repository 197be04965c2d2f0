"""A device's context that an error has spoiled: the worker leaves, and the other cases are not made to pay for it."""

from __future__ import annotations

from pathlib import Path

from archsweep.archs.selection import Selection
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper
from archsweep.run.plan import Options
from archsweep.run.sweep import Manner, sweep


def test_an_error_on_the_device_ends_its_own_case_alone(trouble: Path) -> None:
    options = Options(
        selection=Selection(models=("model_sound", "program_raises")), platforms=("fragile",),
        checks=("forward", "parity"), imports=("trouble",), timeout_s=60.0, cache=str(trouble / "cache"),
    )  # fmt: skip
    outcome = sweep(options, Manner(jobs=1, quiet=True), JournalKeeper(trouble / "fragile.jsonl"))
    results = journal.read_results(trouble / "fragile.jsonl").values()
    assert outcome.summary["executed"] == len(results) == 4
    assert not outcome.broken
    found = {(item.case.subject.partition("/")[0], item.case.check): item for item in results}
    spoiled = found["program_raises", "forward"]
    assert (spoiled.status, spoiled.stage) == ("error", "run")
    assert spoiled.message == "an assertion failed on the device"
    for name in (("program_raises", "parity"), ("model_sound", "forward"), ("model_sound", "parity")):
        assert found[name].status == "pass", found[name]
