"""Which model folders come next: in the order of the roadmap, without what is done, each with its reason."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import made_results as made
from archsweep.analysis.backlog import Waiting, waiting
from archsweep.contract import Subject

VERSION = "5.23.0"
PEAR, SEEDS = made.subject("pear/PearModel"), made.subject("pear/PearForSeeds", base=False)
TOWER = dataclasses.replace(made.subject("pear_tower/PearTowerModel"), family="pear", phase=6)
FIG = dataclasses.replace(made.subject("fig/FigModel"), phase=2)
EVERY = (PEAR, SEEDS, FIG, TOWER)
RAN = {("test_pear.py", "pear")}


def cell(subject: Subject, check: str, status: str = "pass", **other: Any) -> dict[str, Any]:
    return {
        "model_type": subject.model_type, "class_name": subject.class_name, "check": check, "status": status,
        "transformers_version": VERSION, "weights": "tiny", "dtype": "float32", "default_dtype": "float32",
        "options": "{}", "finished_at": "2026-11-22T10:00:00Z", **other,
    }  # fmt: skip


DONE = (cell(PEAR, "forward"), cell(PEAR, "parity"))


def next_up(
    *cells: dict[str, Any], collected: set[tuple[str, str]] = RAN, wanted: tuple[Subject, ...] = EVERY
) -> list[Waiting]:
    return list(waiting(wanted, EVERY, cells, collected, VERSION, lambda family: f"test_{family}.py"))


def test_without_results_everything_is_next_in_the_given_order() -> None:
    first, second = next_up(collected=set())
    assert first == Waiting(
        family="pear", file="test_pear.py", subject="pear/PearModel", phase=1, priority="critical",
        category="text-encoders", classes=3, why="never tried", tried=False,
    )  # fmt: skip
    assert (second.family, second.phase, second.classes) == ("fig", 2, 1)


def test_what_is_done_is_left_out() -> None:
    assert [item.family for item in next_up(*DONE)] == ["fig"]


def test_results_without_a_collected_file_are_not_done() -> None:
    pear, _ = next_up(*DONE, collected={("test_fig.py", "pear"), ("test_pear.py", "pear_tower")})
    assert (pear.why, pear.tried) == ("PearModel passes, and no file of it was run", False)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ((cell(PEAR, "forward"), cell(PEAR, "parity", "fail")), "parity: fail"),
        ((cell(PEAR, "forward", "timeout"), cell(PEAR, "parity", "timeout")), "forward: timeout, parity: timeout"),
        ((cell(PEAR, "forward"),), "parity: not run"),
        ((*DONE, cell(PEAR, "parity", "error", finished_at="2026-11-22T11:00:00Z")), "parity: error"),
    ],
)
def test_what_does_not_pass_is_next_and_says_how_it_ended(cells: tuple[dict[str, Any], ...], why: str) -> None:
    pear = next_up(*cells)[0]
    assert (pear.family, pear.why, pear.tried) == ("pear", why, True)


def test_the_newest_ending_counts() -> None:
    older = cell(PEAR, "parity", "fail", finished_at="2026-11-22T09:00:00Z")
    assert [item.family for item in next_up(older, *DONE)] == ["fig"]
    assert [item.family for item in next_up(*DONE, older)] == ["fig"]


@pytest.mark.parametrize(
    "other",
    [{"weights": "pear@main"}, {"dtype": "bfloat16"}, {"options": '{"engine":"native"}'}, {"check": "generate"}],
)
def test_what_verifies_nothing_counts_for_nothing(other: dict[str, Any]) -> None:
    pear = next_up(cell(PEAR, "forward"), {**cell(PEAR, "parity"), **other})[0]
    assert pear.why == "parity: not run"


def test_passes_under_another_transformers_are_not_enough() -> None:
    pear = next_up(*({**item, "transformers_version": "5.22.0"} for item in DONE))[0]
    assert (pear.why, pear.tried) == ("tried only under transformers 5.22.0", False)


def test_other_classes_do_not_stand_for_a_folder() -> None:
    assert next_up(cell(SEEDS, "forward"), cell(TOWER, "parity"))[0].why == "never tried"


def test_a_narrowed_choice_keeps_the_class_that_stands_for_the_folder() -> None:
    (pear,) = next_up(collected=set(), wanted=(TOWER,))
    assert (pear.subject, pear.phase, pear.classes) == ("pear/PearModel", 6, 3)
    assert next_up(*DONE, wanted=(TOWER,)) == []
