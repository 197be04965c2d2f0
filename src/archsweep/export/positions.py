"""Where a tensor is not zero, as a list of a known length: as many places as the example had.

Converters have operations for it whose result has no static shape, which few backends take. That another input has as
many places is what the run on second inputs shows. Knows no model and no converter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archsweep.export.pairs import untraced


def nonzero(found: tuple[int, ...], value: Any) -> Any:
    """aten.nonzero: [places, dimensions], in the order of memory.

    One product with a triangle counts what is set up to each place, another picks the coordinates by that rank.
    """
    import torch

    if not found[0]:
        return value.nonzero()
    with untraced():
        places = torch.ones(tuple(value.shape)).nonzero().to(torch.float32)
        upto = torch.ones(len(places), len(places)).tril()
        ranks = torch.arange(1, found[0] + 1, dtype=torch.float32).unsqueeze(-1)
    flags = (value != 0).reshape(-1).to(torch.float32)
    picked = ((upto @ flags.unsqueeze(-1)).reshape(1, -1) == ranks).to(torch.float32) * flags
    return (picked @ places).to(torch.int64)


def index(found: tuple[int, ...], value: Any, indices: list[Any]) -> Any:
    """aten.index with a mask in front and nothing else: the rows at its places."""
    mask = indices[0]
    if len(indices) != 1 or not is_mask(mask) or not found[0]:
        return value[tuple(slice(None) if item is None else item for item in indices)]
    places = nonzero(found[:1], mask)
    flat, step = places[:, -1], 1
    for axis in reversed(range(mask.dim() - 1)):
        step *= mask.shape[axis + 1]
        flat = flat + places[:, axis] * step
    return value.reshape(-1, *value.shape[mask.dim() :]).index_select(0, flat)


def is_mask(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.dtype in (torch.bool, torch.uint8)


# The shape of the result, in the example, comes first.
SAID: dict[str, Callable[..., Any]] = {"nonzero": nonzero, "index": index}
