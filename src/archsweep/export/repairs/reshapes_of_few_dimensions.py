"""A reshape of six and more dimensions that others only reshape again, left out: they take what it took."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend takes no tensors of more than five dimensions, not even between two reshapes"
MOST = 5
VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")


def apply(model: Any) -> int:
    """Change the model in place; returns how many reshapes were changed."""
    import numpy
    import onnx

    shapes, made, nodes, count = _edges.shapes(model), _edges.makers(model), [], 0
    for number, node in enumerate(model.graph.node):
        source, form = made.get(node.input[0]) if node.input else None, shapes.get(node.output[0])
        if node.op_type in VIEWS and _wide(source, shapes) and form and 0 not in form:
            edge = node.input[0]
            while _wide(made.get(edge), shapes):
                edge = made[edge].input[0]
            name = _edges.add(model, f"reshapes_of_few_dimensions.{number}", numpy.array(form, numpy.int64))
            node = onnx.helper.make_node("Reshape", [edge, name], [node.output[0]], node.name)  # noqa: PLW2901
            count += 1
        nodes.append(node)
    if count:
        asked = {item.name for item in model.graph.output} | {name for node in nodes for name in node.input}
        _edges.replace(model, [node for node in nodes if node.op_type not in VIEWS or node.output[0] in asked])
    return count


def _wide(node: Any, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether it only gives a tensor another shape, with more dimensions than may be."""
    return node is not None and node.op_type in VIEWS and len(shapes.get(node.output[0], ())) > MOST
