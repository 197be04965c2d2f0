"""Exp of a number that is never less than a bound below which float32 has next to nothing left: e^-80 is 2e-35."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend silently gives large negative numbers as the exponential of -89 to -184 (decays of states)"
LEAST = -80.0


def apply(model: Any) -> int:
    """Change the model in place; returns how many exponentials were changed."""
    import numpy
    import onnx

    kinds, constants, made = _edges.kinds(model), _edges.constants(model), _edges.makers(model)
    nodes, count = [], 0
    for node in model.graph.node:
        real = node.op_type == "Exp" and kinds.get(node.input[0]) == onnx.TensorProto.FLOAT
        if real and not _bounded(made.get(node.input[0]), constants):
            stem = f"exponentials_of_bounded_numbers.{count}"
            least = _edges.add(model, f"{stem}.least", numpy.array(LEAST, numpy.float32))
            nodes.append(onnx.helper.make_node("Clip", [node.input[0], least], [f"{stem}.bounded"]))
            node.input[0] = f"{stem}.bounded"
            count += 1
        nodes.append(node)
    if count:
        _edges.replace(model, nodes)
    return count


def _bounded(source: Any, constants: dict[str, Any]) -> bool:
    least = source.input[1] if source is not None and source.op_type == "Clip" and len(source.input) > 1 else ""
    return least in constants and bool(constants[least] >= LEAST)
