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
    nodes, count = [], 0
    for node in model.graph.node:
        if node.op_type == "Div" and kinds.get(node.output[0]) in whole and not _exact(makers, node):
            rest, multiple = (f"{node.output[0]}.{name}" for name in ("rest", "multiple"))
            nodes.append(onnx.helper.make_node("Mod", list(node.input), [rest], rest, fmod=1))
            nodes.append(onnx.helper.make_node("Sub", [node.input[0], rest], [multiple], multiple))
            node.input[0] = multiple
            count += 1
        nodes.append(node)
    if count:
        _edges.replace(model, nodes)
    return count


def _exact(makers: dict[str, Any], node: Any) -> bool:
    before = makers.get(node.input[0])
    if before is None or before.op_type != "Sub":
        return False
    rest = makers.get(before.input[1])
    return rest is not None and rest.op_type == "Mod" and list(rest.input) == [before.input[0], node.input[1]]
