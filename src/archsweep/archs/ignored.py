"""Inputs that a class takes and ignores: told by giving others, and by giving none. Knows no architecture."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from archsweep.archs.inputs import facts


def masks(model: Any, made: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Masks over pixels, samples and frames that the class takes and ignores: with the rows of the mask in another
    order, and without it, every output stays the same bit for bit. Masks over a text cost a pass each and are hardly
    ever ignored."""
    import torch

    text = made["input_ids"].shape if "input_ids" in made else None
    found: list[str] = []
    for name, value in made.items():
        if "mask" not in name or name.startswith("decoder_") or getattr(value, "shape", text) == text:
            continue
        turned = value.roll(1, 0)
        if torch.equal(turned, value) or facts.signature(type(model))[name].default is inspect.Parameter.empty:
            continue
        if _same(model, {**made, name: turned}, outputs):
            found.append(name)
    spared = {name: value for name, value in made.items() if name not in found}
    return tuple(found) if found and _same(model, spared, outputs) else ()


def _same(model: Any, made: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
    """Whether these inputs give the same outputs, bit for bit."""
    import torch

    from archsweep.archs import eager

    try:
        other = eager.run(model, made)
    except eager.RAISED:
        return False
    return list(other) == list(outputs) and all(torch.equal(other[path], outputs[path]) for path in outputs)
