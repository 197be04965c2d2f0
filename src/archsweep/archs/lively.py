"""Draws weights so that every parameter and every input of a tiny model matters to its output.

Judges a tensor by its initialised values and by the kind of module that owns it; knows no architecture.

Why. transformers initialises for training: linear weights of standard deviation 0.02, zero biases, unit norms, layer
scales of 1e-5, gates of zero. On such a model attention is almost uniform and whole branches add nothing, so a wrong
mask, a wrong rotary embedding or a swapped weight hardly moves the output, and comparing outputs proves little.

What. A model is first initialised by transformers; each of its tensors then tells by its values what it is:

  constant zero       an additive term nobody has trained, a zero-initialised projection or a closed gate: drawn
  constant, not zero  the weight of a norm, a layer scale, a temperature: spread around its value, the sign kept. A
                      tiny constant multiplies a branch that shall wake up in training: it is drawn awake
  random, a matrix    drawn anew so that unit variance comes in and goes out; embeddings with unit variance
  structured          decay rates, time steps, sinusoidal tables: the values carry meaning, so they are kept, and
                      spread a little where they are trained
  buffers             running statistics are drawn; tables that the constructor derives are left alone

Each tensor is drawn from its own stream, keyed by the model's key, the tensor's name and the seed: adding a tensor
changes no other, and Philox gives the same bits on every machine. Draws are uniform: bounded, so tiny models stay well
conditioned, and free of platform-dependent logarithms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    import torch

RULES = 6  # raise when a rule changes what is drawn
CONVOLUTION_GAIN = 1.3  # most convolutions are followed by a rectifier, which halves the power
BIAS = 0.25  # standard deviation of additive terms, against activations of about one
AWAKE = (0.4, 0.9)  # magnitude of gates and layer scales that were initialised shut
CODEBOOK = 0.3  # of entries, against latents of about one: then directions decide which is nearest, not lengths
HALVED = 0.06  # variance at a batch norm that small signals reach through activations which halve them
SPREAD = 0.4  # relative half-width around a constant
JITTER = 0.1  # the same around structured values
_HALVING = ("swish", "silu", "gelu", "mish")
_TABLE_WORDS = ("embed", "token", "position", "query", "queries", "latent")


_MAGNITUDES = {"weight_g": "weight_v", "original0": "original1"}  # of a weight held as magnitude and direction


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One tensor and where it hangs."""

    name: str
    leaf: str
    owner: Any
    tensor: Any
    table: bool = False  # owned by an embedding under one of its names


@dataclass(frozen=True)
class Draw:
    """What one tensor is drawn from: uniform numbers from `low` to `high`, moved away from zero by `gap`, and where
    the tensor is `kept`, what it is multiplied with."""

    low: float
    high: float
    gap: float = 0.0
    kept: bool = False


def enliven(model: torch.nn.Module, key: str, seed: int = 0) -> None:
    """Redraw all floating parameters and the statistics among the buffers in place; tied tensors once.

    The same `key`, `seed` and tensor name give the same values on every machine. Every seed above 0 also halves the
    gain of what multiplies: a stack without norms, whose signals grow until sines and exponentials of them are noise in
    float32, calms down. Batch norms then amplify less, by half of the orders of magnitude with each seed.
    """
    import torch

    with torch.no_grad():
        for name, tensor, draw in draws(model, seed):
            tensor.copy_(torch.from_numpy(_drawn(f"{seed}/{key}/{name}", tensor, draw)))


def draws(model: torch.nn.Module, seed: int = 0) -> Iterator[tuple[str, torch.Tensor, Draw]]:
    """Each tensor that is drawn, with its name in its stream's key and what it is drawn from."""
    for place in _parameters(model):
        draw = _parameter(place)
        if seed > 0 and draw is not None and (place.tensor.ndim > 1 or place.leaf in _MAGNITUDES):
            draw = _calmed(draw, 0.5**seed) if _multiplies(place.owner) or place.leaf in _MAGNITUDES else draw
        if draw is not None:
            yield place.name, place.tensor, draw
    variance = HALVED ** (0.5 ** max(seed, 0)) if _halves(model) else 1.0
    for place in _buffers(model):
        draw = _buffer(place, variance)
        if draw is not None:
            yield place.name, place.tensor, draw


