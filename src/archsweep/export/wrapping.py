"""A model as exporters want it: positional tensors in, a plain tuple of tensors out, by known names.

Knows no exporter and no file format.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep.archs import outputs

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Names of what goes in and comes out, in order; what is frozen into the graph; which outputs are handed through."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    frozen: tuple[str, ...] = ()


def leaves(inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors among (nested) inputs by path: `pixel_values`, `past.0`."""
    return outputs.flatten(dict(inputs))


def nested(inputs: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], path: str = "") -> Any:
    """`inputs` with the tensors at their paths in the place of its own; what is no tensor stays."""
    import torch

    def rebuilt(value: Any, path: str) -> Any:
        if isinstance(value, torch.Tensor):
            return tensors.get(path, value)
        if isinstance(value, Mapping):
            return {key: rebuilt(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(rebuilt(item, f"{path}.{index}") for index, item in enumerate(value))
        return value

    return rebuilt(dict(inputs), path)


def constant(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """Inputs that say a shape and no content: integers that two draws have in common, bit for bit."""
    import torch

    return tuple(
        path
        for path, value in first.items()
        if not value.is_floating_point() and path in second and torch.equal(value, second[path])
    )


def wrapped(
    model: torch.nn.Module, inputs: Mapping[str, Any], frozen: tuple[str, ...] = (), kept: tuple[str, ...] | None = None
) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...], Signature]:
    """`model` behind a positional signature, its example arguments, and the names of both ends.

    Inputs among `frozen` become constants. `kept` are the outputs to return (all by default). The model runs once.
    """
    import torch

    tensors = leaves(inputs)
    names = tuple(path for path in tensors if path not in frozen)
    fixed = {path: tensors[path] for path in frozen if path in tensors}
    plain = _switches(model)

    class Positional(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
            fed = nested(inputs, {**fixed, **dict(zip(names, given, strict=True))})
            found = outputs.flatten(self.model(**fed, **plain))
            return tuple(found[path] for path in (kept or found))

    with torch.no_grad():
        example = nested(inputs, {path: value.clone() for path, value in tensors.items()})
        paths = tuple(outputs.flatten(model(**example, **plain)))
    arguments = tuple(tensors[path].clone() for path in names)
    signature = Signature(inputs=names, outputs=tuple(kept or paths), frozen=tuple(fixed))
    return Positional().eval(), arguments, signature


def _switches(model: torch.nn.Module) -> dict[str, Any]:
    """Arguments that keep caches and training out of the graph, where the forward pass has them."""
    parameters = inspect.signature(model.forward).parameters
    return {"use_cache": False} if "use_cache" in parameters else {}
