"""WebGPU without a browser: ONNX Runtime's native provider, a second opinion on a graph.

It computes on what the browser computes on, because the evidence of the platform is the browser's: on the machine's
GPU, or, where the browser has only its software adapter, on that one. Any other device is not used.
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
from archsweep.errors import RuntimeFault, Unavailable, Unsupported
from archsweep.export import control
from archsweep.platforms import _browser, _onnxruntime, _packages, _web_parts

PROVIDER = "WebGpuExecutionProvider"
INSTALL = "pip install 'archsweep[web]'"


def _failures() -> tuple[type[Exception], ...]:
    """What the runtime raises while it loads the provider, takes a graph or runs it."""
    return OSError, RuntimeError, ValueError, *_onnxruntime.failures()


@functools.cache
def devices(software: bool) -> tuple[Any, ...]:
    """The provider's devices, registered once in this process: `software` asks for the adapter that came with the
    browser, else only GPUs count. Raises Unavailable."""
    _packages.versions({"onnxruntime": (1, 24), "onnxruntime-ep-webgpu": (0,)}, INSTALL)
    import onnxruntime
    import onnxruntime_ep_webgpu

    driver = _web_parts.find().vulkan if software else None
    try:
        if driver is not None:
            os.environ["VK_ICD_FILENAMES"] = str(driver)
            os.environ["ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"] = "1"
            ctypes.CDLL(str(driver.with_name("libvulkan.so.1")), ctypes.RTLD_GLOBAL)  # what the provider opens
        onnxruntime.register_execution_provider_library(PROVIDER, onnxruntime_ep_webgpu.get_library_path())
    except _failures() as error:
        raise Unavailable(f"the native WebGPU provider does not load: {_packages.plain(error)}", INSTALL) from error
    own = [device for device in onnxruntime.get_ep_devices() if device.ep_name == PROVIDER]
    found = tuple(device for device in own if (device.device.type.name == "GPU") is not software)
    if not found:
        raise Unavailable("the native WebGPU provider finds no adapter as the browser's", _web_parts.INSTALL)
    return found


def title(software: bool) -> str:
    device = devices(software)[0].device
    adapter = "SwiftShader" if software else device.metadata.get("Description") or device.vendor
    return f"WebGPU (ONNX Runtime, native, {adapter})"


class NativeProgram:
    """A graph in a native session. Satisfies contract.Program."""

    def __init__(self, prepared: _onnxruntime.Prepared, *, software: bool) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.enable_profiling, options.log_severity_level = True, 3
        options.profile_file_prefix = str(Path(tempfile.mkdtemp()) / "profile")
        options.add_provider_for_devices(list(devices(software)), {})
        try:
            self._session = onnxruntime.InferenceSession(prepared.model, options, enable_fallback=0)
        except _failures() as error:
            text = _browser.plain(str(error))
            operators = _browser.operators(text)
            raise (Unsupported(text, operators) if operators else RuntimeFault(text)) from error
        self._outputs, self._leaves, self._device = prepared.graph.outputs, prepared.graph.leaves, title(software)
        self._nodes: tuple[_browser.Node, ...] | None = None
        self.details = prepared.facts()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        try:
            given = control.feed(self._session, self._leaves(inputs))
            found = control.tensors(self._outputs, self._session.run(None, given))
        except _failures() as error:
            raise RuntimeFault(f"{type(error).__name__}: {error}") from error
        if self._nodes is None:
            self._nodes = _browser.nodes(Path(self._session.end_profiling()).read_text())
        _browser.refuse(self._nodes, PROVIDER)
        return found

    def placement(self) -> Placement:
        return _browser.placement(self._nodes or (), PROVIDER, self._device)
