"""Div(a, b) of integers said as Div(a - Mod(a, b), b): nothing is left to be rounded."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "OpenVINO's CPU plugin fuses a division of integers into the sum before it, in floats, and rounds 3 / 2 to 2"


def apply(model: Any) -> int:
    """Change the model in place; returns how many divisions were changed."""
    import onnx

    if not any(node.op_type == "Div" for node in model.graph.node):
        return 0
    whole, kinds = (onnx.TensorProto.INT32, onnx.TensorProto.INT64), _edges.kinds(model)
    makers = _edges.makers(model)

    def before(node: Any, stem: str) -> list[Any]:
        if node.op_type != "Div" or kinds.get(node.output[0]) not in whole or _exact(makers, node):
            return []
        rest = onnx.helper.make_node("Mod", list(node.input), [f"{stem}.rest"], f"{stem}.rest", fmod=1)
        ends = [node.input[0], rest.output[0]]
        multiple = onnx.helper.make_node("Sub", ends, [f"{stem}.multiple"], f"{stem}.multiple")
        node.input[0] = multiple.output[0]
        return [rest, multiple]

    return _edges.insert(model, "division_without_rest", before)


def _exact(makers: dict[str, Any], node: Any) -> bool:
    before = makers.get(node.input[0])
    if before is None or before.op_type != "Sub":
        return False
    rest = makers.get(before.input[1])
    return rest is not None and rest.op_type == "Mod" and list(rest.input) == [before.input[0], node.input[1]]
