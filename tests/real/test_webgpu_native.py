"""WebGPU without a browser: ONNX Runtime's native provider on what the browser computes on, and on nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import browsing
import pytest

from archsweep import registry
from archsweep.contract import Status
from archsweep.export import repairs
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


COMPARED = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.add_provider_for_devices(native.devices(software=True), {{}})
given = dict(numpy.load({given!r}))
right = onnxruntime.InferenceSession({file!r}, providers=["CPUExecutionProvider"]).run(None, given)
found = onnxruntime.InferenceSession({file!r}, options).run(None, given)
print("right" if all(numpy.allclose(*pair, atol=1e-4) for pair in zip(right, found)) else "wrong")
"""


def convolution() -> tuple[Any, dict[str, Any]]:
    """Of six input channels."""
    import numpy
    import onnx

    random = numpy.random.default_rng(0)
    x, weights = (random.standard_normal(shape).astype("float32") for shape in ((2, 6, 8, 8), (8, 6, 3, 3)))
    edges = [onnx.helper.make_tensor_value_info(*edge) for edge in (("x", 1, x.shape), ("y", 1, (2, 8, 6, 6)))]
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", edges[:1], edges[1:], [onnx.numpy_helper.from_array(weights, "w")])
    return graph, {"x": x}


def conjunctions() -> tuple[Any, dict[str, Any]]:
    """Two, whose factors stretch each other in different ways."""
    import numpy
    import onnx

    random = numpy.random.default_rng(0)
    given = {
        name: random.random(shape) > 0.5
        for name, shape in {"a": (8, 8), "b": (1, 8), "c": (8, 1), "d": (1, 24)}.items()
    }
    starts = [onnx.helper.make_tensor_value_info(name, 9, value.shape) for name, value in given.items()]
    ends = [onnx.helper.make_tensor_value_info(*edge) for edge in (("y", 9, (8, 8)), ("z", 9, (8, 24)))]
    nodes = [onnx.helper.make_node("And", given, [out]) for given, out in ((["a", "b"], "y"), (["c", "d"], "z"))]
    return onnx.helper.make_graph(nodes, "g", starts, ends), given


@pytest.mark.parametrize("made", [convolution, conjunctions])
def test_what_the_provider_gets_wrong_is_right_once_repaired(
    made: Callable[[], tuple[Any, dict[str, Any]]], tmp_path: Path
) -> None:
    """And is still wrong without: otherwise the repair has had its time."""
    require()
    import numpy
    import onnx

    graph, given = made()
    before, after, inputs = (tmp_path / name for name in ("before.onnx", "after.onnx", "given.npz"))
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10), before)
    numpy.savez(inputs, **given)
    assert any(repairs.repaired(before, platform.REPAIRS, after).values())
    told = [asked(COMPARED.format(given=str(inputs), file=str(file))).split()[-1] for file in (before, after)]
    assert told == ["wrong", "right"]
