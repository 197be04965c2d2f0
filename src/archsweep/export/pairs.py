"""Complex tensors as pairs of real ones, and what is done with them. Knows no model and no converter."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

RULES = 2  # raise when an operation is said in another way


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """What is computed within is a constant to the tracer."""
    import torch

    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)
    try:
        yield
    finally:
        torch._C._set_tracing_state(state)


@dataclass(frozen=True)
class Pair:
    """A complex tensor as two real ones."""

    real: Any
    imaginary: Any

    @staticmethod
    def of(value: torch.Tensor) -> Pair:
        return Pair(value.real.clone(), value.imag.clone())

    def both(self, function: Callable[[Any], Any]) -> Pair:
        return Pair(function(self.real), function(self.imaginary))


MAKE = frozenset({"view_as_complex", "polar", "complex", "_fft_r2c"})


def with_pairs(name: str, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """An operation on complex numbers: one of the table below, or one that only moves elements about."""
    said = _COMPLEX.get(name)
    if said is not None:
        return said(*args, **kwargs)
    if name in _MOVES and isinstance(args[0], Pair):
        return args[0].both(lambda part: target(part, *args[1:], **kwargs))
    raise NotImplementedError(f"no complex form of operator 'aten::{name}'")


_MOVES = frozenset({
    "view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "slice", "select", "expand", "clone", "index", "permute",
    "transpose", "t", "detach", "alias", "contiguous", "repeat", "index_select", "embedding", "neg", "unbind", "split",
})  # fmt: skip


def _product(left: Any, right: Any) -> Any:
    if not isinstance(left, Pair):
        left, right = right, left
    if not isinstance(right, Pair):
        return left.both(lambda part: part * right)
    return Pair(
        left.real * right.real - left.imaginary * right.imaginary,
        left.real * right.imaginary + left.imaginary * right.real,
    )


def _polar(size: Any, angle: Any) -> Pair:
    return Pair(size * angle.cos(), size * angle.sin())


def _sum(left: Any, right: Any, **kwargs: Any) -> Pair:
    if isinstance(left, Pair) and isinstance(right, Pair):
        return Pair(left.real + right.real, left.imaginary + right.imaginary)
    pair, other = (left, right) if isinstance(left, Pair) else (right, left)
    return Pair(pair.real + other, pair.imaginary)


def _as_real(value: Pair) -> Any:
    import torch

    return torch.stack((value.real, value.imaginary), -1)


def convert(value: Any, dtype: Any = None, **kwargs: Any) -> Any:
    if isinstance(value, Pair):
        real = None if dtype is None or dtype.is_complex else dtype
        return value if real is None else value.real.to(real)
    import torch

    if dtype is not None and dtype.is_complex:
        return Pair(value, torch.zeros_like(value))
    return value if dtype is None else torch.as_tensor(value).to(dtype)


def _magnitude(value: Pair) -> Any:
    return (value.real.square() + value.imaginary.square()).sqrt()


def moved(value: Any, source: int, target: int) -> Any:
    """movedim; with dimensions that count from the front."""
    return value.movedim(source % value.dim(), target % value.dim())


def _fourier(value: Any, dims: list[int], normalization: int, onesided: bool) -> Pair:
    """_fft_r2c, as matrix products: two for the last dimension, four for each other one."""
    length = int(value.shape[dims[-1]])
    cosine, sine = _scaled_turns(length, length // 2 + 1 if onesided else length, normalization, value.dtype)
    turned = moved(value, dims[-1], -1)
    found = Pair(*(moved(turned @ item, -1, dims[-1]) for item in (cosine, -sine)))
    return _circular(found, dims[:-1], normalization, True) if len(dims) > 1 else found


def _circular(value: Pair, dims: list[int], normalization: int, forward: bool) -> Pair:
    """_fft_c2c."""
    for dim in dims:
        length = int(value.real.shape[dim])
        cosine, sine = _scaled_turns(length, length, normalization, value.real.dtype)
        sine = -sine if forward else sine
        real, imaginary = (moved(part, dim, -1) for part in (value.real, value.imaginary))
        value = Pair(moved(real @ cosine - imaginary @ sine, -1, dim), moved(real @ sine + imaginary @ cosine, -1, dim))
    return value


def _scaled_turns(length: int, count: int, normalization: int, dtype: Any) -> tuple[Any, Any]:
    scale = {0: 1.0, 1: length**-0.5, 2: 1.0 / length}[normalization]
    with untraced():
        cosine, sine = ((item * scale).to(dtype) for item in _turns(length, count))
    return cosine, sine


def _back(value: Pair, dims: list[int], normalization: int, length: int) -> Any:
    """_fft_c2r along one dimension."""
    if len(dims) != 1:
        raise NotImplementedError("no real form of operator 'aten::_fft_c2r' over several dimensions")
    count = int(value.real.shape[dims[0]])
    scale = {0: 1.0, 1: length**-0.5, 2: 1.0 / length}[normalization]
    with untraced():
        cosine, sine = (item.T * scale for item in _turns(length, count))
        cosine[1 : (length + 1) // 2] *= 2  # each stands for its mirror image, too
        sine[1 : (length + 1) // 2] *= 2
        cosine, sine = cosine.to(value.real.dtype), sine.to(value.real.dtype)
    real, imaginary = (moved(part, dims[0], -1) for part in (value.real, value.imaginary))
    return moved(real @ cosine - imaginary @ sine, -1, dims[0])


def _turns(length: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of a discrete Fourier transform, [length, count]."""
    import torch

    angle = torch.outer(torch.arange(length, dtype=torch.float64), torch.arange(count, dtype=torch.float64))
    angle = angle.remainder(length) * (2 * math.pi / length)
    return angle.cos(), angle.sin()


_COMPLEX: dict[str, Callable[..., Any]] = {
    "view_as_complex": lambda value: Pair(value[..., 0], value[..., 1]),
    "view_as_real": _as_real,
    "polar": _polar,
    "complex": Pair,
    "mul": _product,
    "add": _sum,
    "real": lambda value: value.real,
    "imag": lambda value: value.imaginary,
    "abs": _magnitude,
    "_conj": lambda value: Pair(value.real, -value.imaginary),
    "conj_physical": lambda value: Pair(value.real, -value.imaginary),
    "_to_copy": convert,
    "lift_fresh_copy": lambda value: value,
    "lift_fresh": lambda value: value,
    "_fft_r2c": _fourier,
    "_fft_c2c": _circular,
    "_fft_c2r": _back,
}
