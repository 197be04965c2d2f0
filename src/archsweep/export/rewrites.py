"""Torch functions that exporters have no translation for, said with others while a model is traced.

Each rewrite is a function with the signature of what it replaces and the same numbers. Knows no model.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

RULES = 1  # raise when a rewrite changes what a graph holds


@contextlib.contextmanager
def active() -> Iterator[None]:
    """Within, calls of the functions of the table run their rewrites."""
    with _mode()():
        yield


@functools.cache
def _mode() -> Any:
    from torch.overrides import TorchFunctionMode

    table = _table()

    class Rewriting(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return table.get(func, func)(*args, **(kwargs or {}))

    return Rewriting


def _table() -> dict[Any, Callable[..., Any]]:
    import torch

    return {torch.diff: difference, torch.Tensor.diff: difference}


def difference(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """torch.diff."""
    import torch

    parts = [item for item in (prepend, input, append) if item is not None]
    found = torch.cat(parts, dim) if len(parts) > 1 else input
    for _ in range(n):
        length = found.shape[dim]
        found = found.narrow(dim, 1, length - 1) - found.narrow(dim, 0, length - 1)
    return found
