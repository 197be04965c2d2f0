"""The gradients of one pass, in any dtype on any device, of a loss that every model has, or its own. Compares nothing.

A model's own loss needs labels, and most classes have none. So the loss here is a random projection: each floating
output times fixed random signs, over the root of its size. It moves with every number of every output, so that a
gradient which is lost anywhere between an output and a parameter shows. A class's own loss is taken beside it (`own`),
from what it calls `loss`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, float64, outputs, sessions

if TYPE_CHECKING:
    import torch

OWN = "loss"  # what every class calls its own
FILL = 1e4  # times the median: what is larger is a mask's constant, and no number of the model's


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass forward and back: the loss, and the gradient of every parameter that it reached."""

    loss: float
    gradients: Mapping[str, torch.Tensor]


def taken(module: torch.nn.Module, inputs: Mapping[str, Any], *, own: bool = False) -> Pass:
    """The gradients of one seeded pass. The module is left without gradients, otherwise as it was."""
    import torch

    with torch.enable_grad(), eager.preserved(module):
        total = loss(module, inputs, own=own)
        if total is None:
            return Pass(loss=0.0, gradients={})
        names, parameters = zip(*((n, p) for n, p in module.named_parameters() if p.requires_grad), strict=True)
        found = torch.autograd.grad(total, parameters, allow_unused=True)
    reached = {name: value.detach() for name, value in zip(names, found, strict=True) if value is not None}
    return Pass(loss=float(total.detach()), gradients=reached)


def taken_exactly(module: torch.nn.Module, inputs: Mapping[str, Any], *, own: bool = False) -> Pass:
    """The same in float64; raises one of float64.REFUSALS where the model refuses."""
    with float64.converted(module) as wide, float64.widened():
        return taken(wide, float64.widen(dict(inputs)), own=own)


def loss(module: torch.nn.Module, inputs: Mapping[str, Any], *, own: bool = False) -> torch.Tensor | None:
    """The loss of one seeded pass, with its graph of gradients; None where it depends on no parameter."""
    with eager.seeded():
        made = outputs.flatten(sessions.called(module, eager.copied(dict(inputs))), attached=True)
    if own:
        total = made.get(OWN)
        return None if total is None or total.numel() != 1 or not total.requires_grad else total.sum()
    parts = [
        _projected(path, value) for path, value in made.items() if value.is_floating_point() and value.requires_grad
    ]
    return sum(parts[1:], parts[0]) if parts else None


def loss_alone(module: torch.nn.Module, inputs: Mapping[str, Any], *, own: bool = False) -> float:
    """The loss without its gradients; NaN where it depends on no parameter."""
    import torch

    with torch.enable_grad(), eager.preserved(module):  # what depends on a parameter shows with gradients alone
        total = loss(module, inputs, own=own)
    return math.nan if total is None else float(total.detach())


def _projected(path: str, value: torch.Tensor) -> torch.Tensor:
    import torch

    seed = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "little")
    drawn = torch.rand(value.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    signs = (drawn < 0.5).to(value.device, value.dtype) * 2 - 1
    size = value.detach().abs()
    shown = size < FILL * max(1.0, float(size.median()))
    return (value.where(shown, torch.zeros_like(value)) * signs).sum() / math.sqrt(max(1, value.numel()))


def stepped(module: torch.nn.Module, gradients: Mapping[str, torch.Tensor], rate: float) -> None:
    """One step of plain gradient descent, in place."""
    import torch

    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in gradients:
                parameter.sub_(rate * gradients[name].to(parameter.dtype))
