"""WebGPU: onnxruntime-web in a real browser; or, as a second opinion, ONNX Runtime's native WebGPU provider.

The adapter's own description decides between a GPU and a software adapter.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program
from archsweep.platforms import _browser, _browser_probe, _onnxruntime
from archsweep.platforms._tab import Tab
from archsweep.platforms._web_parts import Parts

title = "WebGPU in a browser"
priority = Priority.HIGH
capabilities = Capabilities(
    executes=True, dtypes=("float32",), options={"engine": ("browser", "native")}, lots_per_worker=50
)
package = "onnxruntime-web"

PROVIDER = "webgpu"
SOFTWARE = ("swiftshader", "llvmpipe", "lavapipe", "software", "warp", "basic render")
REPAIRS = (
    "casts_by_int32",
    "nan_by_comparison",
    "sines_by_polynomial",
    "convolutions_by_group",
    "pads_by_concatenation",
)


def _flags() -> tuple[str, ...]:
    """A Linux machine without any graphics device has only the software adapter, and it must be asked for."""
    devices = [Path("/dev/dri"), Path("/dev/nvidia0"), Path("/dev/dxg")]
    if sys.platform == "linux" and not any(device.exists() for device in devices):
        return "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"
    return "--enable-unsafe-webgpu", "--enable-features=Vulkan"


@functools.cache
def _tab() -> Tab:
    return Tab(_flags(), provider=PROVIDER)


def _described(tab: Tab) -> tuple[str, Evidence, str]:
    adapter = tab.ask("adapter")
    if adapter is None:
        return "", Evidence.NONE, "the browser has no WebGPU adapter"
    words = [adapter[key] for key in ("vendor", "architecture", "device", "description") if adapter[key]]
    name = " ".join(words)
    software = adapter["software"] or any(word in name.lower() for word in SOFTWARE)
    return f"WebGPU ({name})", Evidence.EMULATOR if software else Evidence.HARDWARE, ""


def probe() -> Probe:
    """Asks a headless browser for its adapter and multiplies two matrices on it."""
    return _browser_probe.probe(_flags(), PROVIDER, _described)


def trial(parts: Parts) -> str:
    return _browser_probe.trial(parts, _flags(), PROVIDER)


class AdapterProgram(_browser.PageProgram):
    """A graph in the page. Satisfies contract.Program."""

    device = ""

    def placement(self) -> Placement:
        return self.placement_on(self.device)


def compile(bench: Bench) -> Program:
    if bench.option("engine") == "native":
        from archsweep.platforms import _webgpu_native

        return _webgpu_native.NativeProgram(_onnxruntime.prepared(bench, REPAIRS), "WebGPU (ONNX Runtime, native)")
    program = _browser.accepted(bench, REPAIRS, lambda made: AdapterProgram(_tab(), PROVIDER, made))
    program.device = _described(_tab())[0]
    return program
