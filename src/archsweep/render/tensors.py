"""Tensors as the expressions that make them, from what `archs.statement` says of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any


def expression(told: Mapping[str, Any]) -> str:
    """An expression of torch that makes the tensor."""
    shape, usual = list(told["shape"]), told["dtype"] in ("bool", "int64", "float32")
    typed = f", dtype=torch.{told['dtype']}"
    if "fill" in told:
        return f"torch.full({shape}, {told['fill']!r}{'' if usual else typed})"
    if "items" in told:
        return f"torch.tensor({told['items']})"
    if "runs" in told:
        return f"torch.tensor({_joined(told['runs'])}{'' if told['dtype'] == 'int64' else typed}).reshape({shape})"
    generator = f"generator=torch.Generator().manual_seed({told['seed']})"
    if told["draw"] == "integers":
        return f"torch.randint({told['low']}, {told['high']}, {shape}, {generator})"
    drawn = "rand" if told["draw"] == "uniform" else "randn"
    return f"torch.{drawn}({shape}, {generator}){'.sigmoid()' * (told['draw'] == 'sigmoid')}"


def _joined(runs: list[Any]) -> str:
    parts: list[str] = []
    for many, group in itertools.groupby(runs, key=lambda run: isinstance(run, list)):
        if many:
            parts.extend(f"[{key}] * {count}" for key, count in group)
        else:
            parts.append("[" + ", ".join(str(key) for key in group) + "]")
    return " + ".join(parts)
