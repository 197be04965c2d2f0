"""Eager modules with integer weights by torchao: shared by the platforms on which torch itself runs the model.

Knows devices only by the programs that it is given.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archsweep.archs.rounding import Quantized, Rounding
from archsweep.contract import Bench, Program
from archsweep.errors import Inapplicable
from archsweep.platforms import _packages, _torch

if TYPE_CHECKING:
    import torch

SCHEMES = {"a8w8": Rounding(weights=8, activations=8), "w8": Rounding(weights=8)}
CONFIGURATIONS = {"a8w8": "Int8DynamicActivationInt8WeightConfig", "w8": "Int8WeightOnlyConfig"}
OLDEST = {"torchao": (0, 15)}
INSTALL = "pip install 'archsweep[quantize]'"
LEAST = 1e-5  # a row of activations that reaches no further is rounded as if it did


def quantized(bench: Bench, compile: Callable[[Bench], Program], scheme: str) -> Quantized:
    """The platform's own program with the weights of its linear layers as int8, one scale a row; with `a8w8` their
    inputs, too, as they come, one scale a token. Raises Unavailable, Inapplicable."""
    _packages.versions(OLDEST, INSTALL)
    torchao = importlib.import_module("torchao.quantization")
    program: Any = compile(bench)
    before, floats = _bytes(program.module), dict(_linear(program.module))
    floats = {name: value.detach().float().cpu() for name, value in floats.items()}
    torchao.quantize_(program.module, getattr(torchao, CONFIGURATIONS[scheme])(set_inductor_config=False))
    integers = {name: value for name, value in _linear(program.module) if _parts(value)}
    weights = {name: (floats[name], value.dequantize().float().cpu()) for name, value in integers.items()}
    if not weights:
        raise Inapplicable("torchao makes integers of linear layers alone, and it has none")
    return Quantized(
        program=program, control=_control(bench, {name: after for name, (_, after) in weights.items()}, scheme),
        rounding=SCHEMES[scheme], weights=weights, bytes_before=before, bytes_after=_bytes(program.module),
    )  # fmt: skip


def _linear(module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    import torch

    for name, part in module.named_modules():
        if isinstance(part, torch.nn.Linear):
            yield f"{name}.weight", part.weight


def _parts(value: torch.Tensor) -> tuple[str, ...]:
    """The tensors that a tensor of torchao's consists of, by name; of torch's own none."""
    flatten = getattr(value, "__tensor_flatten__", None)
    return tuple(flatten()[0]) if flatten is not None else ()


def _bytes(module: torch.nn.Module) -> int:
    """Of all parameters, each counted once."""
    total = 0
    for value in module.parameters():
        for part in [getattr(value, name) for name in _parts(value)] or [value]:
            total += part.numel() * part.element_size()
    return total


def _control(bench: Bench, weights: dict[str, torch.Tensor], scheme: str) -> Program:
    """On the CPU, in float: each linear layer with what its integers stand for, and its inputs on their own grid."""
    import torch

    module = bench.model()
    for name, value in weights.items():
        part = module.get_submodule(name.rpartition(".")[0])
        part.weight = torch.nn.Parameter(value, requires_grad=False)
        if SCHEMES[scheme].activations:
            part.register_forward_pre_hook(_on_grid)
    return _torch.EagerProgram(module, torch.device("cpu"), torch.float32, "cpu")


def _on_grid(part: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Each token's row on 256 places, symmetric around zero; its own reach lies half a step from a place, so that it
    matters how the division is made."""
    value, *others = given
    step = value.abs().amax(-1, keepdim=True).clamp(min=LEAST) / 127.5
    return ((value * (1.0 / step)).round().clamp(-128, 127) * step, *others)
