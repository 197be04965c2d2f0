"""Whether a draw of weights lets see what a model computes: outputs that are no mere filling, inputs that arrive.

An output of fill values hides what stands behind it, such as the mask of an object said to be absent; a codebook of
which one entry is always the nearest swallows the image before it, as does a rounding after signals that overflow it.
Another draw has neither. Knows no search; costs passes only where the configuration speaks of codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archsweep.archs import eager, reference

DRAWS = (-1, -2, -3, -4)  # seeds as lively as the first
CALMER = 1  # one under which what multiplies does so less
FILL = 100.0  # an output of this magnitude throughout was filled, not computed
GROWN = 1e19  # squares of larger numbers overflow float32, on the way or in whatever compares
MOVED = 1e-3  # relative change of an output that no rounding explains
_CODES = re.compile(r"codebook|quantiz|^num_embeddings$|^n_embed$")


def hidden(outputs: Mapping[str, Any]) -> int:
    """How many outputs are one and the same value throughout, far from what a model computes."""
    found = (value.aminmax() for value in outputs.values() if value.is_floating_point() and value.numel() > 1)
    return sum(bool(low == high) and abs(float(low)) >= FILL for low, high in found)


def grown(outputs: Mapping[str, Any]) -> bool:
    """Whether an output holds numbers so large that their squares overflow, and that fill nothing."""
    sizes = (value.abs() for value in outputs.values() if value.is_floating_point())
    return any(bool(((size > GROWN) & (size < reference.HUGE)).any()) for size in sizes)


def swallowed(
    model: Any, made: Mapping[str, Any], draw: Callable[[], Mapping[str, Any]], outputs: Mapping[str, Any]
) -> list[str]:
    """Inputs of numbers, of a model that turns some into codes, of which other values (which `draw` gives) move no
    output."""
    if not any(_CODES.search(name) for name in _fields(model.config)):
        return []
    other = draw()
    numbers = {
        name: other[name]
        for name, value in made.items()
        if getattr(value, "ndim", 0) > 1 and value.is_floating_point() and "mask" not in name and name in other
    }
    return [name for name, value in numbers.items() if not _moves(model, {**made, name: value}, outputs)]


def _fields(config: Any) -> Iterator[str]:
    for name, value in vars(config).items():
        yield name
        if hasattr(value, "to_diff_dict"):
            yield from _fields(value)


def _moves(model: Any, made: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
    import torch

    try:
        found = eager.run(model, made)
    except eager.RAISED:
        return True
    if [value.shape for value in found.values()] != [value.shape for value in outputs.values()]:
        return True
    return any(
        reference.relative(outputs[path], value)[0] > MOVED
        if value.is_floating_point()
        else not torch.equal(outputs[path], value)
        for path, value in found.items()
        if value.numel()
    )
