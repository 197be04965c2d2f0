"""OpenVINO models in eight bits by NNCF's post-training quantization, calibrated with what the model is to be given.

The same quantised model is its own control: compiled with the plugin's low precision switched off, the rounding is
carried out in float, and every product is float, too.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import re
from collections.abc import Sequence
from typing import Any

from archsweep.archs.rounding import Rounding
from archsweep.contract import Tensor
from archsweep.platforms import _packages

SCHEMES = {"a8w8": Rounding(weights=8, activations=8)}
OLDEST = {"nncf": (3, 0)}
INSTALL = "pip install 'archsweep[openvino,quantize]'"
IN_FLOAT = {"LP_TRANSFORMS_MODE": "NO"}
_WEIGHT = re.compile(r"(.*)/fq_weights_(\d+)$")  # what NNCF calls what stands for an operator's operand of that number


def quantized(model: Any, given: Sequence[Sequence[Any]]) -> Any:
    """A copy of the model with products and convolutions of rounded operands; `given`: arrays in the order of its
    inputs, for each pass. Raises Unavailable, and what NNCF raises."""
    _packages.versions(OLDEST, INSTALL)
    nncf = importlib.import_module("nncf")
    logging.getLogger("nncf").setLevel(logging.ERROR)
    as_they_are = nncf.AdvancedSmoothQuantParameters(matmul=-1, convolution=-1)  # no scale moves into the weights
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # bars of progress
        return nncf.quantize(
            model.clone(), nncf.Dataset([list(item) for item in given], lambda item: item), subset_size=len(given),
            model_type=nncf.ModelType.TRANSFORMER,  # without it sums of residuals are rounded to eight bits, too
            advanced_parameters=nncf.AdvancedQuantizationParameters(smooth_quant_alphas=as_they_are),
        )  # fmt: skip


def weights(core: Any, before: Any, after: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """By name: each weight that became integers, and what these stand for."""
    import torch

    operators = {item.get_friendly_name(): item for item in before.get_ops()}
    places = {}
    for item in after.get_ops():
        found = _WEIGHT.match(item.get_friendly_name())
        if found and found[1] in operators:
            places[found[1]] = (operators[found[1]].input_value(int(found[2])), item.output(0))
    if not places:
        return {}
    sides = [_values(core, [pair[side] for pair in places.values()]) for side in (0, 1)]
    return {
        name: (torch.from_numpy(one).float(), torch.from_numpy(other).float())
        for name, one, other in zip(places, *sides, strict=True)
    }


def _values(core: Any, outputs: Sequence[Any]) -> list[Any]:
    """What constant parts of a model hold, computed in float."""
    openvino = importlib.import_module("openvino")
    part = openvino.Model([openvino.opset13.result(item) for item in outputs], [])
    found = core.compile_model(part, "CPU", {"INFERENCE_PRECISION_HINT": "f32", **IN_FLOAT})([])
    return [found[index].copy() for index in range(len(outputs))]


def size(model: Any) -> int:
    """Bytes of all constants."""
    return sum(item.data.nbytes for item in model.get_ops() if item.get_type_name() == "Constant")
