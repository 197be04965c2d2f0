"""Pow with the exponent 2, said as the product of the base with itself."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend silently gives -4 as the square of minus zero (norms behind a product with what Relu cut off)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many powers were changed."""
    import onnx

    kinds, shapes, constants, count = _edges.kinds(model), _edges.shapes(model), _edges.constants(model), 0
    for node in model.graph.node:
        exponent = constants.get(node.input[1]) if node.op_type == "Pow" else None
        if exponent is None or exponent.size != 1 or exponent.item() != 2:
            continue
        base = node.input[0]
        if kinds.get(base) == onnx.TensorProto.FLOAT and exponent.ndim <= len(shapes.get(base, ())):
            node.op_type = "Mul"
            node.input[1] = base
            count += 1
    return count
