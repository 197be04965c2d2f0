"""How much noise rounding to few bits makes in a model's outputs, by our own arithmetic. Knows no toolchain.

Eight bits disturb one model by a thousandth and another, whose experts or codes turn, by half: one floor for all would
call right ones wrong, or wrong ones right. So the noise that a scheme explains is measured for each model: it runs on
the CPU with the operands of its operators rounded to the scheme's grids, over ranges of their own, and the ratio of
signal to noise of each output is what a right program of that scheme is held to, less a margin (`checks/quantize.py`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, reference
from archsweep.contract import Program, Tensor

if TYPE_CHECKING:
    import torch

CLEAN = 200.0  # decibels: what is equal bit for bit has no noise at all, and JSON no infinity
GRIDS = (1.0, 1.04, 1.11)  # ranges are stretched by these: one grid may lie luckily
FILL = 1e4  # magnitudes above are fill values of masks, and no grid is laid over them
PRODUCTS = frozenset({
    "mm", "addmm", "bmm", "baddbmm", "linear", "convolution", "_trilinear", "dot", "mv", "addmv", "addbmm",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """What a scheme rounds, to how many bits; `everywhere`: the operands of every operator, not of products alone."""

    weights: int
    activations: int = 0  # 0: they stay as they are
    everywhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """A program in few bits, and what is known of how it was made.

    `weights`: by name, what was rounded and what its integers stand for, in float. `control` runs the very same
    quantised graph on the CPU by other means; `bytes_*`: size of the model before and after.
    """

    program: Program
    control: Program
    rounding: Rounding
    weights: Mapping[str, tuple[Tensor, Tensor]]
    bytes_before: int
    bytes_after: int


def ratio(exact: torch.Tensor, found: torch.Tensor) -> float:
    """Signal to noise in decibels, over all but infinities and fill values; -CLEAN where `found` is no number."""
    import torch

    wide = torch.complex128 if exact.is_complex() else torch.float64
    wanted, given = exact.to(wide), found.to(wide)
    told = ~_filled(wanted)
    noise = (given - wanted).abs()[told]
    if not bool(torch.isfinite(noise).all()):
        return -CLEAN
    signal, lost = float(wanted.abs()[told].square().sum()), float(noise.square().sum())
    if not lost:
        return CLEAN
    return max(-CLEAN, min(CLEAN, 10 * math.log10(signal / lost))) if signal else -CLEAN


def _filled(value: torch.Tensor) -> torch.Tensor:
    magnitude = value.abs()
    return ~(magnitude < FILL)


def judged(exact: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The outputs of which a ratio says something: floating ones that are more than rounding noise around zero."""
    found = {}
    for path, value in exact.items():
        if not (value.is_floating_point() or value.is_complex()) or not value.numel():
            continue
        told = value.abs()[~_filled(value)]
        if told.numel() and math.sqrt(float(told.square().mean())) > comparison.NEAR_ZERO:
            found[path] = value
    return found


def expected(
    model: torch.nn.Module, inputs: Mapping[str, Any], exact: Mapping[str, torch.Tensor], rounding: Rounding
) -> dict[str, float]:
    """By path of `exact`: the ratio in decibels that the scheme's rounding alone explains, the worst of a few grids."""
    model = reference.written_out(model)  # attention in operators, each with operands of its own
    parameters = frozenset(value.untyped_storage().data_ptr() for value in model.parameters())
    ratios: dict[str, float] = dict.fromkeys(exact, CLEAN)
    for stretch in GRIDS:
        with _mode()(rounding, stretch, parameters):
            found = eager.run(model, inputs)
        for path, value in exact.items():
            other = found.get(path)
            fits = other is not None and other.shape == value.shape
            ratios[path] = min(ratios[path], ratio(value, other) if fits else -CLEAN)
    return ratios


def rounded(value: torch.Tensor, bits: int, stretch: float = 1.0) -> torch.Tensor:
    """`value` on a grid of 2**bits places over its own range and zero; fill values stay what they are."""
    filled = _filled(value)
    plain = value.masked_fill(filled, 0.0)
    low, high = min(float(plain.min()), 0.0) * stretch, max(float(plain.max()), 0.0) * stretch
    step = (high - low) / (2**bits - 1)
    return ((plain - low).div(step).round() * step + low).where(~filled, value) if step else value


def of_weight(value: torch.Tensor, bits: int) -> float:
    """Decibels that a weight keeps on a grid of `bits` bits for the whole tensor, symmetric around zero."""
    import torch

    reach = float(value.abs().max()) if value.numel() else 0.0
    whole = torch.cat([value.flatten(), torch.tensor([-reach, reach], dtype=value.dtype)])
    return ratio(value, rounded(whole, bits)[:-2].reshape(value.shape))


@functools.cache
def _mode() -> Any:
    """The class of a mode in which operators get rounded operands."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Rounded(TorchDispatchMode):  # type: ignore[misc]
        def __init__(self, rounding: Rounding, stretch: float, parameters: frozenset[int]) -> None:
            super().__init__()
            self._rounding, self._stretch, self._parameters = rounding, stretch, parameters

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = str(func).split(".")[1]
            if func.is_view or not (name in PRODUCTS or (self._rounding.everywhere and not name.endswith("_"))):
                return func(*args, **(kwargs or {}))
            change = functools.partial(self._operand, product=name in PRODUCTS)
            args, kwargs = torch.utils._pytree.tree_map(change, (args, kwargs or {}))
            return func(*args, **kwargs)

        def _operand(self, value: Any, *, product: bool) -> Any:
            if not isinstance(value, torch.Tensor) or not value.is_floating_point() or value.numel() < 2:
                return value
            held = value.untyped_storage().data_ptr() in self._parameters
            if product and value.ndim < 2:  # a bias keeps its width in every scheme
                return value
            bits = self._rounding.weights if held else self._rounding.activations
            return rounded(value, bits, self._stretch) if bits else value

    return Rounded
