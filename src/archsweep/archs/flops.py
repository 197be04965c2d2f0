"""Floating-point operations of one pass: of the products and convolutions that torch knows a formula for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager

if TYPE_CHECKING:
    import torch


def counted(module: torch.nn.Module, inputs: Mapping[str, Any]) -> int:
    """Two for each multiplication with addition, by torch's own formulas; what has none counts nothing."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class Counting(TorchDispatchMode):  # type: ignore[misc]
        total = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = func(*args, **(kwargs or {}))
            formula = flop_registry.get(func._overloadpacket)
            if formula is not None:
                self.total += int(formula(*args, **(kwargs or {}), out_val=made))
            return made

    with Counting() as mode:
        eager.run(module, inputs)
    total: int = mode.total
    return total
