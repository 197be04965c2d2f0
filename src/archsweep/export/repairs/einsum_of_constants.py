"""A graph in which an Einsum depends on no input, folded: it is computed ahead, with all else of the kind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from archsweep.export import folding

why = "OpenVINO silently mixes up an Einsum of an Einsum that depends on no input (relative positions in attention)"


def apply(model: Any) -> int:
    """Change the model in place; returns how many Einsums were computed ahead."""
    import onnx

    before = _count(model)
    if not before:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        given, target = Path(folder) / "given.onnx", Path(folder) / "folded.onnx"
        onnx.save(model, str(given))
        folding.fold(given, target)
        folded = onnx.load(str(target))
    count = before - _count(folded)
    if count:
        model.CopyFrom(folded)
    return count


def _count(model: Any) -> int:
    return sum(node.op_type == "Einsum" for node in model.graph.node)
