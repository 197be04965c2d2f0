"""The answers of a pipeline: nested lists and mappings of texts, numbers, arrays and images. Compares two of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

LOOSE = 1e-2  # relative: the numbers behind the answers are compared closely elsewhere
LEVEL = 1.0  # of a grey value, on average
HALVES = ("float16", "bfloat16")  # in which a choice near a tie may well turn
SHOWN = 120


def faults(expected: Any, found: Any, dtype: str) -> Iterator[str]:
    """How the answer `found` is no good: nothing, not finite, or another one than expected."""
    if isinstance(found, Mapping | list | tuple) and not len(found):
        yield "the answer is empty"
        return
    yield from (f"answer{path or ' '}: {told}" for path, told in _apart(expected, found, dtype, ""))


def short(answer: Any) -> str:
    """The beginning of an answer, on one line."""
    told = " ".join(repr(answer)[: 4 * SHOWN].split())
    return told if len(told) <= SHOWN else f"{told[: SHOWN - 1]}…"


def _apart(expected: Any, found: Any, dtype: str, path: str) -> Iterator[tuple[str, str]]:
    plain = _array(found)
    if plain is not None:
        told = _numbers(_array(expected), plain, dtype)
        if told:
            yield path, told
    elif isinstance(found, Mapping):
        if not isinstance(expected, Mapping) or list(expected) != list(found):
            yield path, "other fields than on the CPU"
            return
        for name, value in found.items():
            yield from _apart(expected[name], value, dtype, f"{path}.{name}")
    elif isinstance(found, list | tuple):
        if not isinstance(expected, list | tuple) or len(expected) != len(found):
            if dtype not in HALVES:
                yield path, f"{len(found)} items, on the CPU {len(expected)}"
            return
        for number, value in enumerate(found):
            yield from _apart(expected[number], value, dtype, f"{path}[{number}]")
    elif expected != found and dtype not in HALVES:
        yield path, f"{short(found)}, on the CPU {short(expected)}"


def _array(value: Any) -> Any:
    """`value` as an array, where it is a number, an array, an image, or a nested list of numbers alone."""
    import numpy
    import torch
    from PIL import Image

    if isinstance(value, torch.Tensor):
        return value.detach().cpu().double().numpy()
    if isinstance(value, bool | int | float | numpy.ndarray | numpy.generic | Image.Image):
        return numpy.asarray(value, dtype=float)
    if isinstance(value, list | tuple) and value and all(map(_plain, value)):
        try:
            return numpy.asarray(value, dtype=float)
        except (TypeError, ValueError):  # lists of unequal lengths, or of more than numbers
            return None
    return None


def _plain(value: Any) -> bool:
    """Whether there is nothing in it but numbers."""
    return all(map(_plain, value)) if isinstance(value, list | tuple) else isinstance(value, int | float)


def _numbers(expected: Any, found: Any, dtype: str) -> str:
    import numpy

    if not numpy.isfinite(found).all():
        return "not finite"
    if expected is None or expected.shape != found.shape:
        return "" if dtype in HALVES else f"shape {found.shape}, on the CPU {getattr(expected, 'shape', None)}"
    scale = math.sqrt(float((expected**2).mean())) if expected.size else 0.0
    far = float(numpy.abs(expected - found).mean()) if expected.size else 0.0
    whole = bool((found == found.round()).all()) and bool((expected == expected.round()).all())
    allowed = LEVEL if whole else (LOOSE if dtype not in HALVES else 10 * LOOSE) * max(scale, 1e-3)
    return f"{far:.2g} from the CPU's, on average" if far > allowed else ""
