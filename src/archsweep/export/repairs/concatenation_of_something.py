"""Concat without the inputs that hold no elements."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend takes no tensors without elements (the unrotated part of a full rotary embedding)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    shapes, count = _edges.shapes(model), 0
    for node in model.graph.node:
        if node.op_type != "Concat":
            continue
        kept = [name for name in node.input if 0 not in shapes.get(name, ())]
        if not kept or len(kept) == len(node.input):
            continue
        node.input[:] = kept
        if len(kept) == 1:
            node.op_type = "Identity"
            del node.attribute[:]
        count += 1
    if count:
        _edges.prune(model)
    return count
