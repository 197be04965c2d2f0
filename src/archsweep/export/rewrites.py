"""Torch functions that exporters have no translation for, said with others while a model is traced.

Each rewrite is a function with the signature of what it replaces and the same numbers. Knows no model.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

RULES = 5  # raise when a rewrite changes what a graph holds


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

    return {
        torch.diff: difference,
        torch.Tensor.diff: difference,
        torch.isin: is_in,
        **{
            getattr(torch.Tensor, f"__{sort}{name}__"): functools.partial(bitwise, name)
            for name in ("and", "or", "xor")
            for sort in ("", "i")
        },
        torch.cumsum: functools.partial(added_up, torch.cumsum),
        torch.Tensor.cumsum: functools.partial(added_up, torch.Tensor.cumsum),
        torch.scatter: functools.partial(scattered, torch.scatter),
        torch.Tensor.scatter: functools.partial(scattered, torch.Tensor.scatter),
        torch.full: functools.partial(filled, torch.full),
        torch.full_like: functools.partial(filled, torch.full_like),
    }


def filled(function: Callable[..., Any], *given: Any, **more: Any) -> Any:
    """torch.full and full_like: a tracer finds neither of them with a boolean to fill in."""
    import torch

    value = more.get("fill_value", given[1] if len(given) > 1 else None)
    if not isinstance(value, bool):
        return function(*given, **more)
    if function is torch.full and more.get("dtype") is None:
        more["dtype"] = torch.bool
    if "fill_value" in more:
        more["fill_value"] = int(value)
    return function(*given, **more) if "fill_value" in more else function(given[0], int(value), *given[2:], **more)


def bitwise(name: str, value: Any, other: Any) -> Any:
    """`value & other` and the like, also in place: of booleans by logic, of numbers and booleans by what is odd."""
    import torch

    if isinstance(value, torch.Tensor) and isinstance(other, bool | torch.Tensor):
        other = torch.as_tensor(other)
        kinds = [item.dtype == torch.bool for item in (value, other)]
        if all(kinds):
            return getattr(torch, f"logical_{name}")(value, other)
        if any(kinds):
            whole, flag = (other, value) if kinds[0] else (value, other)
            odd, flag = whole.remainder(2), flag.to(whole.dtype)
            return {"and": odd * flag, "or": whole + flag * (1 - odd), "xor": whole + flag * (1 - 2 * odd)}[name]
    return getattr(torch, f"bitwise_{name}")(value, other)


def scattered(function: Callable[..., Any], target: Any, /, *given: Any, **more: Any) -> Any:
    """torch.scatter of one boolean, which a tracer does not find: of a number, among numbers."""
    import torch

    named = {**dict(zip(("dim", "index", "value"), given, strict=False)), **more}
    if not isinstance(named.get("value"), bool):
        return function(target, *given, **more)
    whole = target.to(torch.int32) if target.dtype == torch.bool else target
    return function(whole, named["dim"], named["index"], int(named["value"])).to(target.dtype)


def difference(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """torch.diff."""
    import torch

    parts = [item for item in (prepend, input, append) if item is not None]
    found = torch.cat(parts, dim) if len(parts) > 1 else input
    for _ in range(n):
        length = found.shape[dim]
        found = found.narrow(dim, 1, length - 1) - found.narrow(dim, 0, length - 1)
    return found


def is_in(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """torch.isin."""
    import torch

    among = torch.as_tensor(test_elements).reshape(-1)
    found = (torch.as_tensor(elements).unsqueeze(-1) == among).any(-1)
    return ~found if invert else found


def added_up(function: Callable[..., Any], value: Any, *given: Any, **more: Any) -> Any:
    """torch.cumsum: ONNX adds no booleans up."""
    import torch

    return function(value.to(torch.int64) if value.dtype == torch.bool else value, *given, **more)
