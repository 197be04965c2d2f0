"""The code that a platform shows: what the details say, quoted, and comments alone where nothing would be true."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from archsweep import registry

CALLED = {"b": "int64 (2, 3)", "a": "float32 (2,)"}
GRAPHS = ("openvino", "qualcomm", "webgpu", "webnn")
EXECUTING = [name for name in registry.names("platforms") if registry.load("platforms", name).capabilities.executes]
HOSTILE = '"]); import os; os.system("x")\n\u2028'


def details(**program: Any) -> dict[str, Any]:
    made = {"route": "torchscript", "attempts": [{}], "repairs": {}, "frozen": [], "beside": []}
    return {"recipe": {"called": CALLED, "config": {"arguments": {}}}, "program": made | program,
            "shapes": {"logits": [2]}}  # fmt: skip


def python(name: str, told: dict[str, Any]) -> str:
    text = "".join(text for language, text in registry.load("platforms", name).usage(told) if language == "python")
    ast.parse(text)
    return text


def lines(text: str) -> list[str]:
    """Without comments."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("name", EXECUTING)
def test_whatever_the_details_say_it_is_python(name: str) -> None:
    odd: list[dict[str, Any]] = [{}, details(), details(route=HOSTILE, frozen=[HOSTILE], repairs={HOSTILE: HOSTILE})]
    odd += [
        {**details(), "case": {"dtype": HOSTILE, "options": {"device": HOSTILE, "soc": HOSTILE, "engine": HOSTILE}}}
    ]
    odd += [{**details(), "shapes": {HOSTILE: [1]}, "recipe": {"called": {HOSTILE: "x (1)"}}}]
    for told in odd:
        for node in ast.walk(ast.parse(python(name, told))):
            assert not (isinstance(node, ast.alias) and node.name == "os")


@pytest.mark.parametrize("name", GRAPHS)
def test_without_true_lines_there_are_only_comments(name: str) -> None:
    for told in ({}, details(beside=["model.get_index"]), {**details(), "recipe": {"called": {"x": "list"}}}):
        text = python(name, told)
        assert text
        assert lines(text) == []


@pytest.mark.parametrize("name", GRAPHS)
def test_a_repair_is_named_with_its_reason_and_called(name: str) -> None:
    plain, mended = python(name, details()), python(name, details(repairs={"signs_by_comparison": 2, "unknown": 1}))
    assert "archsweep" not in "".join(line.partition("#")[0] for line in lines(plain))
    assert "not what worked" in mended
    assert "- signs_by_comparison, 2 times: " in mended
    assert "unknown" not in mended
    assert 'Path("repaired.onnx")' in mended


@pytest.mark.parametrize("name", GRAPHS)
def test_the_route_is_the_one_that_led_to_the_graph(name: str) -> None:
    assert "dynamo=False" in python(name, details())
    assert "dynamo=True" in python(name, details(route="dynamo"))
    flat = python(name, details(route="flat", attempts=[{"error": "no such operator\nsecond"}, {}], frozen=["b"]))
    assert "module = flatten(module, given)" in flat
    assert "no such operator second" in flat
    assert 'names = ["a"]' in flat
    assert 'frozen = ["b"]' in flat


def test_openvino_tells_a_graph_from_what_it_took_straight_from_torch() -> None:
    usual = python("openvino", details())
    assert 'compile_model("model.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})' in usual
    straight = {**details(), "program": {"route": "exported_program"}, "case": {"dtype": "float16"}}
    text = python("openvino", straight)
    assert "torch.export.export(module, given, strict=False)" in text
    assert '"f16"' in text
    assert "example_input=given" in python("openvino", {**details(), "program": {"route": "torchscript"}})


def test_where_integers_were_left_to_the_cpu_fallback_is_on() -> None:
    assert 'disable_cpu_ep_fallback", "1"' in python("qualcomm", details())
    assert 'disable_cpu_ep_fallback", "0"' in python("qualcomm", details(shape_nodes=["Shape"]))
    real = {**details(), "case": {"evidence": "hardware", "options": {}}}
    assert "soc_model" not in python("qualcomm", real)


def test_outputs_that_lie_deeper_are_found_and_experts_are_told() -> None:
    told = {**details(), "shapes": {"past.0": [1], "logits": [1]}}
    assert "def tensors(value)" in python("openvino", told)
    for recipe in ({"config": {}, "experts": True}, {}):  # an old result does not say
        told["recipe"] = {"called": CALLED, **recipe}
        assert "set_experts_implementation" in python("openvino", told)
    assert "set_experts_implementation" not in python("openvino", details())


def test_another_dtype_is_asked_of_torch_and_an_unknown_one_is_not_written() -> None:
    half = python("cpu", {"case": {"dtype": "float16"}})
    assert "torch.float16" in half
    assert lines(python("cpu", {"case": {"dtype": "float16; x"}})) == []
