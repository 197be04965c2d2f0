"""Softplus(x) said as what is positive of x, and log(1 + e) for e = exp(-|x|) by a series.

With z = e / (2 + e) the logarithm is twice the inverse hyperbolic tangent of z. At most a third, z needs seven terms
for float32, and nothing is added to 1 where e is small: float16 keeps its digits, too.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend silently computes Softplus with errors of 0.01, and garbage below -88 (steps of state spaces)"
TERMS = 7


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import onnx

    kinds, nodes, count = _edges.kinds(model), [], 0
    for node in model.graph.node:
        if node.op_type == "Softplus" and kinds.get(node.input[0]) == onnx.TensorProto.FLOAT:
            nodes += _series(model, node, f"softplus_by_exponential.{count}")
            count += 1
        else:
            nodes.append(node)
    if count:
        _edges.replace(model, nodes)
    return count


def _series(model: Any, node: Any, stem: str) -> list[Any]:
    import numpy
    import onnx

    nodes: list[Any] = []

    def say(operator: str, *given: str | float, into: str = "") -> str:
        made = into or f"{stem}.{len(nodes)}"
        names = [
            item
            if isinstance(item, str)
            else _edges.add(model, f"{stem}.{len(nodes)}.number", numpy.array(item, numpy.float32))
            for item in given
        ]
        nodes.append(onnx.helper.make_node(operator, names, [made]))
        return made

    small = say("Exp", say("Neg", say("Abs", node.input[0])))
    part = say("Div", small, say("Add", small, 2.0))
    square = say("Mul", part, part)
    found = say("Mul", square, 1 / (2 * TERMS - 1))
    for term in range(TERMS - 1, 1, -1):
        found = say("Mul", say("Add", found, 1 / (2 * term - 1)), square)
    found = say("Mul", say("Mul", say("Add", found, 1.0), part), 2.0)
    say("Add", say("Relu", node.input[0]), found, into=node.output[0])
    return nodes
