"""A product of integers whose factors stretch each other: one factor gets the product's shape first."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend multiplies integers silently wrong if both factors are one tensor with axes put in (masks)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many products were changed."""
    import numpy
    import onnx

    shapes, kinds, fixed = _edges.shapes(model), _edges.kinds(model), _edges.constants(model)
    whole = (onnx.TensorProto.INT32, onnx.TensorProto.INT64)

    def before(node: Any, stem: str) -> list[Any]:
        edges = (*node.input, *node.output)
        known = node.op_type == "Mul" and all(name in shapes and name not in fixed for name in edges)
        if not known or kinds.get(node.output[0]) not in whole:
            return []
        wanted = shapes[node.output[0]]
        if any(shapes[name] == wanted for name in node.input):
            return []
        form = _edges.add(model, f"{stem}.shape", numpy.array(wanted, numpy.int64))
        stretched = onnx.helper.make_node("Expand", [node.input[1], form], [f"{stem}.factor"])
        node.input[1] = stretched.output[0]
        return [stretched]

    return _edges.insert(model, "integer_products_of_one_shape", before)
