"""What a module remembers of a pass in containers of its own: caches by size, encodings of texts. Knows no weights.

Torch tells of parameters and buffers only. A dictionary that a forward pass fills answers the next pass in the place of
the computation, so that no gradient flows, or that of other inputs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MOST = 4  # objects inside objects


@functools.cache
def _torchs() -> frozenset[str]:
    """Attributes that every module has."""
    import torch

    return frozenset(vars(torch.nn.Module()))


def put_back(module: torch.nn.Module) -> list[Callable[[], None]]:
    """What to call so that each container of a module has again what it has now."""
    own = {name: value for name, value in vars(module).items() if name not in _torchs()}
    return [again for value in own.values() for again in _put_back(value, type(module).__module__, MOST)]


def _put_back(value: Any, home: str, depth: int) -> list[Callable[[], None]]:
    if isinstance(value, dict | set):
        return [functools.partial(_refilled, value, value.copy())]
    if isinstance(value, list):
        return [functools.partial(value.__setitem__, slice(None), value.copy())]
    if depth and type(value).__module__ == home and not _is_module(value) and hasattr(value, "__dict__"):
        inside = [again for item in vars(value).values() for again in _put_back(item, home, depth - 1)]
        return [*inside, functools.partial(_refilled, vars(value), vars(value).copy())]
    return []


def _refilled(held: Any, before: Any) -> None:
    held.clear()
    held.update(before)


def _is_module(value: Any) -> bool:
    import torch

    return isinstance(value, torch.nn.Module)
