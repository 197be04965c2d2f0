"""Sin and Cos said as a polynomial of what is left of a half turn, its sign by the number of half turns.

The series to the eleventh power is right to 6e-8 there; half turns are taken off in two parts, so that little is lost.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from archsweep.export.repairs import _edges

why = "WebGPU promises sine and cosine to 2^-11 only, and adapters make use of it (activations of neural codecs)"
COARSE = 3.140625  # of pi: so few bits that products with whole numbers are exact
POWERS = 5  # of the square, behind the first term


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    import onnx

    kinds, nodes, count = _edges.kinds(model), [], 0
    for node in model.graph.node:
        if node.op_type not in ("Sin", "Cos") or kinds.get(node.input[0]) != onnx.TensorProto.FLOAT:
            nodes.append(node)
            continue
        nodes += _polynomial(model, node, f"sines_by_polynomial.{count}")
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def _polynomial(model: Any, node: Any, stem: str) -> list[Any]:
    import numpy
    import onnx

    nodes: list[Any] = []
    cosine = node.op_type == "Cos"

    @functools.cache
    def number(value: float) -> str:
        return _edges.add(model, f"{stem}.number.{value!r}", numpy.array(value, numpy.float32))

    def say(operator: str, *given: str | float, into: str = "") -> str:
        made = into or f"{stem}.{len(nodes)}"
        names = [item if isinstance(item, str) else number(item) for item in given]
        nodes.append(onnx.helper.make_node(operator, names, [made]))
        return made

    turns = say("Mul", node.input[0], 1 / math.pi)
    turns = say("Floor", turns if cosine else say("Add", turns, 0.5))
    middle = say("Add", turns, 0.5) if cosine else turns
    left = say("Sub", node.input[0], say("Mul", middle, COARSE))
    left = say("Sub", left, say("Mul", middle, math.pi - COARSE))
    odd = say("Sub", turns, say("Mul", say("Floor", say("Mul", turns, 0.5)), 2.0))
    sign = say("Sub", say("Mul", odd, 2.0), 1.0) if cosine else say("Sub", 1.0, say("Mul", odd, 2.0))
    square = say("Mul", left, left)
    terms = [(-1.0) ** power / math.factorial(2 * power + 1) for power in range(POWERS, -1, -1)]
    found = say("Mul", square, terms[0])
    for term in terms[1:-1]:
        found = say("Mul", say("Add", found, term), square)
    found = say("Mul", say("Add", found, terms[-1]), left)
    say("Mul", found, sign, into=node.output[0])
    return nodes
