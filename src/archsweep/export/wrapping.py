"""A model as exporters want it: positional tensors in, a plain tuple of tensors out, by known names.

Knows no exporter and no file format.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, outputs, sessions
from archsweep.export import beside

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Wrapped:
    """`module` takes `arguments`, which are called `inputs`, and returns a tensor for each of `outputs`."""

    module: torch.nn.Module
    arguments: tuple[torch.Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    frozen: tuple[str, ...]  # inputs that became constants


def leaves(inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors among (nested) inputs by path: `pixel_values`, `sizes.0`."""
    return outputs.flatten(dict(inputs))


def nested(inputs: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Any:
    """`inputs` with `tensors` at their paths in the place of its own; what is no tensor stays."""
    import torch

    def rebuilt(value: Any, path: str) -> Any:
        if isinstance(value, torch.Tensor):
            return tensors.get(path, value)
        if isinstance(value, Mapping):
            return {key: rebuilt(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(rebuilt(item, f"{path}.{index}") for index, item in enumerate(value))
        return value

    return rebuilt(dict(inputs), "")


def constant(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """Inputs that say a shape and no content: integers that two draws have in common, bit for bit."""
    import torch

    return tuple(
        path
        for path, value in first.items()
        if not value.is_floating_point() and path in second and torch.equal(value, second[path])
    )


def wrap(
    model: torch.nn.Module, inputs: Mapping[str, Any], frozen: tuple[str, ...] = (), calls: tuple[beside.Call, ...] = ()
) -> Wrapped:
    """`model` behind a positional signature; inputs among `frozen` become constants. The model runs once or twice.

    What `calls` return are inputs, too.
    """
    import torch

    tensors = {**leaves(inputs), **beside.made(model, calls, inputs)}
    names = tuple(path for path in tensors if path not in frozen)
    fixed = {path: tensors[path] for path in frozen if path in tensors}

    class Positional(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
            all_given = {**fixed, **dict(zip(names, given, strict=True))}
            fed = nested(inputs, all_given)
            with beside.given(model, calls, all_given):
                made = outputs.flatten(sessions.called(self.model, fed, **switches))
            return tuple(made[path] for path in found)  # a tracer turns numbers into tensors, too

    def ran(**more: Any) -> dict[str, torch.Tensor]:
        with torch.no_grad(), eager.preserved(model):
            copies = {path: value.clone() for path, value in tensors.items()}
            return outputs.flatten(sessions.called(model, nested(inputs, copies), **more))

    switches = _switches(model)
    found = ran()
    if switches:
        without = ran(**switches)
        switches = switches if without.keys() == found.keys() else {}  # a cache is among the outputs that are compared

    arguments = tuple(tensors[path].clone() for path in names)
    module = Positional().eval()
    return Wrapped(module=module, arguments=arguments, inputs=names, outputs=tuple(found), frozen=tuple(fixed))


def _switches(model: torch.nn.Module) -> dict[str, Any]:
    """Arguments that keep caches out of the graph, where the forward pass has them."""
    return {"use_cache": False} if "use_cache" in inspect.signature(model.forward).parameters else {}
