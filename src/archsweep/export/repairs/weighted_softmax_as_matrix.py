"""A Softmax whose rows weigh constants, done as one matrix, and the product with the constants too."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "OpenVINO's CPU plugin dies by SIGSEGV while it compiles one between products, behind which its input is added"


def apply(model: Any) -> int:
    """Change the model in place; returns how many were changed."""
    import numpy
    import onnx

    shapes, constants, made, count = _edges.shapes(model), _edges.constants(model), _edges.makers(model), 0
    asked = [name for node in model.graph.node for name in node.input] + [item.name for item in model.graph.output]
    nodes: list[Any] = []
    for node in model.graph.node:
        source = made.get(node.input[0]) if node.op_type == "MatMul" else None
        weights = constants.get(node.input[1]) if source is not None else None
        form = shapes.get(source.input[0], ()) if source is not None and source.op_type == "Softmax" else ()
        alone = (
            len(form) > 2
            and asked.count(node.input[0]) == 1
            and _edges.attribute(source, "axis", -1) in (-1, len(form) - 1)
        )
        if source is None or weights is None or weights.ndim != 2 or not alone:
            nodes.append(node)
            continue
        stem = f"weighted_softmax_as_matrix.{count}"
        flat = _edges.add(model, f"{stem}.flat", numpy.array([-1, form[-1]], numpy.int64))
        full = _edges.add(model, f"{stem}.full", numpy.array([*form[:-1], weights.shape[1]], numpy.int64))
        nodes.remove(source)
        nodes += [
            onnx.helper.make_node("Reshape", [source.input[0], flat], [f"{stem}.rows"]),
            onnx.helper.make_node("Softmax", [f"{stem}.rows"], [source.output[0]], source.name, axis=-1),
            onnx.helper.make_node("MatMul", list(node.input), [f"{stem}.product"], node.name),
            onnx.helper.make_node("Reshape", [f"{stem}.product", full], [node.output[0]]),
        ]
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
