"""Workers that take several lots: what one lot does to its worker never shows in another one's ending."""

from __future__ import annotations

from pathlib import Path

import pytest

from archsweep.archs.selection import Selection
from archsweep.contract import Result
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper
from archsweep.run.plan import Options
from archsweep.run.sweep import Manner, sweep

SOUND = (
    "model_sound",
    "program_refuses",
    "program_is_not_a_number",
    "program_runs_elsewhere",
)  # elsewhere they are not
BAD = {"program_raises": "error", "program_segfaults": "crash", "program_hangs": "timeout", "program_exits": "crash"}
SPOILING = "program_spoils"  # right itself, and the next lot in the same worker is wrong


@pytest.fixture(scope="module")
def ended(trouble: Path) -> dict[str, Result]:
    options = Options(
        selection=Selection(models=(*SOUND, *BAD, SPOILING)),
        platforms=("lasting",),
        checks=("forward", "parity"),
        imports=("trouble",),
        timeout_s=10.0,
        cache=str(trouble / "cache"),
    )
    outcome = sweep(options, Manner(jobs=1, quiet=True), JournalKeeper(trouble / "lasting.jsonl"))
    results = journal.read_results(trouble / "lasting.jsonl")
    assert outcome.summary["executed"] == len(results) == 2 * (len(SOUND) + len(BAD) + 1)
    assert not outcome.broken
    return {result.case.id: result for result in results.values() if result.case.check == "parity"}


def statuses(ended: dict[str, Result]) -> dict[str, str]:
    return {id.partition("/")[0]: str(result.status) for id, result in ended.items()}


def test_every_lot_ends_as_it_would_alone(ended: dict[str, Result]) -> None:
    assert statuses(ended) == {**dict.fromkeys((*SOUND, SPOILING), "pass"), **BAD}


def test_a_worker_takes_several_lots_and_is_replaced_after_its_last(ended: dict[str, Result], trouble: Path) -> None:
    """The listing names each program that was compiled, with its process."""
    lines = [line.split() for line in (trouble / "lasting").read_text().splitlines()]
    lots: dict[str, set[str]] = {}
    for model_type, process in lines:
        lots.setdefault(process, set()).add(model_type)
    assert max(map(len, lots.values())) > 1
    assert max(map(len, lots.values())) <= 4


def test_a_bad_ending_in_a_used_worker_counts_only_when_a_fresh_one_repeats_it(
    ended: dict[str, Result], trouble: Path
) -> None:
    lines = [line.split() for line in (trouble / "lasting").read_text().splitlines()]
    alone = {
        process for process in {process for _, process in lines} if len({m for m, p in lines if p == process}) == 1
    }
    for name in BAD:
        last = [process for model_type, process in lines if model_type == name][-1]
        assert last in alone


def test_a_worker_goes_on_after_a_bad_ending_if_a_fresh_one_ends_alike_and_else_goes_home(
    ended: dict[str, Result], trouble: Path
) -> None:
    """A program that raises does so anywhere, but here it has spoiled its worker too: the next lot shows that."""
    lines = [line.split() for line in (trouble / "lasting").read_text().splitlines()]
    used, fresh = (process for model_type, process in lines if model_type == "program_raises")
    raised = lines.index(["program_raises", fresh])
    after = lines[raised + 1 :]
    assert after[0][1] == used, "the first worker did not go on"
    assert after[1] == [after[0][0], after[1][1]], "what went wrong in it was not run again"
    assert not {used, fresh} & {process for _, process in after[1:]}, "a spoiled worker went on"
