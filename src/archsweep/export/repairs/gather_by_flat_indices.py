"""Gather with indices of three and more dimensions, said with one dimension and a Reshape.

With indices of two dimensions, too, where what is gathered would have more dimensions than the backend takes.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = (
    "QNN's HTP backend gathers silently wrong, or does not compile, where indices have many dimensions (padding masks)"
)
RANK = 3
MOST = 5


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import numpy
    import onnx

    shapes, fixed = _edges.shapes(model), _edges.constants(model)
    nodes, count = [], 0
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type != "Gather" or any(name not in shapes for name in node.input):
            continue
        stem, given, data = f"gather_by_flat_indices.{count}", node.input[1], shapes[node.input[0]]
        if len(shapes[given]) < RANK and not (len(shapes[given]) > 1 and len(data) + len(shapes[given]) - 1 > MOST):
            continue
        axis = _edges.attribute(node, "axis", 0) % len(data)
        if given in fixed:
            node.input[1] = _edges.add(model, f"{stem}.indices", fixed[given].ravel())
        else:
            flat = _edges.add(model, f"{stem}.flat", numpy.array([-1], numpy.int64))
            nodes.insert(-1, onnx.helper.make_node("Reshape", [given, flat], [f"{stem}.indices"]))
            node.input[1] = f"{stem}.indices"
        form = numpy.array([*data[:axis], *shapes[given], *data[axis + 1 :]], numpy.int64)
        wanted, node.output[0] = node.output[0], f"{stem}.gathered"
        form_name = _edges.add(model, f"{stem}.shape", form)
        nodes.append(onnx.helper.make_node("Reshape", [node.output[0], form_name], [wanted]))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