def _calmed(draw: Draw, gain: float) -> Draw:
    return Draw(draw.low * gain, draw.high * gain, draw.gap * gain, draw.kept)


def _drawn(stream: str, tensor: torch.Tensor, draw: Draw) -> numpy.ndarray[Any, Any]:
    import numpy

    key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:16], "little")
    values: numpy.ndarray[Any, Any]
    values = numpy.random.Generator(numpy.random.Philox(key=key)).random(tensor.numel(), dtype=numpy.float32)
    values *= draw.high - draw.low
    values += draw.low
    if draw.gap:
        values += numpy.copysign(numpy.float32(draw.gap), values)
    values = values.reshape(tuple(tensor.shape))
    if draw.kept:
        values = tensor.detach().numpy() * values
    return values


def _centred(deviation: float) -> Draw:
    """Mean zero and the given standard deviation."""
    return Draw(-deviation * math.sqrt(3), deviation * math.sqrt(3))


def _awake() -> Draw:
    """Magnitudes of `AWAKE`, either sign."""
    low, high = AWAKE
    return Draw(low - high, high - low, low)


def _parameters(model: torch.nn.Module) -> Iterator[_Place]:
    import torch

    found: dict[int, _Place] = {}
    for prefix, owner in model.named_modules():
        for leaf, tensor in owner._parameters.items():
            if tensor is None or not tensor.is_floating_point() or tensor.numel() == 0:
                continue
            table = isinstance(owner, torch.nn.Embedding)
            known = found.get(id(tensor))
            if known is None or (table and not known.table):
                name = known.name if known else f"{prefix}.{leaf}"
                found[id(tensor)] = _Place(name=name, leaf=leaf, owner=owner, tensor=tensor, table=table)
    yield from found.values()


def _buffers(model: torch.nn.Module) -> Iterator[_Place]:
    seen: set[int] = set()
    for prefix, owner in model.named_modules():
        for leaf, tensor in owner._buffers.items():
            derived = leaf in owner._non_persistent_buffers_set
            if tensor is None or derived or not tensor.is_floating_point() or tensor.numel() == 0 or id(tensor) in seen:
                continue
            seen.add(id(tensor))
            yield _Place(name=f"{prefix}.{leaf}", leaf=leaf, owner=owner, tensor=tensor)


def _parameter(place: _Place) -> Draw | None:
    norm = _weight_norm(place)
    if norm is not None:
        return norm
    low, high = (float(bound) for bound in place.tensor.aminmax())
    if low == high:
        return _zero(place) if low == 0 else _constant(low, single=place.tensor.numel() == 1)
    if place.tensor.ndim < 2:
        return _vector(place)
    if not _multiplies(place.owner) and _structured(place.tensor):
        return _kept(place) if place.tensor.requires_grad else None
    gain = _gain(place)
    return _centred(1.0 if gain is None else gain)


def _weight_norm(place: _Place) -> Draw | None:
    """The magnitudes of a weight held as magnitude and direction, so that the product has the usual gain."""
    direction = getattr(place.owner, _MAGNITUDES.get(place.leaf, ""), None)
    if direction is None or direction.ndim < 2:
        return None
    count, outputs = place.tensor.numel(), direction.shape[0]
    scale = 1.0 if count == outputs else math.sqrt(outputs / count)
    return Draw(scale * (1 - SPREAD), scale * (1 + SPREAD))


def _zero(place: _Place) -> Draw:
    if place.tensor.numel() == 1:
        return _awake()
    if place.tensor.ndim < 2:
        return _centred(BIAS)
    gain = _gain(place)
    return _centred(0.5 if gain is None else gain)


def _constant(value: float, *, single: bool) -> Draw:
    if abs(value) < 0.05:
        low, high = AWAKE
        return Draw(low, high) if value > 0 else Draw(-high, -low)
    width = JITTER if single else SPREAD
    low, high = sorted((value * (1 - width), value * (1 + width)))
    return Draw(low, high)


