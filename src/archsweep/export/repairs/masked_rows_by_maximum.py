"""IsNaN(Softmax(x)) said as Max(x) < -30000 along the same axis: it asks whether a row of attention is masked out.

Softmax is NaN where every element is minus infinity. Numbers so low that float16 nearly ends there count as that.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend gives equal shares, not NaN, for rows of minus infinity: what should become 0 silently stays"
LOWEST = -3e4
SINCE = 18  # opset from which ReduceMax takes its axes as an input


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import numpy
    import onnx

    if any(item.version < SINCE for item in model.opset_import if not item.domain):
        return 0
    made = _edges.makers(model)
    nodes, count = [], 0
    for node in model.graph.node:
        source = made.get(node.input[0]) if node.op_type == "IsNaN" else None
        if source is None or source.op_type != "Softmax":
            nodes.append(node)
            continue
        stem = f"masked_rows_by_maximum.{count}"
        axis = numpy.array([_edges.attribute(source, "axis", -1)], numpy.int64)
        axes = _edges.add(model, f"{stem}.axis", axis)
        lowest = _edges.add(model, f"{stem}.lowest", numpy.array(LOWEST, numpy.float32))
        nodes += [
            onnx.helper.make_node("ReduceMax", [source.input[0], axes], [f"{stem}.maximum"], keepdims=1),
            onnx.helper.make_node("Less", [f"{stem}.maximum", lowest], [node.output[0]]),
        ]
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
