"""A slice whose step is longer than what it cuts out: the one element that it takes, without a step."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "the browser's WebNN takes no stride that is greater than the slice (rotary positions of several axes)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many slices were changed."""
    import numpy

    shapes, fixed, count = _edges.shapes(model), _edges.constants(model), 0
    for node in model.graph.node:
        whole = node.op_type == "Slice" and len(node.input) == 5 and node.input[0] in shapes
        if not whole or not all(name in fixed for name in node.input[1:]):
            continue
        form = shapes[node.input[0]]
        starts, ends, axes, steps = (fixed[name].astype(numpy.int64) for name in node.input[1:])
        found = [slice(*item).indices(form[axis]) for *item, axis in zip(starts, ends, steps, axes, strict=True)]
        single = [step > 1 and 0 < end - start < step for start, end, step in found]
        if not any(single):
            continue
        stem = f"slices_of_one_element.{count}"
        cut = [(start, start + 1, 1) if alone else tuple(map(int, (starts[at], ends[at], steps[at])))
               for at, ((start, _, _), alone) in enumerate(zip(found, single, strict=True))]  # fmt: skip
        for place, values in zip((1, 2, 4), zip(*cut, strict=True), strict=True):
            node.input[place] = _edges.add(model, f"{stem}.{place}", numpy.array(values))
        count += 1
    return count
