"""Interpolations and samplings of images that converters cannot take, each said with others. Knows no converter."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archsweep.export.pairs import untraced

if TYPE_CHECKING:
    import torch


def table() -> dict[str, Callable[..., Any]]:
    """Functions by the name of the operation that they stand for."""
    return {
        "avg_pool2d": averaged,
        "_adaptive_avg_pool2d": adaptive,
        "upsample_nearest1d": nearest,
        "upsample_nearest2d": nearest,
        "upsample_nearest3d": nearest,
        "upsample_bilinear2d": functools.partial(interpolated, "bilinear"),
        "upsample_bicubic2d": functools.partial(interpolated, "bicubic"),
        "_upsample_bilinear2d_aa": functools.partial(resize, "bilinear"),
        "_upsample_bicubic2d_aa": functools.partial(resize, "bicubic"),
        "grid_sampler_2d": grid_sample,
    }


def resize(mode: str, value: Any, output_size: Any, align_corners: bool, *scales: Any) -> Any:
    """Antialiased interpolation: a matrix product for each side. The matrices are what becomes of an identity."""
    import torch

    factors = scales[0] if len(scales) == 1 and scales[0] is not None else scales
    factors = list(factors) if len(factors) == 2 else [None, None]
    size = output_size or [int(length * factor) for length, factor in zip(value.shape[-2:], factors, strict=True)]
    function = getattr(torch.ops.aten, f"_upsample_{mode}2d_aa").default

    def weights(length: int, wanted: int, factor: float | None) -> torch.Tensor:
        unit = torch.eye(length).reshape(1, 1, length, length)  # torch is wrong on many channels of width 1
        return function(unit, [length, wanted], align_corners, None, factor)[0, 0].T

    with untraced():
        rows = weights(int(value.shape[-2]), size[0], factors[0])
        columns = weights(int(value.shape[-1]), size[1], factors[1]).T.contiguous()
    return rows @ value @ columns


def interpolated(mode: str, value: Any, output_size: Any, align_corners: bool, *scales: Any) -> Any:
    """By the size alone, where the factors say no more than it does."""
    import torch

    factors = scales[0] if len(scales) == 1 and scales[0] is not None else [item for item in scales if item is not None]
    sides = [int(length) for length in value.shape[-2:]]
    size = list(output_size or [int(length * factor) for length, factor in zip(sides, factors, strict=True)])
    exact = all(length * factor == wanted for length, factor, wanted in zip(sides, factors or (), size, strict=False))
    if not exact and not align_corners:
        raise NotImplementedError(f"no other form of operator 'aten::upsample_{mode}2d' with these factors")
    return torch.nn.functional.interpolate(value, size, mode=mode, align_corners=align_corners)


def averaged(
    value: Any, kernel: list[int], stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """avg_pool2d; a window that is larger than the image is the mean of all of it."""
    import torch

    sides = list(kernel) * (2 // len(kernel))
    padded = padding if isinstance(padding, int) else max(padding, default=0)
    larger = all(side >= length for side, length in zip(sides, value.shape[-2:], strict=True))
    if larger and ceil_mode and not padded and divisor_override is None:
        return value.mean((-2, -1), keepdim=True)
    pool = torch.nn.functional.avg_pool2d
    return pool(value, kernel, stride or kernel, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive(value: Any, size: list[int]) -> Any:
    """_adaptive_avg_pool2d: a matrix product for each side."""
    import torch

    def weights(length: int, wanted: int) -> torch.Tensor:
        found = torch.zeros(wanted, length)
        for place in range(wanted):
            start, end = place * length // wanted, -(-(place + 1) * length // wanted)
            found[place, start:end] = 1 / (end - start)
        return found

    with untraced():
        rows = weights(int(value.shape[-2]), size[0])
        columns = weights(int(value.shape[-1]), size[1]).T.contiguous()
    return rows @ value @ columns


def nearest(value: Any, output_size: Any, *scales: Any) -> Any:
    """By the size alone, where the factors say no more than it does."""
    import torch

    factors = scales[0] if len(scales) == 1 and isinstance(scales[0], list | tuple) else scales
    given = [item for item in factors or () if item is not None]
    sides = [int(length) for length in value.shape[2:]]
    size = list(output_size or [int(length * factor) for length, factor in zip(sides, given, strict=True)])
    if any(length * factor != wanted for length, factor, wanted in zip(sides, given, size, strict=False)):
        raise NotImplementedError("no other form of operator 'aten::upsample_nearest' with these factors")
    return torch.nn.functional.interpolate(value, size, mode="nearest")


def grid_sample(value: Any, grid: Any, interpolation: int, padding: int, align_corners: bool) -> Any:
    """grid_sampler_2d with zeros or the border outside."""
    import torch

    if padding > 1:
        raise NotImplementedError("no other form of operator 'aten::grid_sampler_2d' in this mode")
    batch, channels, height, width = value.shape
    flat = value.reshape(batch, channels, height * width)

    def scaled(coordinate: Any, length: int) -> Any:
        place = (coordinate + 1) / 2 * (length - 1) if align_corners else ((coordinate + 1) * length - 1) / 2
        return place.clamp(0, length - 1) if padding and interpolation < 2 else place

    x, y = scaled(grid[..., 0], width), scaled(grid[..., 1], height)

    def corner(column: Any, row: Any) -> Any:
        inside = (column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)
        place = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).to(torch.int64)
        picked = flat.gather(2, place.reshape(batch, 1, -1).expand(batch, channels, -1))
        picked = picked.reshape(batch, channels, *grid.shape[1:3])
        return picked if padding else picked * inside.unsqueeze(1).to(value.dtype)

    if interpolation == 2:
        across, down = (_cubic(item - item.floor()) for item in (x, y))
        taps = [(i, j) for j in range(4) for i in range(4)]
        return sum(corner(x.floor() + i - 1, y.floor() + j - 1) * (across[i] * down[j]).unsqueeze(1) for i, j in taps)
    if interpolation == 1:
        return corner(x.round(), y.round())
    left, top = x.floor(), y.floor()
    right, low = x - left, y - top
    return (
        corner(left, top) * ((1 - right) * (1 - low)).unsqueeze(1)
        + corner(left + 1, top) * (right * (1 - low)).unsqueeze(1)
        + corner(left, top + 1) * ((1 - right) * low).unsqueeze(1)
        + corner(left + 1, top + 1) * (right * low).unsqueeze(1)
    )


def _cubic(part: Any) -> tuple[Any, Any, Any, Any]:
    """Weights of the four neighbours of a place that is `part` of the way from the second to the third."""

    def near(far: Any) -> Any:
        return (1.25 * far - 2.25) * far * far + 1

    def wide(far: Any) -> Any:
        return ((-0.75 * far + 3.75) * far - 6) * far + 3

    return wide(part + 1), near(part), near(1 - part), wide(2 - part)
