"""GatherND at fixed places said as a Gather of rows: the places are numbered through."""

from __future__ import annotations

import math
from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend takes no GatherND of booleans, with which exporters say how padding masks are spread"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import numpy
    import onnx

    shapes, constants, nodes, count = _edges.shapes(model), _edges.constants(model), [], 0
    for node in model.graph.node:
        fixed = constants.get(node.input[1]) if node.op_type == "GatherND" else None
        data = shapes.get(node.input[0]) if fixed is not None else None
        if fixed is None or data is None or _edges.attribute(node, "batch_dims", 0) or 0 in data:
            nodes.append(node)
            continue
        stem, depth = f"gather_nd_by_flat_indices.{count}", fixed.shape[-1]
        sizes = numpy.array(data[:depth], numpy.int64)
        places = numpy.where(fixed < 0, fixed + sizes, fixed).reshape(-1, depth)
        flat = numpy.ravel_multi_index(tuple(places.T), tuple(data[:depth])).astype(numpy.int64)
        rows = _edges.add(model, f"{stem}.rows", numpy.array([math.prod(data[:depth]), *data[depth:]], numpy.int64))
        indices = _edges.add(model, f"{stem}.indices", flat)
        form = numpy.array([*fixed.shape[:-1], *data[depth:]], numpy.int64)
        shape = _edges.add(model, f"{stem}.shape", form)
        nodes += [
            onnx.helper.make_node("Reshape", [node.input[0], rows], [f"{stem}.data"]),
            onnx.helper.make_node("Gather", [f"{stem}.data", indices], [f"{stem}.gathered"], node.name, axis=0),
            onnx.helper.make_node("Reshape", [f"{stem}.gathered", shape], [node.output[0]]),
        ]
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
