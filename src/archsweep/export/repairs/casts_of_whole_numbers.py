"""A cast of floating-point numbers to integers, cut to whole numbers before."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend silently keeps the fraction of what is cast to integers and, later on, back"
WHOLE = ("Ceil", "Floor", "Round")


def apply(model: Any) -> int:
    """Change the model in place; returns how many casts were changed."""
    import numpy
    import onnx

    kinds, made, nodes, count = _edges.kinds(model), _edges.makers(model), [], 0
    integers = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    for node in model.graph.node:
        source = made.get(node.input[0]) if node.op_type == "Cast" else None
        known = source is not None and (source.op_type in WHOLE or _cut(source, made))
        wanted = node.op_type == "Cast" and _edges.attribute(node, "to", 0) in integers
        if wanted and not known and kinds.get(node.input[0]) == onnx.TensorProto.FLOAT:
            stem, given = f"casts_of_whole_numbers.{count}", node.input[0]
            zero = _edges.add(model, f"{stem}.zero", numpy.zeros((), numpy.float32))
            nodes += [
                onnx.helper.make_node("Less", [given, zero], [f"{stem}.negative"]),
                onnx.helper.make_node("Ceil", [given], [f"{stem}.up"]),
                onnx.helper.make_node("Floor", [given], [f"{stem}.down"]),
                onnx.helper.make_node("Where", [f"{stem}.negative", f"{stem}.up", f"{stem}.down"], [f"{stem}.whole"]),
            ]
            node.input[0] = f"{stem}.whole"
            count += 1
        nodes.append(node)
    if count:
        _edges.replace(model, nodes)
    return count


def _cut(source: Any, made: dict[str, Any]) -> bool:
    """Whether it chooses between whole numbers."""
    ends = [made.get(name) for name in source.input[1:]] if source.op_type == "Where" else []
    return bool(ends) and all(item is not None and item.op_type in WHOLE for item in ends)
