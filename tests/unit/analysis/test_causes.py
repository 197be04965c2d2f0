"""Failures that one fix would mend are one cause, and the cause that wins most architectures comes first."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.analysis.causes import Cause, causes, shape


def row(name: str = "pear/PearModel", check: str = "forward", status: str = "error", **other: Any) -> dict[str, Any]:
    model_type, _, class_name = name.partition("/")
    platform = other.get("platform", "cpu")
    known = {
        "case": f"{name}:{platform}:{check}", "model_type": model_type, "class_name": class_name, "is_base": True,
        "platform": platform, "check": check, "dtype": "float32", "default_dtype": "float32", "weights": "tiny",
        "options": "{}", "status": status, "stage": "run", "error_class": None if status == "pass" else "ValueError",
        "operators": [], "message": "" if status == "pass" else "it does not fit",
    }  # fmt: skip
    return known | other


def both(name: str, **other: Any) -> list[dict[str, Any]]:
    return [row(name, "forward", **other), row(name, "parity", **other)]


def only(rows: list[dict[str, Any]]) -> Cause:
    (found,) = causes(rows)
    return found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sizes 3 and 17 differ", "sizes 12 and -4.5e-07 differ"),
        ("at 0x7f00beef12 of a graph", "at 0x0012 of a graph"),
        ("the node 'Reshape_21' fails", 'the node "layers.1/Split" fails'),
        ("/tmp/a/b.cpp:91 raised", "/home/pear/c.h:7 raised"),
        ("in C:\\temp\\pear.dll it raised", "in D:\\x.dll it raised"),
        ("pear.py:12: it raised", "fig_tree.cc:3:4: it raised"),
        ("got torch.Size([2, 3, 4])", "got torch.Size([7])"),
        ("got [2, 3] of 2x3x4", "got (1,) of 4 x 4"),
        ("Could not guard on Eq(u6, 0)", "Could not guard on Eq(u11, 4)"),
        ("logits at [0, 1]: off by 0.5", "last_hidden_state.2 at [12]: off by 1e+03"),
        ("logits is off by inf", "logits is off by 0.2"),
        ("a.b.c.d has no weight", "pear.layers.0.attention has no weight"),
        ("the first is wrong; 3 more of 4", "the first is wrong; another, entirely other one"),
        ("see https://a.example/x?y=1 for more", "see https://b.example for more"),
        ("  it\nraised ", "it raised"),
    ],
)
def test_what_differs_from_model_to_model_is_not_in_the_shape(first: str, second: str) -> None:
    assert shape(first) == shape(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the operator 'aten::sort' is not exported", "the operator 'aten::topk' is not exported"),
        ("not implemented for float16", "not implemented for int8"),
        ("no conv2d here", "no conv3d here"),
        ("12 elements are NaN", "12 elements differ"),
        ("ERROR_CODE 1: EP_FAIL", "ERROR_CODE 1: INVALID_GRAPH"),
        ("padding and/or stride", "padding or stride"),
    ],
)
def test_what_says_the_reason_stays(first: str, second: str) -> None:
    assert shape(first) != shape(second)


def test_an_architectures_own_names_are_not_in_the_shape() -> None:
    pear = shape("PearModel, PearEncoderLayer and pear_tree_2 fail", "pear_tree_2", "PearModel")
    assert pear == shape("FigForSeeds, FigEncoderLayer and fig-3 fail", "fig-3", "FigForSeeds")
    assert shape("BitLayer and 8 bit values", "bit", "BitModel") == "<model> and # bit values"
    assert shape("Optimizer of OptModel", "opt", "OPTModel") == "Optimizer of <model>"


def test_listed_operators_are_not_in_the_shape_in_whatever_order() -> None:
    text = "left to the CPU: {}"
    first = shape(text.format("Conv, aten::sort, Convolve"), operators=("Conv", "aten.sort", "Convolve"))
    assert first == shape(text.format("aten.sort"), operators=("aten.sort",)) == "left to the CPU: <operators>"
    assert shape("Convolve", operators=("Conv",)) == "Convolve"


def test_forward_and_parity_that_fail_alike_are_one_cause() -> None:
    found = only(both("pear/PearModel"))
    assert (found.cases, found.architectures, found.wins) == (2, ("pear",), ("pear",))
    assert (found.example, found.message) == ("pear/PearModel:cpu:forward", "it does not fit")
    assert found.statuses == {"error": 2}


@pytest.mark.parametrize(
    "other", [{"stage": "export"}, {"error_class": "KeyError"}, {"operators": ["Conv"]}, {"message": "it is too long"}]
)
def test_another_stage_error_operator_or_shape_is_another_cause(other: dict[str, Any]) -> None:
    assert len(causes([*both("pear/PearModel"), *both("fig/FigModel", **other)])) == 2


def test_the_order_of_operators_says_nothing() -> None:
    only([row(operators=["Conv", "Add"]), row("fig/FigModel", operators=["Add", "Conv"])])


@pytest.mark.parametrize(
    ("status", "stage", "count"),
    [("error", "run", 1), ("unsupported", "export", 1), ("unsupported", "compile", 2), ("crash", "compile", 2),
     ("timeout", "export", 2), ("oom", "run", 2), ("fail", "compare", 2)],
)  # fmt: skip
def test_what_gives_no_reason_is_one_cause_on_one_platform_only(status: str, stage: str, count: int) -> None:
    rows = [row(status=status, stage=stage, platform=name) for name in ("cpu", "npu")]
    assert len(causes(rows)) == count


@pytest.mark.parametrize("status", ["pass", "inapplicable", "unavailable", "unexecuted"])
def test_what_was_not_tried_is_no_failure(status: str) -> None:
    assert causes([row(status=status)]) == []


@pytest.mark.parametrize(
    "more",
    [
        row(check="parity", message="something else"),
        row(check="parity", status="unavailable"),
        row(check="parity", status="inapplicable"),
    ],
)
def test_nothing_is_won_where_something_else_is_in_the_way(more: dict[str, Any]) -> None:
    assert causes([row(), more])[0].wins == ()


@pytest.mark.parametrize(
    "other",
    [{"is_base": False}, {"weights": "pear@main"}, {"dtype": "float16"}, {"check": "generate"}],
)
def test_only_what_verifies_can_be_won(other: dict[str, Any]) -> None:
    assert only([row(**other)]).wins == ()


def test_a_type_is_won_if_it_is_on_one_platform() -> None:
    rows = [*both("pear/PearModel"), row(platform="npu"), row(platform="npu", check="parity", message="another")]
    assert causes(rows)[0].wins == ("pear",)
    passing = row(check="parity", status="pass")
    assert causes([row(), passing])[0].wins == ("pear",)


def test_most_wins_come_first_then_most_architectures_then_most_cases() -> None:
    wide = [row(f"{name}/Model", is_base=False, message="wide") for name in ("a", "b", "c")]
    many = [row("d/Model", check, is_base=False, message="many") for check in ("forward", "parity", "batch")]
    one = [row("e/Model", is_base=False, message="alone")]
    rows = [*one, *many, *wide, *both("pear/PearModel")]
    assert [cause.shape for cause in causes(rows)] == ["it does not fit", "wide", "many", "alone"]
    assert causes(rows) == causes(rows[::-1])


def test_the_example_is_of_what_would_be_won_and_of_the_cpu() -> None:
    rows = [
        row("a/AModel", is_base=False),
        *both("pear/PearModel", platform="npu"),
        *both("fig/FigModel"),
        row("fig/FigForSeeds", is_base=False),
    ]
    assert only(rows).example == "fig/FigModel:cpu:forward"


def test_a_hostile_message_is_short_and_costs_little() -> None:
    for text in ("'" * 10**6, "[1," * 10**6, "a." * 10**6, "/a" * 10**6, "<script>\x1b\u202e" * 10**5):
        assert len(shape(text, "pear", "PearModel", ("Conv", text, ""))) <= 160
    assert only([row(message=None, operators=None, error_class=None)]).shape == ""
