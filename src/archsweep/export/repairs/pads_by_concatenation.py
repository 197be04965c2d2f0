"""A Pad of zeros before a MaxPool said as a Concat: zeros, what is padded, zeros."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "ONNX Runtime's optimizer makes the Pad a part of the MaxPool, which forgets the zeros: negative borders come out"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    shapes, fixed, kinds = _edges.shapes(model), _edges.constants(model), _edges.kinds(model)
    pooled = {node.input[0] for node in model.graph.node if node.op_type == "MaxPool"}
    nodes, count = [], 0
    for node in model.graph.node:
        around = _around(node, shapes, fixed) if node.op_type == "Pad" and node.output[0] in pooled else None
        if around is None:
            nodes.append(node)
            continue
        nodes += _concatenated(model, node, shapes[node.input[0]], around, kinds[node.input[0]], count)
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def _around(node: Any, shapes: dict[str, Any], fixed: dict[str, Any]) -> list[tuple[int, int, int]] | None:
    """(axis, zeros before, zeros behind) of a Pad that is known and adds zeros; None for any other."""
    form, pads = shapes.get(node.input[0]), fixed.get(node.input[1]) if len(node.input) > 1 else None
    value = fixed.get(node.input[2], 1) if len(node.input) > 2 and node.input[2] else 0
    if form is None or pads is None or value != 0 or _edges.attribute(node, "mode", b"constant") != b"constant":
        return None
    axes = fixed.get(node.input[3]) if len(node.input) > 3 and node.input[3] else range(len(form))
    if axes is None or (pads < 0).any():
        return None
    half = len(pads) // 2
    found = [(int(axis) % len(form), int(pads[n]), int(pads[half + n])) for n, axis in enumerate(axes)]
    return [item for item in found if item[1] or item[2]] or None


def _concatenated(
    model: Any, node: Any, form: tuple[int, ...], around: list[tuple[int, int, int]], kind: int, number: int
) -> list[Any]:
    import numpy
    import onnx

    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    nodes, now, last = [], list(form), node.input[0]
    for turn, (axis, before, behind) in enumerate(around):
        stem = f"pads_by_concatenation.{number}.{turn}"
        zeros = {
            name: numpy.zeros([size if n == axis else m for n, m in enumerate(now)], dtype)
            for name, size in ((f"{stem}.before", before), (f"{stem}.behind", behind))
        }
        first, second = ([_edges.add(model, name, value)] if value.size else [] for name, value in zeros.items())
        parts = [*first, last, *second]
        now[axis] += before + behind
        made = node.output[0] if turn == len(around) - 1 else stem
        nodes.append(onnx.helper.make_node("Concat", parts, [made], axis=axis))
        last = made
    return nodes
