"""Split into many parts, said as a Slice for each."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = (
    "a WebGPU shader binds ten buffers: ONNX Runtime's provider raises in the run of a Split into more parts than that"
)
MOST = 8  # parts, beside the input and what else the shader is given


def apply(model: Any) -> int:
    """Change the model in place; returns how many splits were changed."""
    import numpy
    import onnx

    if not any(node.op_type == "Split" and len(node.output) > MOST for node in model.graph.node):
        return 0
    shapes = _edges.shapes(model)
    nodes, count = [], 0
    for node in model.graph.node:
        forms = [shapes[name] for name in node.output if name in shapes]
        if node.op_type != "Split" or len(node.output) <= MOST or len(forms) < len(node.output):
            nodes.append(node)
            continue
        stem, axis = f"splits_of_many.{count}", _edges.attribute(node, "axis", 0)
        along = _edges.add(model, f"{stem}.axis", numpy.array([axis], numpy.int64))
        ends = numpy.cumsum([0, *(form[axis] for form in forms)])
        bounds = [_edges.add(model, f"{stem}.{index}", ends[index : index + 1]) for index in range(len(ends))]
        for name, start, end in zip(node.output, bounds, bounds[1:], strict=False):
            nodes.append(onnx.helper.make_node("Slice", [node.input[0], start, end, along], [name], name))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
