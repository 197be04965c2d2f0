"""Transposes of six and more dimensions, said with fewer.

Axes that stay side by side are one axis. What then still has too many is done in steps, each of which swaps two blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend takes no tensors of more than five dimensions (windows of images, patches)"
MOST = 5


def apply(model: Any) -> int:
    """Change the model in place; returns how many transposes were changed."""
    import onnx

    shapes, nodes, count = _edges.shapes(model), [], 0
    for node in model.graph.node:
        form = shapes.get(node.input[0], ()) if node.op_type == "Transpose" else ()
        if len(form) <= MOST:
            nodes.append(node)
            continue
        order = _edges.attribute(node, "perm", list(reversed(range(len(form)))))
        edge, stem = node.input[0], f"transposes_of_few_dimensions.{count}"
        for number, (merged, permutation) in enumerate(steps(form, order)):
            into = _edges.add(model, f"{stem}.{number}.shape", _array(merged))
            swapped = f"{stem}.{number}.swapped"
            nodes.append(onnx.helper.make_node("Reshape", [edge, into], [f"{stem}.{number}.merged"]))
            nodes.append(
                onnx.helper.make_node("Transpose", [f"{stem}.{number}.merged"], [swapped], perm=list(permutation))
            )
            edge = swapped
        last = _edges.add(model, f"{stem}.shape", _array([form[axis] for axis in order]))
        nodes.append(onnx.helper.make_node("Reshape", [edge, last], [node.output[0]]))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def steps(form: Sequence[int], order: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """(shape, permutation) of transposes in turn, none over MOST dimensions, that together permute as `order`."""
    kept = [axis for axis in order if form[axis] != 1]
    groups: list[list[int]] = []
    for axis in kept:
        between = range(groups[-1][-1] + 1, axis) if groups else ()
        if groups and axis > groups[-1][-1] and all(form[other] == 1 for other in between):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    before = sorted(groups)
    sizes = [math.prod(form[axis] for axis in group) for group in before]
    wanted = [before.index(group) for group in groups]
    if len(sizes) <= MOST:
        return [(sizes, wanted)]
    found, now = [], list(range(len(sizes)))
    for place, group in enumerate(wanted):
        at = now.index(group)
        if at != place:
            blocks = (now[:place], now[place:at], now[at : at + 1], now[at + 1 :])
            found.append(([math.prod(sizes[item] for item in block) for block in blocks], [0, 2, 1, 3]))
            now = [*blocks[0], *blocks[2], *blocks[1], *blocks[3]]
    return found


def _array(values: Sequence[int]) -> Any:
    import numpy

    return numpy.array(values, numpy.int64)
