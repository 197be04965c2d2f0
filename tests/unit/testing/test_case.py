"""How a result becomes a pass, a skip, an expected failure or a failure, and what is said then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import making
import pytest

from archsweep.contract import Evidence, Failure, Result, Stage, Status
from archsweep.run.findings import Ending, ending
from archsweep.testing import Architecture, Case
from archsweep.testing.case import LAST, properties, told, unlike
from archsweep.testing.planning import Planned

DATA = Architecture(model_type="bert", inputs={"x": "int64 (2, 10)"}, classes={"BertModel": {}})
PLANNED = Planned(case=making.case(), architecture=DATA, class_name="BertModel")
CALLED = {"recipe": {"called": {"x": "int64 (2, 10)"}}}
FAULT = pytest.fail.Exception
AGAIN = "pytest here/test_bert.py::test_x[id]"


def verified(
    result: Result, baseline: Mapping[str, Ending] | None = None, heard: list[tuple[str, str]] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    tell = (heard if heard is not None else []).append
    Case(
        planned=PLANNED, result=lambda item: result, tell=lambda name, text: tell((name, text)),
        baseline=baseline or {}, asked=asked or {}, again=AGAIN,
    ).verify()  # fmt: skip


def test_a_pass_passes() -> None:
    verified(making.result(details=CALLED))


@pytest.mark.parametrize("status", [item for item in Status if item is not Status.PASS])
def test_nothing_but_a_pass_passes(status: Status) -> None:
    skipped = status in (Status.UNAVAILABLE, Status.INAPPLICABLE, Status.UNEXECUTED)
    kind = pytest.skip.Exception if skipped else FAULT
    with pytest.raises(kind) as ended:
        verified(making.result(status, message="it says why"))
    assert "it says why" in str(ended.value)
    assert str(status) in str(ended.value)


BAD = (Status.FAIL, Status.ERROR, Status.TIMEOUT, Status.CRASH, Status.OOM)


@pytest.mark.parametrize("status", [*BAD, Status.UNSUPPORTED])
def test_what_ends_as_in_the_baseline_is_an_expected_failure(status: Status) -> None:
    result = making.result(status, error_class="ValueError", message="it says why")
    with pytest.raises(pytest.xfail.Exception, match=r"as in the baseline: .* at compare: it says why"):
        verified(result, {result.case.id: ending(result)})


@pytest.mark.parametrize(
    "other",
    [
        Ending(Status.PASS),
        Ending(Status.FAIL, "compare", "ValueError"),
        Ending(Status.ERROR, "run", "ValueError"),
        Ending(Status.ERROR, "compare", "TypeError"),
    ],
)
def test_what_ends_otherwise_than_in_the_baseline_fails(other: Ending) -> None:
    result = making.result(Status.ERROR, error_class="ValueError")
    with pytest.raises(FAULT):
        verified(result, {result.case.id: other})
    with pytest.raises(FAULT):
        verified(result, {"bert/BertModel:cpu:parity": ending(result)})


def test_no_baseline_excuses_a_broken_run() -> None:
    result = making.result(Status.BROKEN)
    with pytest.raises(FAULT, match="broken is no pass"):
        verified(result, {result.case.id: ending(result)})


def test_a_pass_whose_model_was_called_otherwise_than_stated_fails() -> None:
    result = making.result(details={"recipe": {"called": {"x": "int64 (2, 9)", "more": "bool (2,)"}}})
    with pytest.raises(FAULT) as ended:
        verified(result)
    lines = str(ended.value).splitlines()
    assert lines[0] == "bert/BertModel passes, and is called otherwise than this file states:"
    assert lines[1:] == [
        "  more: none, now bool (2,)",
        "  x: int64 (2, 10), now int64 (2, 9)",
        "Write the file anew: archsweep generate bert",
    ]


def test_real_weights_are_called_otherwise_than_tiny_ones() -> None:
    real = Planned(case=making.case(weights="small@abc"), architecture=DATA, class_name="BertModel")
    details = {"recipe": {"called": {"x": "int64 (2, 18)"}}}
    assert unlike(PLANNED, making.result(details=details)) != ""
    assert unlike(real, making.result(details=details)) == ""


def test_what_is_not_known_of_the_call_or_not_stated_is_not_held_against_a_class() -> None:
    assert unlike(PLANNED, making.result()) == ""
    lacking = Architecture(model_type="bert", classes={"BertModel": {"lacks": "a spoon"}})
    searched = Planned(case=making.case(), architecture=lacking, class_name="BertModel")
    assert unlike(searched, making.result(details=CALLED)) == ""


def test_a_report_carries_status_stage_evidence_and_what_is_known_besides() -> None:
    heard: list[tuple[str, str]] = []
    verified(making.result(details=CALLED, device="a device"), heard=heard)
    assert dict(heard) == {"status": "pass", "stage": "compare", "evidence": "hardware", "device": "a device"}
    with pytest.raises(pytest.skip.Exception):
        verified(making.result(Status.UNAVAILABLE, message="no device"), heard=heard)
    assert ("message", "no device") in heard
    assert "blame" not in properties(making.result())


def test_a_failure_says_what_how_far_on_what_ground_and_how_to_repeat_it() -> None:
    trace = "\n".join(f"line {number}" for number in range(40))
    failure = Failure(error_class="ValueError", message="it broke", traceback=trace)
    result = making.result(
        Status.ERROR, message="it broke", failure=failure, stage=Stage.RUN, evidence=Evidence.EMULATOR
    )
    lines = told(result, {}, AGAIN).splitlines()
    assert lines[:2] == ["bert/BertModel:cpu:forward: error at run (evidence: emulator)", "it broke"]
    assert [line for line in lines if line.startswith("line ")] == [f"line {number}" for number in range(40 - LAST, 40)]
    assert lines[-2:] == [
        f"Repeat it: {AGAIN}",
        "Without this file: archsweep run --class bert/BertModel --platform cpu --check forward",
    ]


def test_what_repeats_a_failure_names_the_weights_and_the_modules_that_were_asked_for() -> None:
    with pytest.raises(FAULT) as ended:
        verified(making.result(Status.FAIL), asked={"checkpoint": "/some/folder", "imports": ["own"], "timeout_s": 7.0})
    repeated = "archsweep test /some/folder --platform cpu --check forward --import own --timeout 7"
    assert str(ended.value).splitlines()[-1] == f"Without this file: {repeated}"


def test_a_failure_without_a_traceback_is_short() -> None:
    assert len(told(making.result(Status.FAIL, message="wrong"), {}, AGAIN).splitlines()) == 4


def test_a_case_is_run_once_for_one_verdict() -> None:
    asked: list[Any] = []

    def run(item: Planned) -> Result:
        asked.append(item)
        return making.result(details=CALLED)

    Case(planned=PLANNED, result=run, tell=lambda name, text: None, baseline={}).verify()
    assert asked == [PLANNED]
