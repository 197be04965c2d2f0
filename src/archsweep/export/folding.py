"""An ONNX graph with all that depends on no input, shapes among them, computed ahead by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

WRONG = ("Pad_Fusion",)  # ONNX Runtime's own pass that turns zeros before a pool into minus infinities


def fold(file: Path, target: Path) -> None:
    """Write `file` to `target` as ONNX Runtime leaves it once constants, shapes among them, are computed."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    options.enable_mem_reuse = False  # nothing is run, and its plan takes the square of the number of nodes
    providers = ["CPUExecutionProvider"]
    onnxruntime.InferenceSession(str(file), options, providers=providers, disabled_optimizers=WRONG)
    model = onnx.load(str(target))
    _rename_constants(model)
    onnx.save(model, str(target))


def _rename_constants(model: Any) -> None:
    """ONNX Runtime takes no graph whose constants have the names that its own passes will give."""
    names = {item.name: f"constant.{number}" for number, item in enumerate(model.graph.initializer)}
    taken = {item.name for item in (*model.graph.input, *model.graph.output)}
    names = {before: after for before, after in names.items() if before not in taken}
    for item in model.graph.initializer:
        item.name = names.get(item.name, item.name)
    _rename(model.graph, names)


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        for inner in node.attribute:
            if inner.HasField("g"):
                _rename(inner.g, names)