def _vector(place: _Place) -> Draw:
    """A vector with different values: a random bias, or decays, slopes and offsets that mean something."""
    deviation, mean = (float(figure) for figure in _moments(place.tensor))
    if abs(mean) > 0.7 * deviation or deviation > 0.4:
        return _kept(place)
    if any(word in place.leaf for word in _TABLE_WORDS):
        return _centred(0.5)
    return _centred(BIAS)


def _kept(place: _Place) -> Draw:
    return Draw(1 - JITTER, 1 + JITTER, kept=True)


def _multiplies(owner: Any) -> bool:
    """Whether the module is one whose matrices are multiplied with its input: never a table."""
    import torch

    return isinstance(owner, torch.nn.Linear | torch.nn.RNNBase | torch.nn.MultiheadAttention) or _convolves(owner)


def _convolves(owner: Any) -> bool:
    return getattr(owner, "kernel_size", None) is not None and getattr(owner, "groups", None) is not None


def _gain(place: _Place) -> float | None:
    """The standard deviation that turns unit variance into unit variance; None where the module tells no fan-in."""
    import torch

    owner, shape = place.owner, place.tensor.shape
    if isinstance(owner, torch.nn.Embedding) or place.table:
        return 1.0
    if _convolves(owner) and place.tensor.ndim > 2:
        if getattr(owner, "transposed", False):
            stride = math.prod(owner.stride)
            return CONVOLUTION_GAIN / math.sqrt(max(shape[0] / owner.groups * math.prod(shape[2:]) / stride, 1))
        return CONVOLUTION_GAIN / math.sqrt(math.prod(shape[1:]))
    if isinstance(owner, torch.nn.Linear | torch.nn.RNNBase | torch.nn.MultiheadAttention):
        return 1 / math.sqrt(shape[-1])
    if place.tensor.ndim == 2 and type(owner).__name__ == "Conv1D":  # transformers' transposed linear layer
        return 1 / math.sqrt(shape[0])
    if shape[0] == 1 or any(word in place.leaf for word in _TABLE_WORDS):
        return None
    return 1 / math.sqrt(math.sqrt(shape[-1] * shape[-2]))  # a bare matrix: which side is summed over is unknown


def _moments(tensor: torch.Tensor) -> tuple[float, float]:
    import torch

    deviation, mean = torch.std_mean(tensor, correction=0)
    return float(deviation), float(mean)


def _structured(tensor: torch.Tensor) -> bool:
    """Whether the values follow a pattern: far from centred, or alike from row to row or from column to column."""
    deviation, mean = _moments(tensor)
    if deviation < 0.1 or tensor.numel() < 16:
        return False
    if abs(mean) > 0.5 * deviation:
        return True
    flat = (tensor - mean).reshape(-1, tensor.shape[-1]) / deviation
    rows = float((flat[1:] * flat[:-1]).mean()) if flat.shape[0] > 1 else 0.0
    columns = float((flat[:, 1:] * flat[:, :-1]).mean()) if flat.shape[1] > 1 else 0.0
    return max(abs(rows), abs(columns)) > 0.5


def _halves(model: torch.nn.Module) -> bool:
    """Whether the configuration names an activation that is half of its input where that is small."""
    named = str(getattr(getattr(model, "config", None), "hidden_act", "")).lower()
    return any(word in named for word in _HALVING)


def _buffer(place: _Place, variance: float) -> Draw | None:
    """Statistics, untrained codebooks and correction terms; everything else stays as the constructor made it."""
    if place.leaf == "running_var":
        return Draw(variance * (1 - SPREAD), variance * (1 + SPREAD))
    low, high = (float(bound) for bound in place.tensor.aminmax())
    if low != high:
        return None
    normalises = "running_var" in place.owner._buffers and place.leaf == "weight"
    if low == 0:
        if normalises:  # of a frozen norm that closes its branch until it is trained
            return _awake()
        if place.tensor.ndim >= 2:
            return _centred(CODEBOOK)
        return _centred(BIAS) if "mean" in place.leaf or "bias" in place.leaf else None
    return _constant(low, single=False) if normalises else None
