"""Einsum of two operands said as one batched MatMul between reshapes and transposes."""

from __future__ import annotations

import math
from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend takes only a few equations of Einsum"


def apply(model: Any) -> int:
    """Change the model in place; returns how many nodes were changed."""
    shapes, nodes, count = _edges.shapes(model), [], 0
    for node in model.graph.node:
        made = _product(model, node, shapes, count) if node.op_type == "Einsum" and len(node.input) == 2 else None
        nodes += made or [node]
        count += made is not None
    if count:
        _edges.replace(model, nodes)
    return count


def _product(model: Any, node: Any, shapes: dict[str, tuple[int, ...]], number: int) -> list[Any] | None:
    """The nodes that say the same; None for equations with repeated, summed or broadcast axes."""
    import numpy
    import onnx

    forms = [shapes.get(name, ()) for name in node.input]
    read = _labels(_edges.attribute(node, "equation", b"").decode().replace(" ", ""), [len(form) for form in forms])
    if read is None:
        return None
    left, right, out = read
    sizes: dict[str, int] = {}
    for label, size in zip(left + right, (*forms[0], *forms[1]), strict=True):
        if sizes.setdefault(label, size) != size:
            return None
    batch = [label for label in out if label in left and label in right]
    rows = [label for label in left if label in out and label not in right]
    columns = [label for label in right if label in out and label not in left]
    summed = [label for label in left if label in right and label not in out]
    once = all(len(set(labels)) == len(labels) for labels in read)
    if not once or {*left, *right} != {*batch, *rows, *columns, *summed} or {*out} != {*batch, *rows, *columns}:
        return None
    stem = f"einsum_as_product.{number}"
    nodes: list[Any] = []

    def operand(name: str, labels: str, groups: tuple[list[str], ...], part: str) -> str:
        order = [labels.index(label) for group in groups for label in group]
        nodes.append(onnx.helper.make_node("Transpose", [name], [f"{stem}.{part}.turned"], perm=order))
        form = numpy.array([math.prod(sizes[label] for label in group) for group in groups], numpy.int64)
        shape = _edges.add(model, f"{stem}.{part}.shape", form)
        nodes.append(onnx.helper.make_node("Reshape", [f"{stem}.{part}.turned", shape], [f"{stem}.{part}"]))
        return f"{stem}.{part}"

    factors = [
        operand(node.input[0], left, (batch, rows, summed), "left"),
        operand(node.input[1], right, (batch, summed, columns), "right"),
    ]
    order = [*batch, *rows, *columns]
    full = _edges.add(model, f"{stem}.shape", numpy.array([sizes[label] for label in order], numpy.int64))
    nodes.append(onnx.helper.make_node("MatMul", factors, [f"{stem}.product"]))
    nodes.append(onnx.helper.make_node("Reshape", [f"{stem}.product", full], [f"{stem}.axes"]))
    turned = [order.index(label) for label in out]
    nodes.append(onnx.helper.make_node("Transpose", [f"{stem}.axes"], [node.output[0]], perm=turned))
    return nodes


def _labels(equation: str, ranks: list[int]) -> tuple[str, str, str] | None:
    """Labels of both operands and of the result, digits in the place of the ellipsis; None without a result."""
    terms, arrow, out = equation.partition("->")
    if not arrow or terms.count(",") != 1:
        return None
    parts = terms.split(",")
    spread = [rank - len(part.replace("...", "")) for part, rank in zip(parts, ranks, strict=True)]
    if any("..." not in part and count for part, count in zip(parts, spread, strict=True)):
        return None
    if max(spread) > 10 or ("..." in parts[0] and "..." in parts[1] and spread[0] != spread[1]):
        return None
    dots = "0123456789"[: max(spread)]
    first, second, result = (part.replace("...", dots) for part in (*parts, out))
    return first, second, result
