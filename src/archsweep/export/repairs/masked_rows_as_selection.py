"""Writing rows where a mask is set, said without NonZero: each row is gathered by its rank among the set ones.

This is how exporters say torch.masked_scatter, with which models put the features of images among those of words.
"""

from __future__ import annotations

import math
from typing import Any

from archsweep.export.repairs import _edges

why = "NonZero and what follows it have no static shape: QNN's HTP backend refuses them"


def apply(model: Any) -> int:
    """Change the model in place; returns how many places were changed."""
    shapes, made = _edges.shapes(model), _edges.makers(model)
    nodes, count = [], 0
    for node in model.graph.node:
        found = _match(node, made, shapes) if node.op_type == "ScatterND" else None
        if found is None:
            nodes.append(node)
            continue
        nodes += _selection(model, node, found, shapes, count)
        count += 1
    if count:
        _edges.replace(model, nodes)
        _edges.prune(model)
    return count


def _match(node: Any, made: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> tuple[str, str] | None:
    """(mask of rows, source) of a ScatterND that stands for a masked scatter of whole rows, else None."""
    turned, part = made.get(node.input[1]), made.get(node.input[2])
    if turned is None or turned.op_type != "Transpose" or part is None or part.op_type != "Slice":
        return None
    places, flat = made.get(turned.input[0]), made.get(part.input[0])
    if places is None or places.op_type != "NonZero" or flat is None or flat.op_type != "Reshape":
        return None
    spread = made.get(places.input[0])
    if spread is None or spread.op_type != "Expand":
        return None
    data, mask, source = (shapes.get(name, ()) for name in (node.input[0], spread.input[0], flat.input[0]))
    elements = math.prod(list(source))
    whole = len(data) > 1 and mask == (*data[:-1], 1) and elements and elements % data[-1] == 0
    return (spread.input[0], flat.input[0]) if whole else None


def _selection(
    model: Any, node: Any, found: tuple[str, str], shapes: dict[str, tuple[int, ...]], number: int
) -> list[Any]:
    import numpy
    import onnx

    mask, source = found
    data, make, stem = shapes[node.input[0]], onnx.helper.make_node, f"masked_rows_as_selection.{number}"
    width, rows = data[-1], math.prod(data[:-1])

    def fixed(name: str, values: Any, kind: Any = numpy.int64) -> str:
        return _edges.add(model, f"{stem}.{name}", numpy.array(values, kind))

    last = math.prod(shapes[source]) // width - 1
    below = fixed("below", numpy.tril(numpy.ones((rows, rows))), numpy.float32)
    kinds = onnx.TensorProto
    return [
        make("Cast", [mask], [f"{stem}.set"], to=kinds.FLOAT),
        make("Reshape", [f"{stem}.set", fixed("column", [rows, 1])], [f"{stem}.flags"]),
        make("MatMul", [below, f"{stem}.flags"], [f"{stem}.counted"]),  # how many are set up to each row
        make("Sub", [f"{stem}.counted", fixed("one", 1, numpy.float32)], [f"{stem}.rank"]),
        make("Clip", [f"{stem}.rank", fixed("first", 0, numpy.float32), fixed("last", last, numpy.float32)],
             [f"{stem}.bounded"]),
        make("Cast", [f"{stem}.bounded"], [f"{stem}.whole"], to=kinds.INT32),
        make("Reshape", [f"{stem}.whole", fixed("list", [rows])], [f"{stem}.indices"]),
        make("Reshape", [source, fixed("rows", [last + 1, width])], [f"{stem}.rows_given"]),
        make("Gather", [f"{stem}.rows_given", f"{stem}.indices"], [f"{stem}.gathered"], axis=0),
        make("Reshape", [f"{stem}.gathered", fixed("shape", data)], [f"{stem}.placed"]),
        make("Where", [mask, f"{stem}.placed", node.input[0]], [node.output[0]]),
    ]  # fmt: skip
