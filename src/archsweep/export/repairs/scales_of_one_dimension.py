"""A number without dimensions that scales what goes into a Softmax along another axis than the last: given one."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend does not compile such a Softmax behind a product with a number (soft assignment to groups)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many products were changed."""
    shapes, constants, made, count = _edges.shapes(model), _edges.constants(model), _edges.makers(model), 0
    for node in model.graph.node:
        rank = len(shapes.get(node.input[0], ())) if node.op_type == "Softmax" else 0
        source = made.get(node.input[0]) if rank else None
        if (
            source is None
            or source.op_type not in ("Mul", "Div")
            or _edges.attribute(node, "axis", -1) in (-1, rank - 1)
        ):
            continue
        for place, name in enumerate(source.input):
            if name in constants and not constants[name].shape:
                wide = constants[name].reshape(1)
                source.input[place] = _edges.add(model, f"scales_of_one_dimension.{count}", wide)
                count += 1
    return count
