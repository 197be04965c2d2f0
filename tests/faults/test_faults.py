"""One sweep over models and platforms that misbehave: each must end as it should, and the rest must be complete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archsweep.archs.selection import Selection
from archsweep.contract import Evidence, Result
from archsweep.errors import EXIT_BROKEN
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper
from archsweep.run.plan import Options
from archsweep.run.sweep import Manner, Outcome, sweep

MODELS = (
    "sound", "raises_building", "wavers", "is_not_a_number", "raises", "hangs", "segfaults", "exits", "exits_hard",
    "hoards", "chatters", "leaves_a_child", "lacks",
)  # fmt: skip
PROGRAMS = (
    "is_wrong_by_one_percent", "is_not_a_number", "runs_elsewhere", "cannot_say_where", "refuses", "raises", "hangs",
    "segfaults", "exits", "exits_hard", "hoards", "chatters", "leaves_a_child", "lacks",
)  # fmt: skip


@pytest.fixture(scope="module")
def ended(trouble: Path) -> tuple[Outcome, dict[str, Result]]:
    models = tuple(f"model_{name}" for name in MODELS) + tuple(f"program_{name}" for name in PROGRAMS)
    options = Options(
        selection=Selection(models=models),
        platforms=("cpu", "troubled", "lying"),
        checks=("forward", "parity"),
        imports=("trouble",),
        timeout_s=10.0,
        memory_bytes=900 * 2**20,
        cache=str(trouble / "cache"),
    )
    outcome = sweep(options, Manner(jobs=6, quiet=True), JournalKeeper(trouble / "run.jsonl"))
    return outcome, journal.read_results(trouble / "run.jsonl")


def ending(results: dict[str, Result], name: str, platform: str, check: str = "parity") -> Result:
    (found,) = [
        result
        for result in results.values()
        if result.case.subject.startswith(f"{name}/") and (result.case.platform, result.case.check) == (platform, check)
    ]
    return found


@pytest.mark.parametrize(
    ("name", "status", "stage", "error_class"),
    [
        ("sound", "pass", "compare", None),
        ("raises_building", "error", "build", "ValueError"),
        ("raises", "error", "run", "ValueError"),
        ("hangs", "timeout", "run", "timeout"),
        ("segfaults", "crash", "run", "SIGSEGV"),
        ("exits", "crash", "run", "exit 3"),
        ("exits_hard", "crash", "run", "exit 4"),
        ("hoards", "oom", "run", "oom"),
        ("chatters", "pass", "compare", None),
        ("leaves_a_child", "pass", "compare", None),
        ("lacks", "unavailable", "run", None),
        ("wavers", "error", "reference", "ReferenceFault"),
    ],
)
def test_a_model_that(
    ended: tuple[Outcome, dict[str, Result]], name: str, status: str, stage: str, error_class: str | None
) -> None:
    result = ending(ended[1], f"model_{name}", "cpu")
    assert (result.status, result.stage) == (status, stage), result
    if error_class:
        assert result.failure is not None
        assert result.failure.error_class == error_class
        assert result.message
    on_platform = stage in ("run", "compare") and status != "unavailable"
    assert result.evidence == (Evidence.HARDWARE if on_platform else Evidence.NONE)
    if stage == "run":  # the search for a recipe ran it on the CPU; the other platform was never reached
        elsewhere = ending(ended[1], f"model_{name}", "troubled")
        assert (elsewhere.status, elsewhere.stage, elsewhere.evidence) == (status, stage, Evidence.NONE)


def test_a_model_that_returns_no_numbers_never_passes(ended: tuple[Outcome, dict[str, Result]]) -> None:
    for check in ("forward", "parity"):
        result = ending(ended[1], "model_is_not_a_number", "cpu", check)
        assert result.status in ("fail", "error")
        assert "nan" in result.message.lower() or "finite" in result.message.lower()


@pytest.mark.parametrize(
    ("name", "status", "stage", "words"),
    [
        ("is_wrong_by_one_percent", "fail", "compare", "last_hidden_state"),
        ("is_not_a_number", "fail", "compare", "last_hidden_state"),
        ("runs_elsewhere", "fail", "compare", "MatMul on cpu"),
        ("cannot_say_where", "fail", "compare", "cannot say where"),
        ("refuses", "unsupported", "compile", "Einsum"),
        ("raises", "error", "run", "does not want to"),
        ("hangs", "timeout", "run", "deadline of 10 s"),
        ("segfaults", "crash", "run", "SIGSEGV"),
        ("exits", "crash", "run", "exit code 3"),
        ("exits_hard", "crash", "run", "exit code 4"),
        ("hoards", "oom", "run", "900 MB"),
        ("chatters", "pass", "compare", ""),
        ("leaves_a_child", "pass", "compare", ""),
    ],
)
def test_a_platform_that(
    ended: tuple[Outcome, dict[str, Result]], name: str, status: str, stage: str, words: str
) -> None:
    result = ending(ended[1], f"program_{name}", "troubled")
    assert (result.status, result.stage) == (status, stage), result
    assert words in result.message
    assert result.evidence is Evidence.EMULATOR


def test_what_a_program_does_to_one_case_does_not_touch_the_other(ended: tuple[Outcome, dict[str, Result]]) -> None:
    for name in ("segfaults", "exits", "hangs", "hoards"):
        first, second = (ending(ended[1], f"program_{name}", "troubled", check) for check in ("forward", "parity"))
        assert first.status == second.status
        assert first.stage == second.stage == "run"
    assert ending(ended[1], "program_is_wrong_by_one_percent", "troubled", "forward").status == "pass"
    for name in PROGRAMS:
        assert ending(ended[1], f"program_{name}", "cpu").status == "pass"


def test_a_missing_library_names_the_command_that_brings_it(ended: tuple[Outcome, dict[str, Result]]) -> None:
    assert "pip install gadget" in ending(ended[1], "model_lacks", "cpu").message


def test_every_planned_case_is_accounted_for_once(ended: tuple[Outcome, dict[str, Result]], trouble: Path) -> None:
    outcome, results = ended
    planned = (len(MODELS) + len(PROGRAMS)) * 3 * 2
    assert outcome.summary["planned"] == outcome.summary["executed"] == len(results) == planned
    lines = [value for kind, value in journal.read(trouble / "run.jsonl") if kind == "result"]
    assert len(lines) == planned


def test_a_platform_whose_sentinels_are_not_noticed_is_broken(ended: tuple[Outcome, dict[str, Result]]) -> None:
    outcome, results = ended
    assert list(outcome.broken) == ["lying"]
    assert "wrong sentinel ended pass" in " ".join(outcome.broken["lying"])
    statuses = {result.status for result in results.values() if result.case.platform == "lying"}
    assert statuses == {"broken"}
    assert outcome.exit_code == EXIT_BROKEN
    assert "lying" not in {result.case.platform for result in outcome.findings}


def test_no_child_survives(ended: tuple[Outcome, dict[str, Result]], trouble: Path) -> None:
    children = [int(line) for line in (trouble / "children").read_text().split()]
    assert len(children) >= 4
    alive = [child for child in children if Path(f"/proc/{child}").exists() and not _is_zombie(child)]
    assert alive == []


def test_the_memory_of_the_whole_tree_was_measured(ended: tuple[Outcome, dict[str, Result]]) -> None:
    assert 200 < ended[0].summary["peak_mb"] < 8000


def _is_zombie(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_temporary_folder_of_the_sweep_is_gone(ended: tuple[Outcome, dict[str, Result]]) -> None:
    import tempfile

    own = [path for path in Path(tempfile.gettempdir()).glob("archsweep-*") if path.stat().st_uid == os.getuid()]
    assert [path for path in own if (path / "program_sound").exists()] == []
