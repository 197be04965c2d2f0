"""A cast between 64-bit integers and floating-point numbers, said in two steps: by way of 32-bit integers.

The numbers stay where they fit into 32 bits, which the control run proves.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "onnxruntime-web's WebGPU provider has no 64-bit integers: it would leave the floating-point half to the CPU"


def apply(model: Any) -> int:
    """Change the model in place; returns how many casts were changed."""
    import onnx

    kinds, real = _edges.kinds(model), {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}

    def before(node: Any, stem: str) -> list[Any]:
        ends = (kinds.get(node.input[0]), _edges.attribute(node, "to", 0)) if node.op_type == "Cast" else ()
        if onnx.TensorProto.INT64 not in ends or not real.intersection(ends):
            return []
        name = f"{node.name or node.output[0]}.int32"
        narrow = onnx.helper.make_node("Cast", [node.input[0]], [stem], name, to=onnx.TensorProto.INT32)
        node.input[0] = stem
        return [narrow]

    return _edges.insert(model, "casts_by_int32", before)
