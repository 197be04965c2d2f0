"""And(a, b) of factors that stretch each other, said as Not(Or(Not(a), Not(b)))."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "ONNX Runtime's WebGPU provider computes And silently wrong where two of a graph broadcast differently (masks)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many conjunctions were changed."""
    import onnx

    if not any(node.op_type == "And" for node in model.graph.node):
        return 0
    shapes = _edges.shapes(model)

    def before(node: Any, stem: str) -> list[Any]:
        first, second = (shapes.get(name) for name in node.input[:2]) if node.op_type == "And" else (None, None)
        if node.op_type != "And" or (first is not None and first == second):
            return []
        inverse = [
            onnx.helper.make_node("Not", [name], [f"{stem}.{side}"])
            for side, name in zip(("first", "second"), node.input, strict=True)
        ]
        either = onnx.helper.make_node("Or", [item.output[0] for item in inverse], [f"{stem}.either"])
        node.op_type = "Not"
        del node.input[:]
        node.input.append(either.output[0])
        return [*inverse, either]

    return _edges.insert(model, "conjunctions_by_disjunction", before)
