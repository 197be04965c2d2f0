"""Reciprocal(x) said as Div(1, x)."""

from __future__ import annotations

from typing import Any

why = "QNN's HTP backend refuses Reciprocal after Sqrt (how dynamo says rsqrt), or computes it silently wrong"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import onnx

    kinds = {item.name: item.type.tensor_type.elem_type for item in (*model.graph.input, *model.graph.value_info)}
    ones: dict[int, str] = {}
    count = 0
    for node in model.graph.node:
        if node.op_type != "Reciprocal" or node.domain:
            continue
        kind = kinds.get(node.input[0], onnx.TensorProto.FLOAT)
        if kind not in ones:
            ones[kind] = f"reciprocal_as_division.one.{kind}"
            model.graph.initializer.append(onnx.helper.make_tensor(ones[kind], kind, [], [1.0]))
        node.op_type = "Div"
        node.input.insert(0, ones[kind])
        count += 1
    return count
