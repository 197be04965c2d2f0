"""Split without the outputs that hold no elements and that nothing reads."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "the browser's WebNN leaves a Split with an empty part to the CPU (the unrotated part of a full rotary embedding)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import numpy

    fixed, count = _edges.constants(model), 0
    read = {name for node in model.graph.node for name in node.input} | {item.name for item in model.graph.output}
    for node in model.graph.node:
        sizes = fixed.get(node.input[1]) if node.op_type == "Split" and len(node.input) > 1 else None
        if sizes is None:
            continue
        kept = [number for number, size in enumerate(sizes) if size or node.output[number] in read]
        if not kept or len(kept) == len(sizes):
            continue
        node.output[:] = [node.output[number] for number in kept]
        if len(kept) == 1:
            node.op_type = "Identity"
            del node.attribute[:], node.input[1:]
        else:
            node.input[1] = _edges.add(model, f"splits_of_something.{count}", numpy.asarray(sizes)[kept])
        count += 1
    return count
