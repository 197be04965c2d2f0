"""A convolution of 6, 9, 15 … input channels, given channels of zeros until four divide them."""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "ONNX Runtime's WebGPU provider convolves 6, 9, 15 ... channels in threes, silently wrong"
THREE, FOUR = 3, 4  # channels at once


def apply(model: Any) -> int:
    """Change the model in place; returns how many convolutions were changed."""
    import numpy
    import onnx

    if not any(node.op_type == "Conv" for node in model.graph.node):
        return 0
    shapes, fixed = _edges.shapes(model), _edges.constants(model)

    def before(node: Any, stem: str) -> list[Any]:
        if node.op_type != "Conv":
            return []
        form, weights = shapes.get(node.input[0]), fixed.get(node.input[1])
        if weights is None or form is None or _edges.attribute(node, "group", 1) != 1 or not _by_threes(weights.shape):
            return []
        lacking = -weights.shape[1] % FOUR
        zeros = numpy.zeros((form[0], lacking, *form[2:]), weights.dtype)
        nothing = numpy.zeros((weights.shape[0], lacking, *weights.shape[2:]), weights.dtype)
        added = _edges.add(model, f"{stem}.zeros", zeros)
        widened = onnx.helper.make_node("Concat", [node.input[0], added], [f"{stem}.given"], axis=1)
        node.input[0] = widened.output[0]
        node.input[1] = _edges.add(model, f"{stem}.weights", numpy.concatenate([weights, nothing], axis=1))
        return [widened]

    return _edges.insert(model, "convolutions_of_whole_fours", before)


def _by_threes(shape: tuple[int, ...]) -> bool:
    """Whether the provider's kernel takes three input channels at once, more than once. `shape` is of the weights."""
    outputs, channels = shape[:2]
    return channels > THREE and channels % THREE == 0 and channels % FOUR != 0 and outputs % FOUR == 0
