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

    def before(node: Any, stem: str) -> list[Any]:
        real = node.op_type == "Exp" and kinds.get(node.input[0]) == onnx.TensorProto.FLOAT
        if not real or _bounded(made.get(node.input[0]), constants):
            return []
        least = _edges.add(model, f"{stem}.least", numpy.array(LEAST, numpy.float32))
        bounded = onnx.helper.make_node("Clip", [node.input[0], least], [f"{stem}.bounded"])
        node.input[0] = bounded.output[0]
        return [bounded]

    return _edges.insert(model, "exponentials_of_bounded_numbers", before)


def _bounded(source: Any, constants: dict[str, Any]) -> bool:
    least = source.input[1] if source is not None and source.op_type == "Clip" and len(source.input) > 1 else ""
    return least in constants and bool(constants[least] >= LEAST)
