"""Runs a model in true float64, also where its code asks for float32. Knows nothing of references and tolerances.

Many models cast inside: softmax(dtype=torch.float32), `.float()` in a norm, rotary tables made in float32. A module
that was merely converted by `.double()` would then raise on mixed dtypes, or worse, compute in float32 in secret. Under
`Float64` every cast to, and every factory of, a smaller floating dtype gives float64 (complex64: complex128). Random
numbers are drawn as float32 and widened, so that a float32 and a float64 pass see the same ones.

Masks are the one place where float32's limits are part of the meaning. A score plus -1e9 is -1e9 in float32, so a row
in which everything is masked attends uniformly; in float64 the score would survive the sum and the row would attend to
what it should not see. A mask constant is therefore multiplied by 2**29, the ratio of the two roundoffs: it absorbs in
float64, on the same grid, exactly what it absorbs in float32. Outputs that hold such constants are scaled back.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager

if TYPE_CHECKING:
    import torch

MASK = -1e4  # constants from here down to
LEAST = -1e30  # (beyond which a constant absorbs everything in float64 too) are masks,
WIDER = 2.0**29  # and are scaled by this
# What a forward pass may raise when an operator or a check in the code refuses float64.
REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, AttributeError, KeyError, IndexError)


def convert(model: torch.nn.Module) -> torch.nn.Module:
    """`model` with every parameter, buffer and tensor attribute in float64, in place."""
    import torch

    model.double()
    for module in model.modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.dtype == torch.float32:
                vars(module)[name] = value.double()
    return model


@contextlib.contextmanager
def converted(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """`model` in float64 within, and afterwards bit for bit as it was."""
    numbers = [(parameter, parameter.data) for parameter in model.parameters()]
    held = [(module, dict(vars(module)), dict(module._buffers)) for module in model.modules()]
    try:
        yield convert(model)
    finally:
        for parameter, data in numbers:
            parameter.data = data
        for module, attributes, buffers in held:
            vars(module).clear()
            vars(module).update(attributes)
            module._buffers.clear()
            module._buffers.update(buffers)


def run(model: torch.nn.Module, inputs: Mapping[str, Any], drawn: eager.Drawn | None = None) -> dict[str, torch.Tensor]:
    """Outputs by path of one seeded float64 pass of a converted model; raises one of `REFUSALS` where it refuses."""
    with widened():
        found = eager.run(model, widen(inputs), drawn)
    return {path: _unmasked(value) for path, value in found.items()}


def _unmasked(value: torch.Tensor) -> torch.Tensor:
    """`value` with mask constants as float32 would hold them."""
    import torch

    if not value.is_floating_point() or not value.numel() or float(value.min()) > MASK * WIDER / 2:
        return value
    return torch.where((value <= MASK * WIDER / 2) & (value > LEAST), value / WIDER, value)


def widen(value: Any) -> Any:
    """`value` with its floating tensors in float64, its complex ones in complex128."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(_wider()[value.dtype]) if value.dtype in _wider() else value
    if isinstance(value, Mapping):
        return {key: widen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(widen(item) for item in value)
    return value


@contextlib.contextmanager
def widened() -> Iterator[None]:
    """Within, torch knows no floating dtype smaller than float64."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _mode()():
            yield
    finally:
        torch.set_default_dtype(before)


@functools.cache
def _wider() -> dict[Any, Any]:
    import torch

    small = (torch.float32, torch.float16, torch.bfloat16)
    return {**dict.fromkeys(small, torch.float64), torch.complex64: torch.complex128, torch.complex32: torch.complex128}


@functools.cache
def _mode() -> Any:
    """The class of the mode; made at first use because its parent is torch's."""
    import torch
    from torch.overrides import TorchFunctionMode

    wider, dtype_type, tensor_types = _wider(), torch.dtype, (torch.Tensor, torch.nn.Parameter)
    one = torch.Tensor
    casts = {one.float, one.half, one.bfloat16}
    made = {torch.rand, torch.randn, torch.rand_like, torch.randn_like}
    drawn = {torch.normal, torch.bernoulli, torch.multinomial, torch.poisson, one.bernoulli, one.multinomial}
    filled = {one.normal_, one.uniform_, one.exponential_, one.bernoulli_, one.log_normal_, one.cauchy_, one.geometric_}
    grouped = {getattr(torch, "_grouped_mm", None)}
    masking = {torch.where, torch.masked_fill, one.masked_fill, one.masked_fill_, one.where, one.fill_, one.__setitem__}
    masking |= {torch.full, torch.full_like, one.new_full, torch.tensor, one.new_tensor, torch.scalar_tensor}
    masking |= {torch.mul, one.mul, one.mul_, one.__mul__, one.__rmul__, one.__imul__}
    random = made | drawn | filled | {one.random_}

    class Float64(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            kwargs = kwargs or {}
            if func in casts:
                return args[0].double()
            if func in random:
                return _draw(func, args, kwargs, made=func in made, filled=func not in made and func not in drawn)
            if func in grouped and args[0].ndim == 2 and args[1].ndim == 3 and kwargs.get("bias") is None:
                return _grouped(args[0], args[1], kwargs["offs"])
            if kwargs.get("dtype") in wider:
                kwargs = {**kwargs, "dtype": wider[kwargs["dtype"]]}
            if any(type(item) is dtype_type for item in args):
                args = tuple(wider.get(item, item) if type(item) is dtype_type else item for item in args)
            if func in masking:
                args, kwargs = tuple(map(_masking, args)), {name: _masking(item) for name, item in kwargs.items()}
            try:
                result = func(*args, **kwargs)
            except RuntimeError as error:
                if "dtype" not in str(error) and "scalar type" not in str(error):
                    raise
                result = func(*widen(args), **widen(kwargs))
            if type(result) in tensor_types and result.dtype in wider and not _in_place(func):
                result = result.to(wider[result.dtype])
            return result

    return Float64


def _grouped(rows: torch.Tensor, weights: torch.Tensor, offs: torch.Tensor) -> torch.Tensor:
    """Each group of rows times its own matrix (torch's kernel refuses float64); rows past the last group are zero."""
    import torch

    ends = offs.tolist()
    parts = [rows[start:end] @ matrix for start, end, matrix in zip([0, *ends], ends, weights, strict=False)]
    parts.append(rows.new_zeros(rows.shape[0] - ends[-1], weights.shape[-1]))
    return torch.cat(parts)


@functools.cache
def _in_place(func: Any) -> bool:
    name = getattr(func, "__name__", "")
    return (name.endswith("_") and not name.endswith("__")) or name in ("__setitem__", "__set__", "__get__")


def _masking(item: Any) -> Any:
    return item * WIDER if type(item) is float and LEAST < item <= MASK else item


def _draw(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, made: bool, filled: bool) -> Any:
    """Random numbers as a float32 run would draw them, then widened."""
    import torch

    if made:
        return func(*args, **{**kwargs, "dtype": torch.float32}).double()
    if filled:
        target = args[0]
        narrow = target.to(torch.float32) if target.is_floating_point() else target
        func(narrow, *args[1:], **kwargs)
        return target if narrow is target else target.copy_(narrow)
    narrowed = [
        item.to(torch.float32) if isinstance(item, torch.Tensor) and item.dtype == torch.float64 else item
        for item in args
    ]
    result = func(*narrowed, **{key: item for key, item in kwargs.items() if key != "dtype"})
    return result.double() if result.dtype == torch.float32 else result
