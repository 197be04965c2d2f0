"""Operations on six and more dimensions, said with fewer: axes that an operation treats alike are one axis to it.

Transposes have a pass of their own, and so have the reshapes that this one leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from archsweep.export.repairs import _edges

why = "QNN's HTP backend takes no tensors of more than five dimensions (sampling points of deformable attention)"
MOST = 5
FOUR = ("And", "Ceil", "Cos", "CumSum", "Elu", "Erf", "Floor", "HardSigmoid", "HardSwish", "Log", "LogSoftmax", "Max",
        "Min", "Neg", "Not", "Or", "Round", "Sign", "Sin", "Softplus", "Sqrt", "Tanh")  # fmt: skip
FEWER = dict.fromkeys(FOUR, 4)  # found by asking QNN for each, with five
ALIKE = frozenset({
    "Abs", "Add", "Cast", "Clip", "Div", "Equal", "Exp", "Expand", "Gelu", "Greater", "GreaterOrEqual", "Identity",
    "LeakyRelu", "Less", "LessOrEqual", "Mod", "Mul", "Pow", "Reciprocal", "Relu", "Sigmoid", "Sub", "Where", *FOUR,
}) - {"CumSum", "LogSoftmax"}  # fmt: skip
ALONG_ONE = frozenset({"Concat", "Gather", "LogSoftmax", "Softmax", "Split"})  # of their axis; alike in all others
GIVEN_AXES = {"Slice": 3, "CumSum": 1} | dict.fromkeys(  # by number of the input that names the axes
    ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"), 1
)


def apply(model: Any) -> int:
    """Change the model in place; returns how many operations were changed."""
    shapes, constants, nodes, count = _edges.shapes(model), _edges.constants(model), [], 0
    for node in model.graph.node:
        made = None
        most = FEWER.get(node.op_type, MOST)
        if any(len(shapes.get(name, ())) > most for name in (*node.input, *node.output)):
            made = _merged(model, node, shapes, constants, f"operations_of_few_dimensions.{count}")
        nodes += made or [node]
        count += made is not None
    if count:
        _edges.replace(model, nodes)
    return count


def groups(forms: Sequence[Sequence[int]], apart: Iterable[int] = ()) -> list[list[int]]:
    """Neighbouring axes that are whole in the same ones of `forms` (all of one rank; 1 is broadcast), `apart` aside."""
    kinds = [(axis if axis in apart else -1, tuple(form[axis] != 1 for form in forms)) for axis in range(len(forms[0]))]
    found: list[list[int]] = []
    last: Any = None  # what the axes of the last group have in common; None as long as all of them are 1 everywhere
    for axis, kind in enumerate(kinds):
        nothing = kind[0] < 0 and not any(kind[1])
        if found and (nothing or last in (kind, None)):
            found[-1].append(axis)
        else:
            found.append([axis])
            last = None
        last = last if nothing else kind
    return found


def _merged(
    model: Any, node: Any, shapes: dict[str, tuple[int, ...]], constants: dict[str, Any], stem: str
) -> list[Any] | None:
    """The operation between reshapes; None if it is not one of these, or still has too many dimensions."""
    import onnx

    if any(name not in shapes for name in (*node.input, *node.output)):
        return None
    rank = max(len(shapes[name]) for name in (*node.input, *node.output))
    treated = _treated(node, rank, shapes, constants)
    if treated is None:
        return None
    count, apart = treated
    whole = node.input[:count]
    wide = {name: (1,) * (rank - len(shapes[name])) + shapes[name] for name in whole}
    ends = list(wide.values()) + ([shapes[name] for name in node.output] if node.op_type in ALIKE else [])
    if any(len(form) != rank for form in ends):
        return None
    parts = groups(ends, apart)
    if len(parts) > FEWER.get(node.op_type, MOST):
        return None
    nodes: list[Any] = []
    merged = onnx.NodeProto()
    merged.CopyFrom(node)
    for place, name in enumerate(whole):
        merged.input[place] = _reshaped(model, nodes, name, _sizes(wide[name], parts), constants, f"{stem}.{place}")
    where = [next(index for index, part in enumerate(parts) if axis in part) for axis in apart]
    if node.op_type in GIVEN_AXES:
        value = _array(where)[0] if node.op_type == "CumSum" else _array(where)
        place = GIVEN_AXES[node.op_type]
        merged.input[place : place + 1] = [_edges.add(model, f"{stem}.axes", value)]
    elif apart:
        kept = [item for item in merged.attribute if item.name != "axis"]
        del merged.attribute[:]
        merged.attribute.extend([*kept, onnx.helper.make_attribute("axis", where[0])])
    if node.op_type == "Expand":
        merged.input[1] = _edges.add(model, f"{stem}.form", _array(_sizes(shapes[node.output[0]], parts)))
    nodes.append(merged)
    for place, name in enumerate(node.output):
        merged.output[place] = f"{stem}.out.{place}"
        form = _edges.add(model, f"{stem}.out.{place}.shape", _array(shapes[name]))
        nodes.append(onnx.helper.make_node("Reshape", [merged.output[place], form], [name]))
    return nodes


def _treated(
    node: Any, rank: int, shapes: dict[str, tuple[int, ...]], constants: dict[str, Any]
) -> tuple[int, list[int]] | None:
    """How many of its inputs, from the first on, have its axes, and the axes that it treats apart; None if unknown."""
    if node.op_type in ALIKE:
        return (1 if node.op_type in ("Expand", "Clip") else len(node.input)), []
    if node.op_type in ALONG_ONE:
        axis = _edges.attribute(node, "axis", -1 if node.op_type.endswith("Softmax") else 0) % rank
        if node.op_type == "Gather" and len(shapes[node.input[1]]) > 1:
            return None
        return (len(node.input) if node.op_type == "Concat" else 1), [axis]
    if node.op_type not in GIVEN_AXES or any(name not in constants for name in node.input[1:]):
        return None
    if len(node.input) > GIVEN_AXES[node.op_type]:
        axes = constants[node.input[GIVEN_AXES[node.op_type]]].reshape(-1).tolist()
    elif node.op_type == "Slice":
        axes = list(range(len(constants[node.input[1]])))
    else:
        return None
    return 1, [axis % rank for axis in axes]


def _reshaped(
    model: Any, nodes: list[Any], name: str, form: Sequence[int], constants: dict[str, Any], stem: str
) -> str:
    import onnx

    if name in constants:
        return _edges.add(model, f"{stem}.constant", constants[name].reshape(form))
    shape = _edges.add(model, f"{stem}.shape", _array(form))
    nodes.append(onnx.helper.make_node("Reshape", [name, shape], [f"{stem}.merged"]))
    return f"{stem}.merged"


def _sizes(form: Sequence[int], parts: Sequence[Sequence[int]]) -> list[int]:
    return [math.prod(form[axis] for axis in part) for part in parts]


def _array(values: Sequence[int]) -> Any:
    import numpy

    return numpy.array(values, numpy.int64)
