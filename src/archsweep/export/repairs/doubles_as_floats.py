"""Numbers in double precision inside a graph, in single precision: neither the page's runtime nor a GPU has kernels."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "onnxruntime-web has no Cast to double, and WGSL no such type"
TYPED = ("Cast", "ConstantOfShape", "Constant", "RandomNormal", "RandomUniform", "EyeLike")


def apply(model: Any) -> int:
    """Change the model in place; returns how many casts were changed. A graph that gives or takes doubles stays."""
    import numpy
    import onnx

    double, single = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT
    graph = model.graph
    if any(item.type.tensor_type.elem_type == double for item in (*graph.input, *graph.output)):
        return 0
    casts = [
        item
        for node in graph.node
        if node.op_type == "Cast"
        for item in node.attribute
        if item.name == "to" and item.i == double
    ]
    if not casts:
        return 0
    for item in casts:
        item.i = single
    tensors = [item.t for node in graph.node if node.op_type in TYPED for item in node.attribute if item.HasField("t")]
    for tensor in (*graph.initializer, *tensors):
        if tensor.data_type == double:
            value = onnx.numpy_helper.to_array(tensor).astype(numpy.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
    _edges.replace(model, list(graph.node))
    return len(casts)
