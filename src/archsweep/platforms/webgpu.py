"""WebGPU: onnxruntime-web in a real browser; or, as a second opinion, ONNX Runtime's native WebGPU provider.

The adapter's own description decides between a GPU and a software adapter.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program
from archsweep.platforms import _browser, _browser_probe, _code, _onnxruntime
from archsweep.platforms._tab import Tab
from archsweep.platforms._web_parts import Parts

title = "WebGPU in a browser"
priority = Priority.HIGH
capabilities = Capabilities(
    executes=True, dtypes=("float32",), options={"engine": ("browser", "native")}, lots_per_worker=100
)
package = "onnxruntime-web"

PROVIDER = "webgpu"
EXECUTING = "WebGpuExecutionProvider"  # the provider in a profile
GRAPHICS = (Path("/dev/dri"), Path("/dev/nvidia0"), Path("/dev/dxg"))
ON_DEVICE = ("--enable-unsafe-webgpu", "--enable-features=Vulkan")
IN_SOFTWARE = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
NO_ADAPTER = "the browser has no WebGPU adapter"
NATIVE = ("onnxruntime-ep-webgpu",)
SOFTWARE = ("swiftshader", "llvmpipe", "lavapipe", "software", "warp", "basic render")
REPAIRS = (
    "doubles_as_floats",
    "casts_by_int32",
    "nan_by_comparison",
    "sines_by_polynomial",
    "convolutions_by_group",
    "convolutions_of_whole_fours",
    "pads_by_concatenation",
    "conjunctions_by_disjunction",
    "signs_by_comparison",
    "splits_of_many",
)


def _graphics() -> bool:
    """A Linux machine without any graphics device has only the software adapter; one with a device may have another."""
    return sys.platform != "linux" or any(device.exists() for device in GRAPHICS)


@functools.cache
def _software() -> bool:
    """Whether there is only the software adapter, which must be asked for. A display device need not be a GPU."""
    if not _graphics():
        return True
    tab = Tab(ON_DEVICE)
    try:
        return _described(tab)[1] is not Evidence.HARDWARE
    finally:
        tab.close()


@functools.cache
def _tab() -> Tab:
    return Tab(IN_SOFTWARE if _software() else ON_DEVICE, provider=PROVIDER)


def _described(tab: Tab) -> tuple[str, Evidence, str]:
    adapter = tab.ask("adapter")
    if adapter is None:
        return "", Evidence.NONE, NO_ADAPTER
    words = [adapter[key] for key in ("vendor", "architecture", "device", "description") if adapter[key]]
    name = " ".join(words)
    software = adapter["software"] or any(word in name.lower() for word in SOFTWARE)
    return f"WebGPU ({name})", Evidence.EMULATOR if software else Evidence.HARDWARE, ""


def probe() -> Probe:
    """Asks a headless browser for its adapter and multiplies two matrices on it; without one, on that in software."""
    if _graphics():
        found = _browser_probe.probe(ON_DEVICE, PROVIDER, _described, NATIVE)
        if found.reason != NO_ADAPTER:
            return found
    return _browser_probe.probe(IN_SOFTWARE, PROVIDER, _described, NATIVE)


def trial(parts: Parts) -> str:
    lacks = _browser_probe.trial(parts, ON_DEVICE, PROVIDER) if _graphics() else NO_ADAPTER
    return lacks and _browser_probe.trial(parts, IN_SOFTWARE, PROVIDER)


class AdapterProgram(_browser.PageProgram):
    """A graph in the page. Satisfies contract.Program."""

    device, executing = "", EXECUTING

    def placement(self) -> Placement:
        return self.placement_on(self.device)


def compile(bench: Bench) -> Program:
    if bench.option("engine") == "native":
        from archsweep.platforms import _webgpu_native

        return _webgpu_native.NativeProgram(_onnxruntime.prepared(bench, REPAIRS), software=_software())
    program = _browser.accepted(bench, REPAIRS, lambda made: AdapterProgram(_tab(), PROVIDER, made))
    program.device = _described(_tab())[0]
    return program


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    if _code.case(details).options.get("engine") == "native":
        return _code.none("No lines: ONNX Runtime's native provider ran it, as a second opinion on the browser's.")
    needs = "In a browser with WebGPU. The page lies beside the graph and inputs.json, on a server or on 127.0.0.1."
    return _code.paged(details, PROVIDER, needs)
