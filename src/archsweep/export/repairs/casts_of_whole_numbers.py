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

    kinds, made = _edges.kinds(model), _edges.makers(model)
    integers = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}

    def before(node: Any, stem: str) -> list[Any]:
        wanted = node.op_type == "Cast" and _edges.attribute(node, "to", 0) in integers
        if not wanted or kinds.get(node.input[0]) != onnx.TensorProto.FLOAT or _whole(node.input[0], made):
            return []
        given = node.input[0]
        zero = _edges.add(model, f"{stem}.zero", numpy.zeros((), numpy.float32))
        node.input[0] = f"{stem}.whole"
        return [
            onnx.helper.make_node("Less", [given, zero], [f"{stem}.negative"]),
            onnx.helper.make_node("Ceil", [given], [f"{stem}.up"]),
            onnx.helper.make_node("Floor", [given], [f"{stem}.down"]),
            onnx.helper.make_node("Where", [f"{stem}.negative", f"{stem}.up", f"{stem}.down"], [f"{stem}.whole"]),
        ]

    return _edges.insert(model, "casts_of_whole_numbers", before)


def _whole(name: str, made: dict[str, Any]) -> bool:
    """Whether the edge holds whole numbers: it was rounded, or chooses between such edges."""
    source = made.get(name)
    if source is None:
        return False
    if source.op_type == "Where":
        return all(_whole(end, made) for end in source.input[1:])
    return source.op_type in WHOLE
