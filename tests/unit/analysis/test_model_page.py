"""The page of a model type from made-up rows: everything that is known stands in it, once, and in a fixed order."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

import made_models as made
from archsweep.analysis import model_page
from archsweep.analysis.model_page import Kind

KNOWN = {name: (f"Title of {name}", lambda details: [("python", f"# {details['case']['dtype']}\n")]) for name in "ab"}


def page(cells: list[dict[str, Any]], **more: Any) -> model_page.ModelPage:
    return model_page.page("bert", [made.subject("BertForMaskedLM", is_base=False), made.subject()], cells,
                           **{"known": KNOWN, **more})  # fmt: skip


def test_what_it_is_comes_from_the_base_class_which_stands_first() -> None:
    found = page([made.cell()])
    assert [item.name for item in found.classes] == ["BertModel", "BertForMaskedLM"]
    assert (found.category, found.priority, found.phase, found.standing) == ("text-encoders", "critical", 1, "both")
    assert found.base is not None
    assert found.base.module == "transformers.models.bert.modeling_bert"


def test_a_type_without_classes_or_results_has_a_page_too() -> None:
    alone = model_page.page("bert", [], [made.cell()], known={})
    assert (alone.category, alone.classes, len(alone.endings)) == ("text-encoders", (), 1)
    empty = model_page.page("bert", [made.subject()], [], known={})
    assert (empty.platforms, empty.made, empty.worked, empty.limits) == ((), (), (), ())


def test_rows_of_other_types_are_passed_over() -> None:
    found = page([made.cell(), made.cell(model_type="gpt2")], history=[made.turn(model_type="gpt2")])
    assert len(found.endings) == 1
    assert found.history == ()


def test_order_of_rows_does_not_matter() -> None:
    rows = [made.cell(platform=name, check=check) for name in "abc" for check in ("forward", "parity", "speed")]
    wanted = page(list(rows))
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        assert page(rows) == wanted
    assert [(item.platform, item.check) for item in wanted.endings][:4] == [
        ("a", "forward"), ("a", "parity"), ("a", "speed"), ("b", "forward"),
    ]  # fmt: skip


def test_how_it_was_made_comes_from_the_result_that_says_most() -> None:
    told = {"class": "m:C", "arguments": {}}
    bare = made.recipe(dropped=["pixel_values"], ignored=["attention_mask"])
    full = made.recipe(config=told, values={"x": {}}, dropped=["pixel_values"])
    rows = [made.cell(platform="a", details=bare), made.cell(platform="b", details=full)]
    (item,) = page(rows).made
    assert (item.config, item.parameters, item.case) == (told, 108, "bert/BertModel:b:forward")
    assert [(given.name, given.stated) for given in item.inputs] == [("x", "int64 (2, 3)")]
    (older,) = page(rows[:1]).made
    assert older.config is None
    inputs = [item for item in page(rows[:1]).limits if item.kind is Kind.INPUTS]
    assert [item.message for item in inputs] == ["left out: pixel_values", "taken and ignored: attention_mask"]


def test_code_is_that_of_the_usual_pass_and_only_of_platforms_that_have_some() -> None:
    rows = [
        made.cell(platform="a", dtype="float16", details=made.recipe()),
        made.cell(platform="a", details=made.recipe()),
        made.cell(platform="a", check="parity"),
        made.cell(platform="b", options='{"soc": "1"}', details=made.recipe()),
        made.cell(platform="b", check="parity", status="fail", options='{"soc": "1"}'),
        made.cell(platform="c", details=made.recipe()),
        made.cell(class_name="BertForMaskedLM", platform="a", status="error"),
    ]
    first, second = page(rows).worked
    assert (first.platform, first.dtype, first.verified, first.title) == ("a", "float32", True, "Title of a")
    assert first.blocks == (("python", "# float32\n"),)
    assert (second.platform, dict(second.options), second.verified) == ("b", {"soc": "1"}, False)


def test_limits_are_told_once_most_severe_first_with_all_their_cases() -> None:
    bad = {"status": "error", "message": "boom", "error_class": "ValueError"}
    rows = [
        made.cell(platform="a", check="forward", **bad),
        made.cell(platform="a", check="parity", **bad),
        made.cell(platform="b", check="forward", status="unsupported", operators=["Einsum"], blame="upstream",
                  blame_package="onnx"),
        made.cell(platform="c", status="unavailable", message="pip install x"),
        made.cell(platform="d", status="unexecuted", outlook="likely", message="predicted"),
        made.cell(class_name="BertForMaskedLM", platform="a", status="fail", message="off"),
    ]  # fmt: skip
    found = page(rows, asked={"r1": {"timeout_s": 7}}).limits
    assert [(item.kind, item.status) for item in found] == [
        (Kind.ENDING, "fail"), (Kind.ENDING, "error"), (Kind.ENDING, "unsupported"), (Kind.UNEXECUTED, "unexecuted"),
        (Kind.UNAVAILABLE, "unavailable"),
    ]  # fmt: skip
    assert found[1].where == ("a forward", "a parity")
    assert found[1].command.startswith("archsweep run --class bert/BertModel --platform a --check forward")
    assert "--timeout 7" in found[1].command
    assert (found[2].operators, found[2].blame_package) == (("Einsum",), "onnx")


def test_verified_are_counted_and_what_was_timed_is_found() -> None:
    rows = [
        made.cell(),
        made.cell(check="parity", metrics={"worst_relative": 1e-7}),
        made.cell(check="speed", metrics={"steady_s": 0.01}),
    ]
    found = page(rows)
    assert (found.summary["a"].verified, found.summary["a"].applicable) == (1, 1)
    assert [item.check for item in found.timed] == ["speed"]
    assert [item.worst_relative for item in found.endings] == [None, 1e-7, None]


def test_history_is_newest_first() -> None:
    turns = [made.turn(at="2026-01-01T00:00:00Z"), made.turn(at="2026-02-01T00:00:00Z", before="pass", status="fail")]
    found = page([made.cell()], history=turns).history
    assert [(turn.before, turn.status) for turn in found] == [("pass", "fail"), ("", "pass")]


def test_nothing_in_a_page_can_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        page([]).model_type = "x"  # type: ignore[misc]


def test_every_platform_that_has_code_is_known() -> None:
    assert {"cpu", "openvino"} <= model_page.usages().keys()
