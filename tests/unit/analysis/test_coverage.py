"""Coverage is counted from stored results, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.analysis import coverage
from archsweep.analysis.coverage import Criterion, Judged

NOW, BEFORE = "5.23.0", "5.22.0"


def subject(model_type: str, class_name: str = "Base", **more: Any) -> dict[str, Any]:
    return {
        "model_type": model_type, "class_name": class_name, "is_base": class_name == "Base", "family": model_type,
        "category": "vision", "architecture": "encoder-only", "phase": 1, **more,
    }  # fmt: skip


def cell(model_type: str, check: str, status: str = "pass", **more: Any) -> dict[str, Any]:
    return {
        "model_type": model_type, "class_name": "Base", "check": check, "status": status, "platform": "cpu",
        "stage": "compare", "evidence": "hardware", "message": "told", "device": "cpu (a processor)", "weights": "tiny",
        "dtype": "float32", "default_dtype": "float32", "options": "{}", "transformers_version": NOW, **more,
    }  # fmt: skip


BOTH = [cell("one", "forward"), cell("one", "parity")]
RUN = {"families": ["one"], "model_types": ["one"]}
SUBJECTS = [subject("one"), subject("one", "Head"), subject("two", phase=2)]


def covered(cells: list[dict[str, Any]], collected: list[dict[str, Any]] | None = None) -> coverage.Coverage:
    return coverage.covered(SUBJECTS, cells, collected or [], NOW)


def test_the_denominator_is_what_transformers_has() -> None:
    found = covered([])
    assert (found.whole.total, found.whole.executed, found.whole.verified) == (2, 0, 0)
    assert found.architectures[0].reason == "not tried"
    assert covered(BOTH).percent == 50


def test_a_type_is_verified_when_every_verifying_check_passed() -> None:
    assert covered(BOTH).whole.verified == 1
    half = covered(BOTH[:1])
    assert (half.whole.verified, half.whole.executed) == (0, 1)
    wrong = covered([BOTH[0], cell("one", "parity", "fail")])
    assert (wrong.whole.verified, wrong.whole.executed) == (0, 1)
    assert wrong.architectures[0].reason == "fail at compare: told"


@pytest.mark.parametrize(
    "more",
    [
        {"class_name": "Head"},
        {"weights": "some/checkpoint@main"},
        {"dtype": "float16"},
        {"options": '{"device":"GPU"}'},
        {"transformers_version": BEFORE},
        {"platform": "openvino"},
    ],
)
def test_what_is_of_another_kind_verifies_nothing_here(more: dict[str, Any]) -> None:
    assert covered([{**row, **more} for row in BOTH]).whole.verified == 0


def test_results_of_another_release_are_counted_apart() -> None:
    assert covered([{**row, "transformers_version": BEFORE} for row in BOTH]).older == 2


@pytest.mark.parametrize(
    ("status", "evidence"),
    [("unavailable", "none"), ("unexecuted", "predicted"), ("error", "hardware"), ("pass", "compiler")],
)
def test_what_gave_no_answer_was_not_executed(status: str, evidence: str) -> None:
    assert covered([cell("one", "forward", status, evidence=evidence)]).whole.executed == 0


def test_a_file_counts_once_a_run_has_results_of_it() -> None:
    assert covered(BOTH).whole.generated == 0
    assert covered(BOTH, [RUN]).whole.generated == 1
    assert covered(BOTH, [{**RUN, "model_types": ["two"]}]).whole.generated == 0
    junk = {"families": ["junk"], "model_types": ["one", "two"]}
    assert covered(BOTH, [junk]).whole.generated == 0


def test_the_criteria_are_judged_each_by_its_own_results() -> None:
    first = covered([*BOTH, cell("one", "reporting")], [RUN]).architectures[0]
    assert first.criteria == {
        Criterion.COLLECTS: Judged.YES,
        Criterion.RUNS: Judged.YES,
        Criterion.DEVICE: Judged.YES,
        Criterion.ERRORS: Judged.YES,
        Criterion.CI: Judged.NOT,
    }
    assert first.complete
    silent = covered([{**row, "device": ""} for row in BOTH], [RUN]).architectures[0]
    assert (silent.criteria[Criterion.DEVICE], silent.criteria[Criterion.ERRORS]) == (Judged.NO, Judged.NO)
    assert not silent.complete


@pytest.mark.parametrize(("status", "judged"), [("fail", Judged.NO), ("unavailable", Judged.YES), ("pass", Judged.YES)])
def test_real_weights_count_where_they_are_at_hand(status: str, judged: Judged) -> None:
    rows = [*BOTH, cell("one", "parity", status, weights="some/checkpoint@main")]
    assert covered(rows, [RUN]).architectures[0].criteria[Criterion.RUNS] is judged
    rows[-1] = {**rows[-1], "dtype": "float16"}
    assert covered(rows, [RUN]).architectures[0].criteria[Criterion.RUNS] is Judged.YES, "nobody's default"


def test_checks_are_counted_over_classes_and_apart_from_what_does_not_apply() -> None:
    rows = [*BOTH, cell("one", "parity", "inapplicable", class_name="Head"), cell("two", "parity", "unavailable")]
    (forward, parity) = covered(rows).checks
    assert (forward.verified, forward.applicable, forward.total) == (1, 1, 3)
    assert (parity.verified, parity.applicable, parity.inapplicable) == (1, 1, 1)


def test_breakdowns_add_up() -> None:
    found = covered(BOTH, [RUN])
    lines = coverage.by(found, lambda item: item.phase)
    assert [(line.name, line.total, line.verified) for line in lines] == [("1", 1, 1), ("2", 1, 0)]
    assert coverage.met(found)[Criterion.RUNS] == (1, 2)
    assert coverage.met(found)[Criterion.CI] == (0, 0)
