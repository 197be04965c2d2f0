"""The same graph on ONNX Runtime's CPU provider, node by node: is it the export that is wrong, or the backend?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.archs.reference import relative

if TYPE_CHECKING:
    import torch

LIMIT = 1e-3  # relative L2: what is baked in or left out moves lively outputs by more, other kernels by far less


def run(graph: Path | bytes, outputs: Sequence[str], inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Outputs by path. Raises what ONNX Runtime raises."""
    session = open_session(graph)
    given = feed(session, inputs)
    return tensors(outputs, session.run(None, given))


def open_session(graph: Path | bytes) -> Any:
    """`graph`: a file, or what would be in it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_reuse = False  # its plan takes the square of the number of nodes: 13 s of 14 for 18,000 of them
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # its passes can be wrong
    content = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of its own, of no common kind."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(item for item in vars(state).values() if isinstance(item, type) and issubclass(item, Exception))


def feed(session: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """What the session asks for, as arrays; the graph may have lost inputs that nothing depends on."""
    return {item.name: inputs[item.name].contiguous().numpy() for item in session.get_inputs()}


def tensors(outputs: Sequence[str], found: Sequence[Any]) -> dict[str, torch.Tensor]:
    import numpy
    import torch

    return {path: torch.from_numpy(numpy.asarray(value).copy()) for path, value in zip(outputs, found, strict=True)}


def deviation(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> tuple[float, str]:
    """The largest relative L2 distance (or share of wrong integers), and the output that has it."""
    worst, where = 0.0, ""
    for path, value in wanted.items():
        other = found.get(path)
        if other is None or other.shape != value.shape:
            return math.inf, path
        if not value.numel():
            continue
        floating = value.is_floating_point() or value.is_complex()
        far = relative(value, other)[0] if floating else float((value != other).float().mean())
        if not far <= worst:
            worst, where = far, path
    return worst, where
