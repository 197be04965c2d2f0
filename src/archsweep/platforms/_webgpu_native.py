"""WebGPU without a browser: ONNX Runtime's native provider, on the software adapter that the browser brought along.

A second opinion on a graph; the browser's verdict is the platform's.
"""

from __future__ import annotations

import ctypes
import functools
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsweep.contract import Placement, Tensor
from archsweep.errors import RuntimeFault, Unavailable, Unsupported, without
from archsweep.export import control
from archsweep.platforms import _browser, _onnxruntime, _web_parts

PROVIDER = "WebGpuExecutionProvider"
INSTALL = "pip install onnxruntime-ep-webgpu"
FAILURES = (RuntimeError, ValueError)


@functools.cache
def _devices() -> tuple[Any, ...]:
    """The provider's devices, registered once in this process. Raises Unavailable."""
    try:
        import onnxruntime
        import onnxruntime_ep_webgpu
    except ImportError as error:
        raise Unavailable(without(error), INSTALL) from error
    driver = _web_parts.find().vulkan
    if driver is not None:
        os.environ.setdefault("VK_ICD_FILENAMES", str(driver))
        os.environ["ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"] = "1"
        ctypes.CDLL(str(driver.with_name("libvulkan.so.1")), ctypes.RTLD_GLOBAL)  # the loader that the provider opens
    onnxruntime.register_execution_provider_library(PROVIDER, onnxruntime_ep_webgpu.get_library_path())
    found = tuple(device for device in onnxruntime.get_ep_devices() if device.ep_name == PROVIDER)
    if not found:
        raise Unavailable("the native WebGPU provider finds no adapter", _web_parts.INSTALL)
    return found


class NativeProgram:
    """A graph in a native session. Satisfies contract.Program."""

    def __init__(self, prepared: _onnxruntime.Prepared, device: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.enable_profiling, options.log_severity_level = True, 3
        options.profile_file_prefix = str(Path(tempfile.mkdtemp()) / "profile")
        options.add_provider_for_devices(list(_devices()), {})
        try:
            self._session = onnxruntime.InferenceSession(prepared.model, options, enable_fallback=0)
        except FAILURES as error:
            text = _browser.plain(str(error))
            operators = _browser.operators(text)
            raise (Unsupported(text, operators) if operators else RuntimeFault(text)) from error
        self._outputs, self._leaves, self._device = prepared.graph.outputs, prepared.graph.leaves, device
        self._nodes: tuple[_browser.Node, ...] | None = None
        self.details = prepared.facts()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        try:
            given = control.feed(self._session, self._leaves(inputs))
            found = control.tensors(self._outputs, self._session.run(None, given))
        except FAILURES as error:
            raise RuntimeFault(f"{type(error).__name__}: {error}") from error
        if self._nodes is None:
            self._nodes = _browser.nodes(Path(self._session.end_profiling()).read_text())
        _browser.refuse(self._nodes)
        return found

    def placement(self) -> Placement:
        return _browser.placement(self._nodes or (), self._device)
