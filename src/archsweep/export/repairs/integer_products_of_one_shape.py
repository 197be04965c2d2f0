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
    nodes, count = [], 0
    for node in model.graph.node:
        edges = (*node.input, *node.output)
        known = node.op_type == "Mul" and all(name in shapes and name not in fixed for name in edges)
        if known and kinds.get(node.output[0]) in whole:
            wanted = shapes[node.output[0]]
            if all(shapes[name] != wanted for name in node.input):
                stem = f"integer_products_of_one_shape.{count}"
                form = _edges.add(model, f"{stem}.shape", numpy.array(wanted, numpy.int64))
                nodes.append(onnx.helper.make_node("Expand", [node.input[1], form], [f"{stem}.factor"]))
                node.input[1] = f"{stem}.factor"
                count += 1
        nodes.append(node)
    if count:
        _edges.replace(model, nodes)
    return count
