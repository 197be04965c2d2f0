"""What a forward pass returned, as an ordered map from path to tensor. Knows nothing of who compares it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_DEPTH = 12  # of nesting: more is a cycle through properties


def flatten(outputs: Any, *, attached: bool = False) -> dict[str, torch.Tensor]:
    """Every tensor in `outputs` by its path (`logits`, `past_key_values.layers.0.keys`), in the order of the object.

    Goes through mappings (a ModelOutput is one), sequences, dataclasses, and objects that hold tensors in public
    attributes (caches, recurrent states). A plain float that stands in one of the former is a tensor without axes, for
    some classes return scores so; other leaves are left out. A lone tensor is called `output`.
    The tensors are the originals, detached unless they are to stay `attached` to the graph of gradients: clone them if
    the model or its inputs may change afterwards.
    """
    found = {path or "output": tensor for path, tensor in _walk(outputs, "", ())}
    return found if attached else {path: tensor.detach() for path, tensor in found.items()}


def _walk(value: Any, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield path, value
        return
    if value is None or isinstance(value, str | bytes | int | float | complex) or len(above) > _DEPTH:
        return
    if id(value) in above:
        return
    stated = isinstance(value, Mapping | list | tuple) or dataclasses.is_dataclass(value)
    for name, item in _children(value):
        inner = f"{path}.{name}" if path else name
        if stated and type(item) is float:
            yield inner, torch.tensor(item)
        else:
            yield from _walk(item, inner, (*above, id(value)))


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(value, Mapping):
        yield from ((str(key), item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", None) or range(len(value))
        yield from ((str(name), item) for name, item in zip(names, value, strict=True))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((item.name, getattr(value, item.name)) for item in dataclasses.fields(value))
    elif not isinstance(value, type | torch.nn.Module) and not callable(value):
        held = getattr(value, "__dict__", {})
        yield from ((name, item) for name, item in held.items() if not name.startswith("_"))


def digest(outputs: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over paths, dtypes, shapes and bytes: equal exactly when two runs agree bit for bit."""
    import torch

    total = hashlib.sha256()
    for path, tensor in outputs.items():
        total.update(f"{path}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        plain = tensor.detach().to("cpu").contiguous().reshape(-1)
        if plain.numel():
            total.update(plain.view(torch.uint8).numpy().data)
    return total.hexdigest()
