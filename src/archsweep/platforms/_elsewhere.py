"""Which operators of a forward pass work on floating-point tensors of another device than the program's own.

Seen below autograd, as it happens. A tensor that leaves the device in the middle of a pass counts: what is done with
it afterwards need not be torch's. Making a constant, viewing a tensor and sending one to the device compute nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# Operators that take tensors and compute nothing; views are known by themselves.
MOVING = frozenset({"_to_copy", "copy_", "clone", "_unsafe_view", "lift_fresh_copy"})
FILLING = frozenset({"fill_", "zero_", "new_empty", "new_empty_strided", "new_zeros", "new_ones", "new_full"})


@functools.cache
def recording() -> Any:
    """The class of a mode that keeps in `found` what a pass does elsewhere.

    Arguments: `home`, the type of the program's device; `fallback`, operators that have no kernel there and whose work
    the device's own registration hands to the CPU, below what can be seen here; `by_design`, whether what runs at the
    moment is to be elsewhere.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recording(TorchDispatchMode):  # type: ignore[misc]
        def __init__(
            self, home: str, fallback: frozenset[str] = frozenset(), by_design: Callable[[], bool] = lambda: False
        ) -> None:
            super().__init__()
            self._home, self._fallback, self._by_design = home, fallback, by_design
            self.found: dict[str, None] = {}

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if not self._by_design():
                leaves = torch.utils._pytree.tree_leaves
                said = judged(func, leaves((args, kwargs)), leaves(result), self._home, self._fallback)
                self.found.update(dict.fromkeys([said] if said else []))
            return result

    return Recording


def judged(func: Any, given: Iterable[Any], made: Iterable[Any], home: str, fallback: frozenset[str]) -> str:
    """What one call of an operator does elsewhere, in words; empty if nothing."""
    name = str(func).removesuffix(".default")
    bare = name.partition(".")[2]
    takes, gives = _tensors(given), _tensors(made)
    floating = [item for item in (*takes, *gives) if _counts(item)]
    if bare in fallback and any(item.device.type == home for item in floating):
        return f"{name} on cpu: no kernel for {home}"
    away = [item.device.type for item in floating if item.device.type != home]
    if not away:
        return ""
    if getattr(func, "is_view", False) or not takes:
        return ""
    word = bare.partition(".")[0]
    if word in MOVING:
        source = takes[1] if word == "copy_" and len(takes) > 1 else takes[0]
        leaves = _counts(source) and source.device.type == home
        return f"{name} to {away[0]}" if leaves else ""
    return "" if word in FILLING or word.endswith("_like") else f"{name} on {away[0]}"


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    import torch

    return [value for value in values if isinstance(value, torch.Tensor)]


def _counts(tensor: torch.Tensor) -> bool:
    """Whether it holds floating-point numbers, and is no scalar: those take part in work on any device."""
    return bool(tensor.ndim and (tensor.is_floating_point() or tensor.is_complex()))
