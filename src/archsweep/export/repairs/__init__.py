"""Repairs of ONNX graphs, one small pass a file: a platform names those it needs.

A pass has `why` (one line) and `apply(model)`, which edits the model in place and returns how many places it changed.
It keeps the numbers; the control run proves that.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path


def repaired(file: Path, names: Sequence[str], target: Path) -> dict[str, int]:
    """Write `file`, changed by the passes `names`, to `target`; returns how many places each pass changed."""
    import onnx

    model = onnx.load(str(file))
    counts = {name: int(importlib.import_module(f"{__name__}.{name}").apply(model)) for name in names}
    onnx.save(model, str(target))
    return counts
