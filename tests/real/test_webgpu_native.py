"""WebGPU without a browser: ONNX Runtime's native provider on what the browser computes on, and on nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import browsing
import pytest

from archsweep import registry
from archsweep.contract import Status
from archsweep.platforms import _web_parts

platform = registry.load("platforms", "webgpu")


def require() -> None:
    browsing.require("webgpu")
    pytest.importorskip("onnxruntime_ep_webgpu")
    if not platform._software() or _web_parts.find().vulkan is None:
        pytest.skip("the browser that was set up brought no adapter in software, or there is a GPU")


def asked(code: str) -> str:
    """What a process of its own prints: a provider's library is registered once in a process, with its environment."""
    program = (
        f"from archsweep.platforms import _webgpu_native as native\nfrom archsweep.errors import Unavailable\n{code}"
    )
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_architecture_passes_on_the_adapter_of_the_browser(tmp_path: Path) -> None:
    require()
    for result in browsing.endings(tmp_path / "lot", "webgpu", "bert", (("engine", "native"),)):
        assert result.status is Status.PASS, result
        assert result.device == "WebGPU (ONNX Runtime, native, SwiftShader)"


def test_where_the_browser_has_a_gpu_no_adapter_in_software_stands_in_for_it() -> None:
    """The evidence is the browser's: hardware."""
    require()
    assert "finds no adapter" in asked(
        "try:\n    print(native.devices(software=False))\nexcept Unavailable as error:\n    print(error)"
    )


@pytest.mark.parametrize("library", ["missing", "no library"])
def test_a_provider_that_does_not_load_is_absent_with_a_command(library: str, tmp_path: Path) -> None:
    require()
    place = tmp_path / "library.so"
    if library != "missing":
        place.write_text("not a library")
    told = asked(
        f"import onnxruntime_ep_webgpu\nonnxruntime_ep_webgpu.get_library_path = lambda: {str(place)!r}\n"
        "try:\n    native.devices(software=True)\nexcept Unavailable as error:\n    print(error)"
    )
    assert "does not load" in told
    assert "pip install 'archsweep[web]'" in told


def test_a_vulkan_loader_that_is_not_one_is_absent_with_a_command(tmp_path: Path) -> None:
    require()
    for name in ("vk_swiftshader_icd.json", "libvulkan.so.1"):
        (tmp_path / name).write_text("{}")
    told = asked(
        "import dataclasses\nfrom archsweep.platforms import _web_parts\nparts = _web_parts.find()\n"
        f"_web_parts.find = lambda: dataclasses.replace(parts, installed={str(tmp_path)!r})\n"
        "try:\n    native.devices(software=True)\nexcept Unavailable as error:\n    print(error)"
    )
    assert "does not load" in told
    assert "pip install 'archsweep[web]'" in told
