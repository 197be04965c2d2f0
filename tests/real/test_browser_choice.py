"""Which browser and which adapter are used, whose word counts for it, and what is set up anew."""

from __future__ import annotations

import gc
import re
import shutil
import sys
import time
from pathlib import Path

import browsing
import psutil
import pytest
from click.testing import CliRunner

from archsweep import registry
from archsweep.commands import setup
from archsweep.contract import Evidence, Status
from archsweep.errors import ArchsweepError
from archsweep.platforms import _browser_probe, _chromium, _web_parts, _web_setup

webgpu, webnn = (registry.load("platforms", name) for name in ("webgpu", "webnn"))


@pytest.fixture(autouse=True, scope="module")
def _tabs_closed() -> object:
    yield
    for platform in (webgpu, webnn):
        platform._tab().close()
        platform._tab.cache_clear()


@pytest.mark.parametrize("flags", [webgpu.ON_DEVICE, ("--enable-features=Vulkan",)])
def test_a_display_device_without_an_adapter_leaves_the_one_in_software(
    flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on virtual machines, whose display adapters are devices and no GPUs."""
    browsing.require("webgpu")
    if webgpu._graphics():
        pytest.skip("there is a graphics device here")
    monkeypatch.setattr(webgpu, "GRAPHICS", (tmp_path,))
    monkeypatch.setattr(webgpu, "ON_DEVICE", flags)
    webgpu._software.cache_clear()
    try:
        assert webgpu._software()
        probe = webgpu.probe()
        assert probe.present, probe.reason
        assert probe.evidence is Evidence.EMULATOR
        assert webgpu.trial(_web_parts.find()) == ""
    finally:
        webgpu._software.cache_clear()


@pytest.mark.parametrize("counts", [None, (7, 0), (0, 0)])
def test_a_graph_of_which_nothing_is_known_to_be_in_webnn_is_no_pass(
    counts: tuple[int, int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser's log has named its device all the same, for other graphs."""
    browsing.require("webnn")
    monkeypatch.setattr(webnn.NetworkProgram, "counts", lambda program: counts)
    _, parity = browsing.endings(tmp_path / "lot", "webnn", "bert")
    assert parity.status is Status.FAIL
    assert "cannot say where" in parity.message


def test_every_node_that_the_runtime_counts_is_in_webnn(tmp_path: Path) -> None:
    browsing.require("webnn")
    _, parity = browsing.endings(tmp_path / "lot", "webnn", "bert")
    assert parity.status is Status.PASS, parity
    told = parity.details["program"]
    assert told["nodes"] >= told["nodes_in_webnn"] > 0


def test_a_device_that_the_log_does_not_name_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    browsing.require("webnn")
    monkeypatch.setattr(webnn, "DEVICES", {"a delegate that nobody knows": "x"})
    probe = webnn.probe()
    assert not probe.present
    assert "names no device" in probe.reason


def test_what_is_whole_and_computes_is_left_alone() -> None:
    browsing.require("webnn")
    done = CliRunner().invoke(setup.command, ["web", "--json"], standalone_mode=False)
    assert done.exception is None, done.output
    assert '"changed": false' in done.output


def test_a_browser_that_is_whole_and_no_longer_computes_is_set_up_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says its version, and that is all. Without a network the new one cannot come, which is said."""
    browsing.require("webnn")
    parts = _web_parts.find()
    home = tmp_path / "web"
    runtime = home / Path(parts.runtime).name
    shutil.copytree(parts.runtime, runtime)
    program = tmp_path / "chrome"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Chromium 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path))
    kept = {name: digest for name, digest in parts.checksums.items() if name.startswith(runtime.name)}
    _web_parts.keep(_web_parts.Parts(
        browser=str(program), browser_version="Chromium 1", runtime=str(runtime), checksums=kept,
        runtime_version=parts.runtime_version,
    ))  # fmt: skip
    assert _web_setup.whole() is not None
    for name in ("npm_config_registry", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    done = CliRunner().invoke(setup.command, ["web"], standalone_mode=False)
    assert isinstance(done.exception, ArchsweepError), done.output
    assert "cannot be" in str(done.exception)


def test_a_driver_that_does_not_start_in_time_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright")
    monkeypatch.setattr(_chromium, "START_S", 0.05)
    before = set(psutil.Process().children())
    with pytest.raises(_chromium.BrowserDied, match="Playwright does not start: no answer within"):
        _chromium.Driver()
    deadline = time.monotonic() + 20
    while (left := [item for item in set(psutil.Process().children()) - before if alive(item)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert left == []
    gc.collect()  # what is left open of its pipes would be told now, and fail the test


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_a_driver_that_does_not_load_is_said_to_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where one of the libraries that it is built on is of another version."""
    browsing.require("webnn")
    folder = tmp_path / "playwright"
    folder.mkdir()
    (folder / "__init__.py").write_text("__version__ = '9.9'")
    (folder / "async_api.py").write_text("raise ImportError('libgreenlet.so: undefined symbol', name='greenlet')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if re.match(r"playwright(\.|$)", name)]:
        monkeypatch.delitem(sys.modules, name)
    probe = _browser_probe.probe((), "webgpu", webgpu._described)
    assert not probe.present
    assert "greenlet does not load: libgreenlet.so" in probe.reason
    assert probe.install == "pip install 'archsweep[web]'"
