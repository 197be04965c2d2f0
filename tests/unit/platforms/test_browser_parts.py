"""What the browser platforms read: profiles, manifests, the installer's faults. No browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from archsweep.errors import Unavailable, Unsupported
from archsweep.platforms import _browser, _web_parts, _web_setup


def line(operator: str, provider: str, given: str, made: str, name: str = "n") -> str:
    facts = {"op_name": operator, "provider": provider, "node_index": "1",
             "input_type_shape": [{given: [2]}], "output_type_shape": [{made: [2]}]}  # fmt: skip
    return '{"cat" : "Node","name" :"' + name + '","args" : ' + json.dumps(facts) + "},"


def test_a_profile_tells_floating_work_from_shape_work() -> None:
    cpu, gpu = "CPUExecutionProvider", "WebGpuExecutionProvider"
    text = "\n".join(
        [
            "[",
            line("Conv", gpu, "float", "float", "a"),
            line("Shape", cpu, "float", "int64", "b"),
            line("Cast", cpu, "int64", "float", "c"),
            line("IsNaN", cpu, "float", "bool", "d"),
            line("Add", cpu, "int64", "int64", "e"),
            line("MemcpyToHost", gpu, "float", "float", "f"),
            line("Conv", gpu, "float", "float", "a"),
            "]",
        ]
    )
    found = {node.operator: (node.floating, node.provider == gpu) for node in _browser.nodes(text)}
    assert found == {
        "Conv": (True, True), "Shape": (False, False), "Cast": (True, False), "IsNaN": (True, False),
        "Add": (False, False),
    }  # fmt: skip


def test_only_the_wanted_provider_is_the_device() -> None:
    """A third provider is as little the device as the CPU is."""
    found = _browser.nodes(line("Conv", "WebGpuExecutionProvider", "float", "float"))
    assert _browser.placement(found, "WebGpuExecutionProvider", "gpu").readable
    _browser.refuse(found, "WebGpuExecutionProvider")
    elsewhere = _browser.placement(found, "WebNNExecutionProvider", "network")
    assert not elsewhere.readable
    assert elsewhere.elsewhere == ("Conv",)
    with pytest.raises(Unsupported, match="left these to WebGpuExecutionProvider: Conv"):
        _browser.refuse(found, "WebNNExecutionProvider")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path))
    return tmp_path / "web"


@pytest.mark.parametrize("manifest", [None, "", "{", "{}", '{"browser": 3}'])
def test_no_manifest_or_a_cut_one_is_no_installation(home: Path, manifest: str | None) -> None:
    if manifest is not None:
        home.mkdir()
        (home / _web_parts.MANIFEST).write_text(manifest)
    with pytest.raises(Unavailable, match="archsweep setup web"):
        _web_parts.find()
    assert _web_setup.whole() is None


def test_without_a_network_setup_says_so_and_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not here")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(home / "npm"))
    told: list[str] = []
    with pytest.raises(_web_setup.SetupFault, match="cannot be downloaded") as fault:
        _web_setup.install(told.append, lambda parts: "")
    assert "network" in fault.value.next_step
    assert not [item for item in home.iterdir() if item.name.startswith(("draft", "manifest", "runtime"))]


def test_a_package_with_another_checksum_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = _web_parts.pins()
    pins["runtime"] |= {"integrity": "sha512-other"}
    monkeypatch.setattr(_web_parts, "pins", lambda: pins)
    draft = home / "draft"
    draft.mkdir(parents=True)
    packing = ("sh", "-c", 'echo package > "$4/package.tgz"', "npm")
    with pytest.raises(_web_setup.SetupFault, match="checksum"):
        _web_setup._package("runtime", _web_setup.Node(("node",), packing), lambda text: None, draft)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path / "file"))
    with pytest.raises(_web_setup.SetupFault, match="cannot write to") as fault:
        _web_setup.install(lambda text: None, lambda parts: "")
    assert "ARCHSWEEP_CACHE" in fault.value.next_step
