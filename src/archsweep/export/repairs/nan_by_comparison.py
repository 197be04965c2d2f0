"""IsNaN(x) said as Not(x == x)."""

from __future__ import annotations

from typing import Any

why = "onnxruntime-web has no WebGPU kernel for IsNaN, with which exported attention guards rows that are all masked"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import onnx

    nodes, count = [], 0
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type != "IsNaN" or node.domain:
            continue
        same = f"{node.output[0]}.nan_by_comparison"
        name = f"{node.name or node.output[0]}.equal"
        nodes.insert(-1, onnx.helper.make_node("Equal", [node.input[0], node.input[0]], [same], name))
        node.op_type = "Not"
        node.input[0] = same
        count += 1
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return count
