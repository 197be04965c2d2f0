"""GatherElements with indices that are computed, said as Gather from a flat list: places become numbers in it."""

from __future__ import annotations

import math
from typing import Any

from archsweep.export.repairs import _edges

why = "the browser's WebNN gathers elements by constant indices only"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import numpy
    import onnx

    shapes, fixed, kinds = _edges.shapes(model), _edges.constants(model), _edges.kinds(model)
    make, nodes, count = onnx.helper.make_node, [], 0
    for node in model.graph.node:
        known = node.op_type == "GatherElements" and node.input[1] not in fixed and kinds.get(node.input[1])
        data, form = (shapes.get(name, ()) for name in node.input[:2]) if known else ((), ())
        if not data or not form:
            nodes.append(node)
            continue
        axis = _edges.attribute(node, "axis", 0) % len(data)
        steps = [math.prod(data[number + 1 :]) for number in range(len(data))]
        elsewhere = sum(
            (place * step for number, (place, step) in enumerate(zip(numpy.indices(form), steps, strict=True))
             if number != axis), start=numpy.zeros(form, numpy.int64),
        )  # fmt: skip
        stem, kind = (
            f"gather_elements_by_flat_indices.{count}",
            onnx.helper.tensor_dtype_to_np_dtype(kinds[node.input[1]]),
        )

        def constant(name: str, value: Any, stem: str = stem, kind: Any = kind) -> str:
            return _edges.add(model, f"{stem}.{name}", numpy.asarray(value, kind))

        flat = _edges.add(model, f"{stem}.list", numpy.array([-1]))
        nodes += [
            make("Less", [node.input[1], constant("zero", 0)], [f"{stem}.from_end"]),
            make("Add", [node.input[1], constant("size", data[axis])], [f"{stem}.counted"]),
            make("Where", [f"{stem}.from_end", f"{stem}.counted", node.input[1]], [f"{stem}.place"]),
            make("Mul", [f"{stem}.place", constant("step", steps[axis])], [f"{stem}.along"]),
            make("Add", [f"{stem}.along", constant("elsewhere", elsewhere)], [f"{stem}.number"]),
            make("Reshape", [node.input[0], flat], [f"{stem}.flat"]),
            make("Gather", [f"{stem}.flat", f"{stem}.number"], [node.output[0]], axis=0),
        ]
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count
