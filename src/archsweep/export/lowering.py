"""Tensor operations that converters cannot take, each said with others. Static shapes; same numbers.

`table` maps an operation's name to the function that stands for it. Knows no model and no converter.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archsweep.export import resampling
from archsweep.export.pairs import convert, moved, untraced
from archsweep.export.rewrites import bitwise, filled, is_in

if TYPE_CHECKING:
    import torch

RULES = 4  # raise when an operation is said in another way


@functools.cache
def table() -> dict[str, Callable[..., Any]]:
    """Functions by the name of the operation that they stand for."""
    import torch

    return {
        **resampling.table(),
        "_to_copy": convert,
        "_unsafe_view": lambda value, size: value.reshape(size),
        "view": lambda value, size: value.view(size) if isinstance(size, torch.dtype) else value.reshape(size),
        "lift_fresh_copy": lambda value: value,
        "lift_fresh": lambda value: value,
        "alias": lambda value: value,
        "_scaled_dot_product_flash_attention_for_cpu": attention,
        "full": lambda size, fill, **more: filled(torch.full, size, fill, **more),
        "full_like": _full_like,
        "fill": _full_like,
        "real": lambda value: value,
        "_softmax": lambda value, dim, half: value.softmax(dim),
        "_log_softmax": lambda value, dim, half: value.log_softmax(dim),
        "_safe_softmax": _safe_softmax,
        "native_group_norm": group_norm,
        "_euclidean_dist": lambda left, right: (left.unsqueeze(-2) - right.unsqueeze(-3)).square().sum(-1).sqrt(),
        "_cdist_forward": _distance,
        "convolution": convolution,
        "native_batch_norm": batch_norm,
        "_native_batch_norm_legit_no_training": lambda value, weight, bias, mean, variance, momentum, eps: batch_norm(
            value, weight, bias, mean, variance, False, momentum, eps
        ),
        "where": _chosen,
        "expm1": _exponential_less_one,
        "log_sigmoid_forward": lambda value: (-torch.nn.functional.softplus(-value), None),
        "asinh": lambda value: (
            (value.abs() + value.square() / (1 + (1 + value.square()).sqrt())).log1p() * value.sign()
        ),
        "isin": is_in,
        **{f"bitwise_{name}": functools.partial(bitwise, name) for name in ("and", "or", "xor")},
        "scatter": _scatter,
        "index_put": index_put,
        "permute": lambda value, dims: value.permute([dim % value.dim() for dim in dims]),
        "linalg_solve_triangular": solve_triangular,
        "scatter_reduce": scatter_reduce,
        "masked_scatter": lambda value, mask, source: masked(value, mask.expand(value.shape), source.reshape(-1)),
        "rms_norm": lambda *given: _root_mean_square(*given)[0],
        "_fused_rms_norm": _root_mean_square,
        "cumsum": lambda value, dim, dtype=None: _whole(value).cumsum(dim, dtype=dtype),
        "cummax": lambda value, dim: _running(value, dim, 1),
        "cummin": lambda value, dim: _running(value, dim, -1),
        "slice_scatter": slice_scatter,
        "select_scatter": select_scatter,
        "copy": lambda target, source, *_: source.to(target.dtype).expand(target.shape),
        "_unsafe_index": lambda value, indices: value[tuple(slice(None) if item is None else item for item in indices)],
        "max_pool2d_with_indices": functools.partial(_pooled, 2),
        "max_pool3d_with_indices": functools.partial(_pooled, 3),
        "unfold": unfold,
        "_embedding_bag": embedding_bag,
        "_embedding_bag_forward_only": embedding_bag,
    }


def attention(
    query: Any, key: Any, value: Any, dropout_p: float = 0.0, is_causal: bool = False, *, attn_mask: Any = None,
    scale: float | None = None,
) -> tuple[Any, None]:  # fmt: skip
    """Scaled dot products, a softmax, and their sum over the values. Nothing reads the second output in inference."""
    import torch

    if key.shape[1] != query.shape[1]:
        groups = query.shape[1] // key.shape[1]
        key, value = (_repeated(item, groups) for item in (key, value))
    scores = (query @ key.transpose(-1, -2)) * (scale if scale is not None else query.shape[-1] ** -0.5)
    if is_causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    if attn_mask is not None:
        return _safe_softmax(scores + attn_mask, -1) @ value, None
    return scores.softmax(-1) @ value, None


def _repeated(heads: Any, groups: int) -> Any:
    batch, count, length, width = heads.shape
    wide = heads.unsqueeze(2).expand(batch, count, groups, length, width)
    return wide.reshape(batch, count * groups, length, width)


def _full_like(value: Any, fill: Any, dtype: Any = None, **kwargs: Any) -> Any:
    import torch

    if isinstance(fill, torch.Tensor):
        return fill.to(dtype or value.dtype).expand(value.shape)
    return filled(torch.full, tuple(value.shape), fill, dtype=dtype or value.dtype)


def _chosen(mask: Any, value: Any, other: Any) -> Any:
    """where; of booleans by logic, for ONNX Runtime chooses between no others."""
    import torch

    if value.dtype == other.dtype == torch.bool:
        return (mask & value) | (~mask & other)
    return torch.where(mask, value, other)


def _whole(value: Any) -> Any:
    """Booleans as integers: ONNX adds no booleans up."""
    import torch

    return value.to(torch.int64) if value.dtype == torch.bool else value


def _running(value: Any, dim: int, sign: int) -> tuple[Any, Any]:
    """cummax (`sign` 1) and cummin (-1): of each place, the largest of all places up to it."""
    import torch

    whole = not value.dtype.is_floating_point
    rows = moved(_whole(value) * sign, dim, -1)
    with untraced():
        later = torch.ones(rows.shape[-1], rows.shape[-1], dtype=torch.bool).triu(1)
        lowest = torch.iinfo(rows.dtype).min if whole else -math.inf
    found, places = rows.unsqueeze(-2).masked_fill(later, lowest).max(-1)
    return moved(found * sign, -1, dim).to(value.dtype), moved(places, -1, dim)


def _safe_softmax(value: Any, dim: int, dtype: Any = None) -> Any:
    """A softmax that is zero where all is minus infinity."""
    empty = (value == -math.inf).all(dim, keepdim=True)
    return value.masked_fill(empty, 0.0).softmax(dim, dtype=dtype).masked_fill(empty, 0.0)


def _distance(left: Any, right: Any, power: float, mode: int | None = None) -> Any:
    if power != 2:
        raise NotImplementedError("no other form of operator 'aten::_cdist_forward' for this power")
    return (left.unsqueeze(-2) - right.unsqueeze(-3)).square().sum(-1).sqrt()


def group_norm(
    value: Any, weight: Any, bias: Any, batch: int, channels: int, size: int, groups: int, eps: float
) -> tuple[Any, None, None]:
    """native_group_norm; nothing reads mean and deviation in inference."""
    import torch

    return torch.nn.functional.group_norm(value, groups, weight, bias, eps), None, None


def batch_norm(
    value: Any, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, momentum: float, eps: float
) -> tuple[Any, None, None]:
    """native_batch_norm, by the running values or by the batch's own."""
    if training:
        dims = [0, *range(2, value.dim())]
        mean = value.mean(dims)
        variance = (value - mean.reshape(1, -1, *[1] * (value.dim() - 2))).square().mean(dims)
    shape = (1, -1, *[1] * (value.dim() - 2))
    found = (value - mean.reshape(shape)) * (variance.reshape(shape) + eps).rsqrt()
    found = found if weight is None else found * weight.reshape(shape)
    return (found if bias is None else found + bias.reshape(shape)), None, None


