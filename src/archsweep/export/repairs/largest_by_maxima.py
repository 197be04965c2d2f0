"""TopK of a few elements, said as maxima in turn: each that is found is taken out before the next is looked for.

Ties go to the lower index, as with TopK. What is taken out becomes minus infinity; the finite ones are above that.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "onnxruntime-web's WebNN provider has no TopK, with which a router chooses its experts"
MOST = 16
SINCE = 18  # opset from which ReduceMax takes its axes as an input


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    if any(item.version < SINCE for item in model.opset_import if not item.domain):
        return 0
    shapes, constants, kinds = _edges.shapes(model), _edges.constants(model), _edges.kinds(model)
    nodes, count = [], 0
    for node in model.graph.node:
        form = shapes.get(node.input[0], ()) if node.op_type == "TopK" else ()
        wanted = int(constants[node.input[1]].item()) if form and node.input[1] in constants else 0
        if not 0 < wanted <= MOST or not _floats(kinds.get(node.input[0])):
            nodes.append(node)
            continue
        nodes += _maxima(model, node, form, wanted, f"largest_by_maxima.{count}")
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def _floats(kind: int | None) -> bool:
    import onnx

    return bool(kind == onnx.TensorProto.FLOAT)


def _maxima(model: Any, node: Any, form: tuple[int, ...], wanted: int, stem: str) -> list[Any]:
    import numpy
    import onnx

    make, nodes = onnx.helper.make_node, []
    axis = _edges.attribute(node, "axis", -1) % len(form)
    smallest = not _edges.attribute(node, "largest", 1)
    line = [form[axis] if number == axis else 1 for number in range(len(form))]
    places = _edges.add(model, f"{stem}.places", numpy.arange(form[axis]).reshape(line))
    axes = _edges.add(model, f"{stem}.axes", numpy.array([axis]))
    lowest = _edges.add(model, f"{stem}.lowest", numpy.array(numpy.finfo(numpy.float32).min))
    taken = _edges.add(model, f"{stem}.taken", numpy.array(-numpy.inf, numpy.float32))
    given = node.input[0]
    if smallest:
        nodes.append(make("Neg", [given], [f"{stem}.negated"]))
        given = f"{stem}.negated"
    nodes.append(make("Max", [given, lowest], [f"{stem}.0.left"]))
    for turn in range(wanted):
        left, name = f"{stem}.{turn}.left", f"{stem}.{turn}"
        nodes += [
            make("ArgMax", [left], [f"{name}.place"], axis=axis, keepdims=1),
            make("ReduceMax", [left, axes], [f"{name}.value"], keepdims=1),
            make("Equal", [places, f"{name}.place"], [f"{name}.found"]),
            make("Where", [f"{name}.found", taken, left], [f"{stem}.{turn + 1}.left"]),
        ]
    del nodes[-2:]  # nobody looks for another one
    values, places_found = ([f"{stem}.{turn}.{part}" for turn in range(wanted)] for part in ("value", "place"))
    if node.output[0]:
        joined = f"{stem}.values" if smallest else node.output[0]
        nodes.append(make("Concat", values, [joined], axis=axis))
        nodes += [make("Neg", [joined], [node.output[0]])] if smallest else []
    if len(node.output) > 1 and node.output[1]:
        nodes.append(make("Concat", places_found, [node.output[1]], axis=axis))
    return nodes
