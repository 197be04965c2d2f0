"""WebGPU and WebNN in a real browser: what passes, what must not, and who is left behind when something dies."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browsing
import psutil
import pytest

from archsweep import registry
from archsweep.contract import Blame, Evidence, Status
from archsweep.errors import RuntimeFault
from archsweep.platforms import _browser, _browser_probe, _web_parts, _web_setup
from archsweep.platforms._browser import Tab

BOTH = ("webgpu", "webnn")


@pytest.fixture(autouse=True, scope="module")
def _tabs_closed() -> Iterator[None]:
    yield
    for name in BOTH:
        registry.load("platforms", name)._tab().close()


@pytest.mark.parametrize("name", BOTH)
def test_a_probe_computes_and_leaves_nothing_running(name: str) -> None:
    browsing.require(name)
    probe = registry.load("platforms", name).probe()
    assert probe.present, probe.reason
    assert probe.device
    assert probe.versions["onnxruntime-web"]
    assert probe.evidence is (Evidence.EMULATOR if "swiftshader" in probe.device else Evidence.HARDWARE)
    assert browsers() == []


@pytest.mark.parametrize("name", BOTH)
def test_without_a_browser_a_probe_says_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path))
    probe = registry.load("platforms", name).probe()
    assert not probe.present
    assert probe.reason
    assert probe.install in ("archsweep setup web", "pip install 'archsweep[web]'")


@pytest.mark.parametrize(
    ("name", "words"), [("webgpu", "has no WebGPU adapter"), ("webnn", "has no WebNN backend: navigator.ml is missing")]
)
def test_a_browser_that_cannot_do_it_is_absent_and_says_what_it_lacks(name: str, words: str) -> None:
    browsing.require(name)
    platform = registry.load("platforms", name)
    probe = _browser_probe.probe((), platform.PROVIDER, platform._described)
    assert not probe.present
    assert words in probe.reason
    assert probe.install == "archsweep setup web"
    assert browsers() == []


def test_a_truncated_runtime_is_absent_and_set_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browsing.require("webnn")
    parts = _web_parts.find()
    runtime = tmp_path / "web" / Path(parts.runtime).name
    shutil.copytree(parts.runtime, runtime)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path))
    kept = {name: digest for name, digest in parts.checksums.items() if name.startswith(runtime.name)}
    _web_parts.keep(dataclasses.replace(parts, runtime=str(runtime), checksums=kept))
    assert _web_setup.whole() is not None
    (binary,) = runtime.glob("*.wasm")
    os.truncate(binary, binary.stat().st_size // 2)
    probe = registry.load("platforms", "webnn").probe()
    assert not probe.present
    assert "does not compute" in probe.reason
    assert probe.install == "archsweep setup web"
    assert _web_setup.whole() is None
    assert browsers() == []


@pytest.mark.parametrize("program", ["/bin/false", "/bin/cat", "/nowhere/chrome"])
def test_a_browser_that_does_not_speak_is_reported(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "web" / "runtime"
    runtime.mkdir(parents=True)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path))
    parts = _web_parts.Parts(
        browser=program, browser_version="Chromium 1", runtime=str(runtime), checksums={},
        runtime_version=str(_web_parts.pins()["runtime"]["version"]),
    )  # fmt: skip
    for name in _web_parts.pins()["runtime"]["keep"]:
        (runtime / Path(name).name).write_text("")
    lacks = _browser_probe.trial(parts, (), "webgpu")
    assert "gone" in lacks or "does not start" in lacks, lacks


@pytest.mark.parametrize(
    ("name", "model"), [("webgpu", "bert"), ("webgpu", "vit"), ("webnn", "bert"), ("webnn", "gpt2")]
)
def test_architectures_pass(name: str, model: str, tmp_path: Path) -> None:
    browsing.require(name)
    for result in browsing.endings(tmp_path / "lot", name, model):
        assert result.status is Status.PASS, result
        assert ("WebGPU" if name == "webgpu" else "WebNN/LiteRT-CPU") in result.device


def test_of_all_that_a_runtime_says_the_numbers_of_nodes_are_heard() -> None:
    """A long graph makes thousands of lines of other things, so no number of last lines is enough."""
    browsing.require("webnn")
    tab = registry.load("platforms", "webnn")._tab()
    told = tab.ask("load", "webnn", "tiny")["said"]
    assert any(re.search(r"nodes in the graph: \d+ number of nodes supported by WebNN: \d+", line) for line in told)
    assert all("number of nodes" in line for line in told)


@pytest.mark.parametrize(("drift", "status"), [(0.0, Status.PASS), (0.01, Status.FAIL)])
def test_what_shows_where_the_nodes_are_is_the_first_of_two_runs_that_are_compared(
    drift: float, status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsing.require("webgpu")
    real, runs = _browser.PageProgram._unpacked, []

    def counted(program: _browser.PageProgram, *given: object) -> dict[str, Any]:
        runs.append(program)
        return {path: value + drift * len(runs) for path, value in real(program, *given).items()}

    monkeypatch.setattr(_browser.PageProgram, "_unpacked", counted)
    monkeypatch.setattr(_browser, "DOUBTFUL", 1.0)
    forward, _ = browsing.endings(tmp_path / "lot", "webgpu", "bert")
    assert (forward.status, len(runs)) == (status, 2), forward.message


@pytest.mark.parametrize("name", BOTH)
def test_an_operator_that_is_wrong_by_one_percent_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsing.require(name)
    browsing.plant(monkeypatch, lambda model: browsing.insert(model, "Mul", (1.01,)))
    _, parity = browsing.endings(tmp_path / "lot", name, "bert")
    assert parity.status is Status.FAIL
    assert "relative error" in parity.message
    told = parity.details["program"]["control"]
    assert told["provider"] > 1e-3
    assert told["wasm"] > 1e-3
    assert "wasm" in parity.details["control"]
    assert parity.blame is Blame.OURS, "the page's CPU provider gets that graph wrong too"


@pytest.mark.parametrize("name", BOTH)
def test_floating_work_in_webassembly_is_unsupported_and_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsing.require(name)
    browsing.plant(monkeypatch, lambda model: browsing.insert(model, "Shrink", lambd=0.0, bias=0.0))
    for result in browsing.endings(tmp_path / "lot", name, "bert"):
        assert result.status is Status.UNSUPPORTED, result
        assert result.failure is not None
        assert "Shrink" in result.failure.operators


@pytest.mark.parametrize("name", BOTH)
def test_a_browser_killed_in_mid_run_is_an_error_and_the_next_one_works(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsing.require(name)
    real = Tab.ask

    def killed(tab: Tab, call: str, *given: object, **more: float) -> object:
        if call == "run" and tab.process is not None:
            os.kill(tab.process, signal.SIGKILL)
        return real(tab, call, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Tab, "ask", killed)
        for result in browsing.endings(tmp_path / "first", name, "bert"):
            assert result.status is Status.ERROR
            assert str(result.stage) == "run"
            assert result.failure is not None
            assert result.failure.error_class == RuntimeFault.__name__, result.message
    assert [result.status for result in browsing.endings(tmp_path / "second", name, "bert")] == [Status.PASS] * 2


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("part", ["browser", "gpu-process", "renderer"])
def test_one_that_is_killed_once_costs_no_result(
    name: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsing.require(name)
    assert [result.status for result in browsing.endings(tmp_path / "before", name, "bert")] == [Status.PASS] * 2
    tab, real = registry.load("platforms", name)._tab(), Tab.ask
    doomed = [psutil.Process(tab.process)]
    if part != "browser":
        doomed = [child for child in doomed[0].children() if f"--type={part}" in child.cmdline()]
    assert doomed

    def killed(tab: Tab, call: str, *given: object, **more: float) -> object:
        if call == "run" and doomed:
            for process in doomed:
                process.kill()
            doomed.clear()
        return real(tab, call, *given, **more)

    monkeypatch.setattr(Tab, "ask", killed)
    assert [result.status for result in browsing.endings(tmp_path / "lot", name, "bert")] == [Status.PASS] * 2
    assert not doomed


def test_a_browser_whose_gpu_process_keeps_dying_is_replaced() -> None:
    browsing.require("webgpu")
    tab = registry.load("platforms", "webgpu")._tab()
    tab.ask("adapter")
    first = tab.process
    for _ in range(8):
        tab.renew()
        tab.ask("adapter")
        if tab.process != first:
            break
        for child in psutil.Process(tab.process).children():
            if "--type=gpu-process" in child.cmdline():
                child.kill()
    assert tab.process != first
    assert tab.ask("adapter") is not None


def test_a_page_that_hangs_meets_its_deadline_and_is_replaced() -> None:
    browsing.require("webgpu")
    tab = Tab(())
    try:
        assert tab.ask("network") is not None
        with pytest.raises(_browser.PageTimeout):
            tab.ask("network(), (() => { for (;;); })", timeout_s=1.0)
        assert tab.process is None
        assert tab.ask("network") is not None
        assert tab.process is not None
    finally:
        tab.close()


def test_no_browser_and_no_driver_outlives_a_worker_that_is_killed() -> None:
    browsing.require("webgpu")
    code = (
        "import time; from archsweep.platforms._tab import Tab; tab = Tab(()); tab.ask('network'); "
        "print(tab.process, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        family = psutil.Process(worker.pid).children(recursive=True)
        worker.kill()
    assert len(family) > 3, "driver, browser, GPU process and page"
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_nobody_else_is_answered() -> None:
    import urllib.error
    import urllib.request

    from archsweep.platforms._loopback import Loopback

    loopback = Loopback({})
    loopback.offered["given"] = b"tensor"
    try:
        with urllib.request.urlopen(f"{loopback.address}given", timeout=5) as answer:
            assert answer.read() == b"tensor"
        other = loopback.address.rsplit("/", 2)[0] + "/given"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(other, timeout=5)
        refused.value.close()
    finally:
        loopback.close()


def browsers() -> list[int]:
    """Browsers that this process started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and "--remote-debugging-pipe" in process.cmdline():
                found.append(process.pid)
    deadline = time.monotonic() + 5
    while found and time.monotonic() < deadline:
        found = [pid for pid in found if psutil.pid_exists(pid)]
        time.sleep(0.05)
    return found