def _exponential_less_one(value: Any) -> Any:
    """expm1 without cancellation: 2t / (1 - t) with t = tanh(x / 2), where x is small."""
    import torch

    half = (value.clamp(max=1.0) / 2).tanh()
    return torch.where(value < 1, 2 * half / (1 - half), value.exp() - 1)


def _scatter(value: Any, dim: int, index: Any, source: Any, **kwargs: Any) -> Any:
    """With a number as with a tensor; booleans as bytes, which ONNX scatters."""
    import torch

    source = source if isinstance(source, torch.Tensor) else torch.full(tuple(index.shape), source, dtype=value.dtype)
    if value.dtype != torch.bool:
        return torch.ops.aten.scatter.src(value, dim, index, source)
    return torch.ops.aten.scatter.src(value.to(torch.int32), dim, index, source.to(torch.int32)).to(torch.bool)


def _root_mean_square(value: Any, shape: list[int], weight: Any = None, eps: float | None = None) -> tuple[Any, None]:
    import torch

    dims = list(range(-len(shape), 0))
    small = eps if eps is not None else torch.finfo(value.dtype).eps
    found = value * (value.square().mean(dims, keepdim=True) + small).rsqrt()
    return (found if weight is None else found * weight), None


def convolution(
    value: Any, weight: Any, bias: Any, stride: list[int], padding: list[int], dilation: list[int], transposed: bool,
    output_padding: list[int], groups: int,
) -> Any:  # fmt: skip
    """With one number for each side: torch takes one for all."""
    import torch

    sides = value.dim() - 2
    stride, padding, dilation, output_padding = (
        list(item) * sides if len(item) == 1 else list(item) for item in (stride, padding, dilation, output_padding)
    )
    return torch.ops.aten.convolution.default(
        value, weight, bias, stride, padding, dilation, transposed, output_padding, groups
    )


