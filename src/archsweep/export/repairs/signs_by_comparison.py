"""Sign(x) of floating-point numbers, said as (x > 0) - (x < 0)."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "ONNX Runtime's WebGPU provider has no Sign: it would leave it to the CPU"


def apply(model: Any) -> int:
    """Change the model in place; returns how many signs were changed."""
    import numpy
    import onnx

    if not any(node.op_type == "Sign" for node in model.graph.node):
        return 0
    kinds = _edges.kinds(model)

    def before(node: Any, stem: str) -> list[Any]:
        if node.op_type != "Sign" or kinds.get(node.input[0]) != onnx.TensorProto.FLOAT:
            return []
        zero = _edges.add(model, f"{stem}.zero", numpy.zeros((), numpy.float32))
        new, given = [], node.input[0]
        for name, operator in (("above", "Greater"), ("below", "Less")):
            new.append(onnx.helper.make_node(operator, [given, zero], [f"{stem}.{name}"]))
            new.append(
                onnx.helper.make_node("Cast", [f"{stem}.{name}"], [f"{stem}.{name}.one"], to=onnx.TensorProto.FLOAT)
            )
        node.op_type = "Sub"
        del node.input[:]
        node.input.extend([f"{stem}.above.one", f"{stem}.below.one"])
        return new

    return _edges.insert(model, "signs_by_comparison", before)
