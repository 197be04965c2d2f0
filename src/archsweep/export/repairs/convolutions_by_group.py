"""A convolution in groups whose outputs are no multiple of four, said as one convolution for each group."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "ONNX Runtime's WebGPU provider computes four outputs at once, silently with the weights of one group for two"
AT_ONCE, MOST = 4, 64  # groups


def apply(model: Any) -> int:
    """Change the model in place; returns how many convolutions were changed."""
    import numpy
    import onnx

    shapes, fixed, nodes, count = _edges.shapes(model), _edges.constants(model), [], 0
    make = onnx.helper.make_node
    for node in model.graph.node:
        groups = _edges.attribute(node, "group", 1) if node.op_type == "Conv" else 1
        parts: list[Any] = [fixed.get(name) for name in node.input[1:]]
        known = 1 < groups <= MOST and node.input[0] in shapes and all(part is not None for part in parts)
        each = parts[0].shape[0] // groups if known else 0
        if each <= AT_ONCE or each % AT_ONCE == 0:
            nodes.append(node)
            continue
        stem = f"convolutions_by_group.{count}"
        kept = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute if item.name != "group"}
        pieces = [numpy.split(part, groups) for part in parts]
        given, made = ([f"{stem}.{part}.{group}" for group in range(groups)] for part in ("given", "made"))
        sizes = numpy.full(groups, shapes[node.input[0]][1] // groups)
        nodes.append(make("Split", [node.input[0], _edges.add(model, f"{stem}.sizes", sizes)], given, axis=1))
        for group in range(groups):
            weights = [
                _edges.add(model, f"{stem}.{part}.weights.{group}", piece[group]) for part, piece in enumerate(pieces)
            ]
            nodes.append(make("Conv", [given[group], *weights], [made[group]], f"{stem}.{group}", **kept))
        nodes.append(make("Concat", made, [node.output[0]], axis=1))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
