"""Gather of computed booleans, said as one of integers between two casts."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend gathers booleans silently wrong where the indices are many (masks of pixels cut into patches)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import onnx

    kinds, fixed = _edges.kinds(model), {item.name for item in model.graph.initializer}
    nodes, count = [], 0
    for node in model.graph.node:
        data = node.input[0] if node.op_type == "Gather" else ""
        nodes.append(node)
        if not data or data in fixed or kinds.get(data) != onnx.TensorProto.BOOL:
            continue
        stem, wanted = f"gathers_of_booleans_as_integers.{count}", node.output[0]
        whole = onnx.helper.make_node("Cast", [data], [f"{stem}.whole"], to=onnx.TensorProto.INT32)
        nodes.insert(-1, whole)
        node.input[0], node.output[0] = f"{stem}.whole", f"{stem}.gathered"
        nodes.append(onnx.helper.make_node("Cast", [f"{stem}.gathered"], [wanted], to=onnx.TensorProto.BOOL))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
