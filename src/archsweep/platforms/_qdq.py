"""Prepared ONNX graphs with their rounding written into them (QDQ) by ONNX Runtime, as QNN's compiler wants it.

Ranges come from the bench's inputs and second inputs. A fill value of a mask is no number to lay a grid over: it is
replaced by the mildest one with which the graph keeps its numbers.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.archs.rounding import FILL, Rounding
from archsweep.contract import Bench, Tensor
from archsweep.errors import Inapplicable
from archsweep.export import control
from archsweep.platforms import _onnxruntime

if TYPE_CHECKING:
    import torch

SCHEMES = {
    "a16w8": Rounding(weights=8, activations=16, everywhere=True),
    "a8w8": Rounding(weights=8, activations=8, everywhere=True),
}
KINDS = {8: "QUInt8", 16: "QUInt16"}
REACHES = (16.0, 32.0, 64.0, 128.0)  # e to the minus these is what a masked place still weighs
STANDS_FOR = "DequantizeLinear"


@dataclass(frozen=True, kw_only=True)
class Integers:
    """A graph with its rounding in it; `weights`: what was rounded, and what the integers stand for, by name."""

    made: _onnxruntime.Prepared
    weights: Mapping[str, tuple[Tensor, Tensor]]
    bytes_before: int
    bytes_after: int


def quantized(bench: Bench, made: _onnxruntime.Prepared, scheme: str) -> Integers:
    """The prepared graph in the scheme's bits. Raises Inapplicable where nothing of it is rounded."""
    import onnx

    passes = [made.graph.leaves(given) for given in (bench.inputs, bench.second_inputs)]
    before = _whole(_moderated(onnx.load_from_string(made.model), made.graph.outputs, passes))
    after = _onnxruntime.named(_rounded(before, passes, SCHEMES[scheme]))
    weights = _weights(before, after)
    if not weights:
        raise Inapplicable("its graph holds no matrix and no kernel that ONNX Runtime makes integers of")
    found = dataclasses.replace(made, model=after.SerializeToString(), floating=_onnxruntime.floating(after))
    return Integers(made=found, weights=weights, bytes_before=_bytes(before), bytes_after=_bytes(after))


def _moderated(model: Any, outputs: Sequence[str], passes: Sequence[Mapping[str, torch.Tensor]]) -> Any:
    """The model with fill values that do not tower over the rest, where its numbers allow it."""
    from onnx import numpy_helper

    filled = [item for item in _floats(model) if (abs(numpy_helper.to_array(item)) >= FILL).any()]
    if not filled:
        return model
    wanted = [control.run(model.SerializeToString(), outputs, leaves) for leaves in passes]
    for reach in REACHES:
        milder = copy.deepcopy(model)
        names = {item.name for item in filled}
        for item in milder.graph.initializer:
            if item.name in names:
                value = numpy_helper.to_array(item).copy()
                tall = abs(value) >= FILL
                value[tall] = reach * ((value[tall] > 0) * 2.0 - 1.0)
                item.CopyFrom(numpy_helper.from_array(value, item.name))
        found = [control.run(milder.SerializeToString(), outputs, leaves) for leaves in passes]
        if all(control.deviation(*pair)[0] <= control.LIMIT for pair in zip(wanted, found, strict=True)):
            return milder
    return model


def _floats(model: Any) -> Iterator[Any]:
    import onnx

    yield from (item for item in model.graph.initializer if item.data_type == onnx.TensorProto.FLOAT)


def _whole(model: Any) -> Any:
    """The model with activation functions as one operator each, by the passes that come with the recipe for QNN: spread
    over five, with a rounding after each, the compiler does not know them."""
    import onnx
    from onnxruntime.quantization.execution_providers.qnn import qnn_preprocess_model

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "spread.onnx", Path(folder) / "whole.onnx"
        onnx.save(model, str(source))  # given a model and not a file, they move its constants away
        return onnx.load(str(target)) if qnn_preprocess_model(str(source), target) else model


class _Passes:
    """What the ranges are measured on, one pass after another, as ONNX Runtime asks for it."""

    def __init__(self, model: Any, passes: Sequence[Mapping[str, torch.Tensor]]) -> None:
        names = [item.name for item in model.graph.input]
        self._left = iter([{name: leaves[name].contiguous().numpy() for name in names} for leaves in passes])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._left, None)


def _rounded(model: Any, passes: Sequence[Mapping[str, torch.Tensor]], rounding: Rounding) -> Any:
    import onnx
    from onnxruntime.quantization import QuantType, quantize
    from onnxruntime.quantization.execution_providers.qnn import get_qnn_qdq_config

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "integers.onnx"
        onnx.save(model, str(source))
        configuration = get_qnn_qdq_config(
            str(source), _Passes(model, passes), activation_type=getattr(QuantType, KINDS[rounding.activations]),
            weight_type=getattr(QuantType, KINDS[rounding.weights]),
        )  # fmt: skip
        quantize(str(source), str(target), configuration)
        return onnx.load(str(target))


def _weights(before: Any, after: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """By name: each matrix and each kernel that became integers, and what these stand for."""
    import numpy
    import torch
    from onnx import numpy_helper

    floats = {f"{item.name}_quantized": item for item in _floats(before) if len(item.dims) > 1}
    constants = {item.name: item for item in after.graph.initializer}
    found = {}
    for node in after.graph.node:
        if node.op_type != STANDS_FOR or node.input[0] not in floats or node.input[0] not in constants:
            continue
        integers, scale, *zero = (numpy_helper.to_array(constants[name]) for name in node.input if name)
        value = numpy_helper.to_array(floats[node.input[0]])
        axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
        shape = [-1 if place == axis % max(1, value.ndim) and scale.size > 1 else 1 for place in range(value.ndim)]
        numbers = (integers, scale, zero[0] if zero else 0 * scale)
        whole, step, start = (torch.from_numpy(numpy.asarray(item, "f8")) for item in numbers)
        meant = (whole - start.reshape(shape)) * step.reshape(shape)
        found[floats[node.input[0]].name] = (torch.from_numpy(value.copy()), meant.float().reshape(value.shape))
    return found


def _bytes(model: Any) -> int:
    """Of all constants."""
    from onnx import numpy_helper

    return sum(numpy_helper.to_array(item).nbytes for item in model.graph.initializer)
