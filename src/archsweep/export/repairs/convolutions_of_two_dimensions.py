"""A convolution over three axes whose kernel spans the whole first one, said over two: that axis joins the channels.

So patches of video are embedded. The kernel moves along the other axes only, and the sums are the same.
"""

from __future__ import annotations

from typing import Any

from archsweep.export.repairs import _edges

why = "WebNN convolves over two axes only"


def apply(model: Any) -> int:
    """Change the model in place; returns how many convolutions were changed."""
    import numpy
    import onnx

    shapes, constants, nodes, count = _edges.shapes(model), _edges.constants(model), [], 0
    for node in model.graph.node:
        form = shapes.get(node.input[0], ()) if node.op_type == "Conv" else ()
        weight = constants.get(node.input[1]) if len(form) == 5 else None
        if weight is None or not _spans(node, form, weight.shape):
            nodes.append(node)
            continue
        stem = f"convolutions_of_two_dimensions.{count}"
        merged = (form[0], form[1] * form[2], *form[3:])
        kernel = weight.reshape(weight.shape[0], -1, *weight.shape[3:])
        into = _edges.add(model, f"{stem}.shape", numpy.array(merged))
        nodes.append(onnx.helper.make_node("Reshape", [node.input[0], into], [f"{stem}.merged"]))
        given = [f"{stem}.merged", _edges.add(model, f"{stem}.kernel", kernel), *node.input[2:]]
        pads = _edges.attribute(node, "pads", [0] * 6)
        kept = {"strides": _edges.attribute(node, "strides", [1] * 3)[1:], "pads": [*pads[1:3], *pads[4:]],
                "dilations": _edges.attribute(node, "dilations", [1] * 3)[1:]}  # fmt: skip
        nodes.append(onnx.helper.make_node("Conv", given, [f"{stem}.plain"], node.name, **kept))
        back = _edges.add(model, f"{stem}.axes", numpy.array([2]))
        nodes.append(onnx.helper.make_node("Unsqueeze", [f"{stem}.plain", back], [node.output[0]]))
        count += 1
    if count:
        _edges.replace(model, nodes)
    return count


def _spans(node: Any, form: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Whether the kernel takes the whole third axis at once, all channels together."""
    pads = _edges.attribute(node, "pads", [0] * 6)
    whole = (
        kernel[2] == form[2]
        and pads[0] == pads[3] == 0
        and not _edges.attribute(node, "auto_pad", b"").startswith(b"S")
    )
    return whole and _edges.attribute(node, "group", 1) == 1