def _pooled(
    sides: int, value: Any, kernel: list[int], stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple[Any, None]:  # fmt: skip
    """With one number for each side; nothing reads the places of the largest."""
    import torch

    def each(item: Any) -> list[int]:
        numbers = [item] if isinstance(item, int) else list(item)
        return numbers * sides if len(numbers) == 1 else numbers

    function = torch.nn.functional.max_pool2d if sides == 2 else torch.nn.functional.max_pool3d
    steps = each(stride) if stride else each(kernel)
    whole = value if value.dim() == sides + 2 else value.unsqueeze(0)
    found = function(whole, each(kernel), steps, each(padding), each(dilation), ceil_mode)
    return (found if whole is value else found.squeeze(0)), None


def _replaced(value: Any, source: Any, dim: int, places: torch.Tensor) -> Any:
    """`value` with slices of `source` at `places` of `dim`: both in a row, and a choice out of it."""
    import torch

    with untraced():
        order = torch.arange(value.shape[dim])
        order[places] = torch.arange(len(places)) + value.shape[dim]
    return torch.cat((value, source.to(value.dtype)), dim).index_select(dim, order)


def slice_scatter(
    value: Any, source: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    import torch

    with untraced():
        places = torch.arange(value.shape[dim])[slice(start, end, step)]
    if len(places) == value.shape[dim]:
        return source.to(value.dtype)
    return _replaced(value, source, dim, places) if len(places) else value


def select_scatter(value: Any, source: Any, dim: int, index: int) -> Any:
    import torch

    return _replaced(value, source.unsqueeze(dim), dim, torch.tensor([index % value.shape[dim]]))


def index_put(value: Any, indices: list[Any], source: Any, accumulate: bool = False) -> Any:
    """With a mask as a choice between two tensors of one shape."""
    import torch

    if len(indices) == 1 and indices[0].dtype == torch.bool and not accumulate:
        return masked(value, indices[0], source)
    if accumulate or all(item is not None for item in indices):
        return torch.ops.aten.index_put.default(value, indices, source, accumulate)
    places = torch.arange(value.numel()).reshape(value.shape)
    places = places[tuple(slice(None) if item is None else item for item in indices)]
    spread = source.to(value.dtype).expand(places.shape).reshape(-1)
    return value.reshape(-1).scatter(0, places.reshape(-1), spread).reshape(value.shape)


def put_at(value: Any, indices: list[Any], source: Any, accumulate: bool = False) -> Any:
    """index_put at places that are known: a choice out of the old values and the new ones."""
    import torch

    with untraced():
        places = torch.arange(value.numel()).reshape(value.shape)
        places = places[tuple(slice(None) if item is None else item for item in indices)]
    if accumulate:
        return torch.ops.aten.index_put.default(value, indices, source, accumulate)
    if not places.numel():
        return value
    spread = source.to(value.dtype).expand(places.shape).reshape(-1)
    return _replaced(value.reshape(-1), spread, 0, places.reshape(-1)).reshape(value.shape)


def masked(value: Any, mask: Any, source: Any) -> Any:
    """`value` with `source` where `mask` is set: the same there, or one row after another."""
    import torch

    rest = value.dim() - mask.dim()
    wide = mask.reshape(*mask.shape, *[1] * rest)
    if source.dim() <= rest or source.shape[0] == 1:
        return torch.where(wide, source.to(value.dtype), value)
    order = mask.reshape(-1).to(torch.int64).cumsum(0) - 1
    rows = source.index_select(0, order.clamp(0, source.shape[0] - 1)).reshape(*mask.shape, *source.shape[1:])
    return torch.where(wide, rows.to(value.dtype), value)


def solve_triangular(matrix: Any, right: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """linalg.solve_triangular: what is left of a unit triangle is nilpotent, so its inverse is a short product."""
    import torch

    if not left:
        raise NotImplementedError("no other form of operator 'aten::linalg_solve_triangular' from the right")
    length = int(matrix.shape[-1])
    with untraced():
        strict = torch.ones(length, length).tril(-1).to(matrix.dtype)
        strict = strict.T.contiguous() if upper else strict
    if not unitriangular:
        diagonal = matrix.diagonal(dim1=-2, dim2=-1).unsqueeze(-1)
        matrix, right = matrix / diagonal, right / diagonal
    power, found = -(matrix * strict), right
    found = found + power @ found
    for _ in range(max(length - 1, 1).bit_length() - 1):
        power = power @ power
        found = found + power @ found
    return found


def scatter_reduce(value: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """Where the old values do not count, they are as low, or as high, as can be before."""
    import torch

    if not include_self:
        if reduce not in ("amax", "amin"):
            raise NotImplementedError(f"no other form of operator 'aten::scatter_reduce' for {reduce} without self")
        kind = torch.finfo(value.dtype) if value.dtype.is_floating_point else torch.iinfo(value.dtype)
        worst = kind.min if reduce == "amax" else kind.max
        value = value.scatter(dim, index, torch.full(tuple(index.shape), worst, dtype=value.dtype))
    return torch.ops.aten.scatter_reduce.two(value, dim, index, source, reduce, include_self=True)


def as_strided(
    strides: tuple[int, ...], value: Any, size: list[int], stride: list[int], storage_offset: int | None = None
) -> Any:
    """Elements of `value`, which lies in memory with `strides`, by their place in memory."""
    import torch

    shape = tuple(value.shape)
    span = 1 + sum((length - 1) * step for length, step in zip(shape, strides, strict=True))
    with untraced():
        logical = torch.full((span,), -1)
        logical.as_strided(shape, strides).copy_(torch.arange(math.prod(shape)).reshape(shape))
        wanted = logical.as_strided(size, stride, storage_offset or 0).reshape(-1)
    if bool((wanted < 0).any()):
        raise NotImplementedError("operator 'aten::as_strided' reads memory beside its tensor")
    return value.reshape(-1).index_select(0, wanted).reshape(size)


def unfold(value: Any, dimension: int, size: int, step: int) -> Any:
    """torch.Tensor.unfold: the windows' elements in a row, and a choice out of them."""
    import torch

    dim = dimension % value.dim()
    count = (value.shape[dim] - size) // step + 1
    with untraced():
        places = (torch.arange(count)[:, None] * step + torch.arange(size)).reshape(-1)
    picked = value.index_select(dim, places)
    shape = (*value.shape[:dim], count, size, *value.shape[dim + 1 :])
    return moved(picked.reshape(shape), dim + 1, -1)


def embedding_bag(
    table: Any, indices: Any, offsets: Any, scale_grad: bool = False, mode: int = 0, sparse: bool = False,
    weights: Any = None, include_last_offset: bool = False, padding_idx: int = -1,
) -> tuple[Any, None, None, None]:  # fmt: skip
    """Sums or means of rows of a table: a product with the matrix that says which row is in which bag."""
    import torch

    if mode > 1 or padding_idx != -1:
        raise NotImplementedError("no other form of operator 'aten::_embedding_bag' for this mode")
    rows = table.index_select(0, indices)
    rows = rows if weights is None else rows * weights.unsqueeze(-1)
    places = torch.arange(indices.shape[0])
    starts = offsets[:-1] if include_last_offset else offsets
    ends = offsets[1:] if include_last_offset else torch.cat((offsets[1:], offsets.new_full((1,), indices.shape[0])))
    inside = ((places >= starts.unsqueeze(-1)) & (places < ends.unsqueeze(-1))).to(table.dtype)
    inside = inside / inside.sum(-1, keepdim=True).clamp(min=1) if mode == 1 else inside
    return inside @ rows, None, None, None
