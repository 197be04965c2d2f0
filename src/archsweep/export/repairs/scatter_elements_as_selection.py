"""ScatterElements with indices that are computed, said as selections: one after another, for each element of the axis.

Later ones win where two name the same place. Only where the indices cover all of the other axes, and are few. Booleans
are left alone: ONNX Runtime's CPU, which has to agree, chooses between none.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "the browser's WebNN scatters elements by constant indices only (weights of the experts that a router chose)"
MOST = 16


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import onnx

    shapes, fixed, kinds = _edges.shapes(model), _edges.constants(model), _edges.kinds(model)
    nodes, count = [], 0
    for node in model.graph.node:
        plain = node.op_type == "ScatterElements" and _edges.attribute(node, "reduction", b"none") == b"none"
        plain = plain and kinds.get(node.input[0]) != onnx.TensorProto.BOOL
        data, form = (shapes.get(name, ()) for name in node.input[:2]) if plain else ((), ())
        axis = _edges.attribute(node, "axis", 0) % len(data) if data else 0
        fits = form and node.input[1] not in fixed and 0 < form[axis] <= MOST and kinds.get(node.input[1])
        if not fits or any(size != data[number] for number, size in enumerate(form) if number != axis):
            nodes.append(node)
            continue
        stem = f"scatter_elements_as_selection.{count}"
        nodes += _selections(model, node, data, form[axis], axis, kinds[node.input[1]], stem)
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def _selections(model: Any, node: Any, data: tuple[int, ...], turns: int, axis: int, kind: int, stem: str) -> list[Any]:
    import numpy
    import onnx

    make, whole = onnx.helper.make_node, onnx.helper.tensor_dtype_to_np_dtype(kind)
    line = [data[axis] if number == axis else 1 for number in range(len(data))]
    places = _edges.add(model, f"{stem}.places", numpy.arange(data[axis], dtype=whole).reshape(line))
    size = _edges.add(model, f"{stem}.size", numpy.array(data[axis], whole))
    zero = _edges.add(model, f"{stem}.zero", numpy.array(0, whole))
    along = _edges.add(model, f"{stem}.axis", numpy.array([axis]))
    nodes = [
        make("Less", [node.input[1], zero], [f"{stem}.from_end"]),
        make("Add", [node.input[1], size], [f"{stem}.counted"]),
        make("Where", [f"{stem}.from_end", f"{stem}.counted", node.input[1]], [f"{stem}.indices"]),
    ]
    left = node.input[0]
    for turn in range(turns):
        name = f"{stem}.{turn}"
        start, end = (_edges.add(model, f"{name}.{part}", numpy.array([turn + more])) for part, more in
                      (("start", 0), ("end", 1)))  # fmt: skip
        made = node.output[0] if turn == turns - 1 else f"{name}.set"
        nodes += [
            make("Slice", [f"{stem}.indices", start, end, along], [f"{name}.place"]),
            make("Slice", [node.input[2], start, end, along], [f"{name}.value"]),
            make("Equal", [places, f"{name}.place"], [f"{name}.found"]),
            make("Where", [f"{name}.found", f"{name}.value", left], [made]),
        ]
        left = made
    return nodes
