"""What the edges of an ONNX graph hold: shapes, constants, makers. Shared by the passes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

FEW = 1024  # numbers in a constant that may say a shape


def shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of all edges that are static throughout, by name."""
    inferred = _inferred(model)
    found = {item.name: tuple(item.dims) for item in model.graph.initializer}
    for item in (*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info):
        kind = item.type.tensor_type
        if kind.HasField("shape") and all(size.HasField("dim_value") for size in kind.shape.dim):
            found.setdefault(item.name, tuple(size.dim_value for size in kind.shape.dim))
    return found


def kinds(model: Any) -> dict[str, int]:
    """Element types of all edges that are known, by name, as ONNX numbers them."""
    inferred = _inferred(model)
    found = {item.name: item.data_type for item in model.graph.initializer}
    for item in (*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info):
        found.setdefault(item.name, item.type.tensor_type.elem_type)
    return found


def _inferred(model: Any) -> Any:
    """The model with what shape inference finds; weights, which say no shape, are left out, for it copies them all."""
    import onnx

    lean = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    source, graph = model.graph, lean.graph
    graph.name = source.name
    for field in ("node", "input", "output", "value_info"):
        getattr(graph, field).extend(getattr(source, field))
    given = {item.name for item in source.input}
    for item in source.initializer:
        if math.prod(item.dims) <= FEW:
            graph.initializer.append(item)
        elif item.name not in given:
            graph.input.append(onnx.helper.make_tensor_value_info(item.name, item.data_type, item.dims))
    return onnx.shape_inference.infer_shapes(lean)


def constants(model: Any) -> dict[str, Any]:
    """Values of the initializers, by name."""
    import onnx

    return {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}


def makers(model: Any) -> dict[str, Any]:
    """The node that makes each edge, by name."""
    return {name: node for node in model.graph.node for name in node.output}


def attribute(node: Any, name: str, default: Any) -> Any:
    import onnx

    found = [item for item in node.attribute if item.name == name]
    return onnx.helper.get_attribute_value(found[0]) if found else default


def add(model: Any, name: str, value: Any) -> str:
    """Keep the array `value` in the graph as a constant; returns its name."""
    import onnx

    model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return name


def insert(model: Any, repair: str, before: Callable[[Any, str], list[Any]]) -> int:
    """Put before each node what `before(node, stem)` gives it, which may change its inputs; returns how many had any.

    `stem` begins the names of what is new: it is the repair's with a number.
    """
    nodes, count = [], 0
    for node in model.graph.node:
        new = before(node, f"{repair}.{count}")
        nodes += [*new, node]
        count += bool(new)
    if count:
        replace(model, nodes)
    return count


def replace(model: Any, nodes: list[Any]) -> None:
    """Give the graph these nodes; what was known of inner shapes and may no longer hold is forgotten."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]


def prune(model: Any) -> None:
    """Drop the nodes on which no output depends any longer."""
    asked = {item.name for item in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        inner = {name for item in node.attribute for one in item.g.node for name in one.input}
        if asked.intersection(node.output) or inner:
            kept.append(node)
            asked |= {*node.input, *inner}
    replace(model, kept[::-1])
