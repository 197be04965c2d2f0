"""ScatterElements of one boolean value said as a comparison: an element is hit if any index is its own place."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend scatters no booleans, with which models mark what they have chosen among the largest"
SINCE = 18  # opset from which ReduceMax takes its axes as an input


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import numpy
    import onnx

    if any(item.version < SINCE for item in model.opset_import if not item.domain):
        return 0
    shapes, constants, make = _edges.shapes(model), _edges.constants(model), onnx.helper.make_node
    nodes, count = [], 0
    for node in model.graph.node:
        values = constants.get(node.input[2]) if node.op_type == "ScatterElements" else None
        if values is None or not _one_boolean(values, shapes.get(node.input[0]), shapes.get(node.input[1]), node):
            nodes.append(node)
            continue
        data, stem = shapes[node.input[0]], f"scatter_of_one_boolean.{count}"
        axis = _edges.attribute(node, "axis", 0) % len(data)
        order = [*(other for other in range(len(data)) if other != axis), axis]
        back = [order.index(other) for other in range(len(data))]
        kind = numpy.array(0).dtype if _edges.kinds(model)[node.input[1]] == onnx.TensorProto.INT64 else numpy.int32
        places = _edges.add(model, f"{stem}.places", numpy.arange(data[axis], dtype=kind))
        last = _edges.add(model, f"{stem}.last", numpy.array([-1], numpy.int64))
        among = _edges.add(model, f"{stem}.among", numpy.array([len(data) - 1], numpy.int64))
        nodes += [
            make("Transpose", [node.input[1]], [f"{stem}.turned"], perm=order),
            make("Unsqueeze", [f"{stem}.turned", last], [f"{stem}.column"]),
            make("Equal", [f"{stem}.column", places], [f"{stem}.equal"]),
            make("Cast", [f"{stem}.equal"], [f"{stem}.numbers"], to=onnx.TensorProto.FLOAT),
            make("ReduceMax", [f"{stem}.numbers", among], [f"{stem}.any"], keepdims=0),
            make("Cast", [f"{stem}.any"], [f"{stem}.flags"], to=onnx.TensorProto.BOOL),
            make("Transpose", [f"{stem}.flags"], [f"{stem}.hit"], perm=back),
        ]
        if values.flat[0]:
            nodes.append(make("Or", [node.input[0], f"{stem}.hit"], [node.output[0]]))
        else:
            nodes.append(make("Not", [f"{stem}.hit"], [f"{stem}.spared"]))
            nodes.append(make("And", [node.input[0], f"{stem}.spared"], [node.output[0]]))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def _one_boolean(values: Any, data: Any, indices: Any, node: Any) -> bool:
    """Whether it writes the same boolean everywhere, to whole rows."""
    alike = values.dtype == bool and values.size and (values == values.flat[0]).all()
    if not alike or data is None or indices is None or _edges.attribute(node, "reduction", b"none") != b"none":
        return False
    axis = _edges.attribute(node, "axis", 0) % len(data)
    return all(data[other] == indices[other] for other in range(len(data)) if other != axis)
