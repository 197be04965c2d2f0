"""How workers come into being, seen from the parent: forked from a zygote, or spawned one by one.

Both launchers are given a lot's folder and later say how its process ended. Knows nothing of what workers do.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from archsweep.errors import HarnessBroken, SettingsError

START_DEADLINE_S = 300.0
SILENT = ("PYTORCH_ENABLE_MPS_FALLBACK",)  # would let torch compute on the CPU what the device has no kernel for


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A worker's process is gone; `wait_status` as os.waitpid gives it, None if the launcher itself was lost."""

    id: str
    wait_status: int | None


class Launcher(Protocol):
    notes: tuple[str, ...]  # for the fingerprint

    def start(self, task: str, id: str, folder: Path, *, module: str = "", argument: str = "") -> None: ...
    def expect(self, module: str) -> None:
        """A lot of a class in `module` is to come soon."""
        ...

    def process(self, id: str) -> int | None: ...
    def wait(self, timeout_s: float) -> list[Ended]: ...
    def kill(self, id: str) -> None: ...
    def close(self) -> None: ...


def worker_environment() -> dict[str, str]:
    """Environment of the zygote and the workers: one thread each, no network, the same on every run.

    On Linux memory comes in huge pages where the allocator asks for large pieces: a fork copies page tables, and fewer
    of them. (With PYTHONMALLOC=malloc a fork would be faster still, and everything that Python does half as fast.)
    """
    fixed = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    fixed |= {"PYTHONHASHSEED": "0", "TOKENIZERS_PARALLELISM": "false"}
    chosen = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    if sys.platform == "linux":
        chosen |= {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    given = {name: value for name, value in os.environ.items() if name not in SILENT}
    return {**chosen, **given, **fixed}


class Forking:
    """The parent's end of one zygote. A zygote that dies is replaced; its lots are reported as lost."""

    def __init__(self, setup: Mapping[str, Any], folder: Path) -> None:
        self._setup, self._folder = json.dumps(setup), folder
        self.notes: tuple[str, ...] = ()
        self._processes: dict[str, int | None] = {}
        self._expected: set[str] = set()
        self._ready = False
        self._begin()

    @property
    def zygote(self) -> int:
        return self._process.pid

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "archsweep.run.zygote", str(theirs.fileno()), self._setup, str(self._folder)]
        with (self._folder / "zygote.output").open("ab") as output:
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], start_new_session=True, env=worker_environment(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        theirs.close()
        self._channel, self._received, self._ready = ours, b"", False

    def start(self, task: str, id: str, folder: Path, *, module: str = "", argument: str = "") -> None:
        self._processes[id] = None
        request = {"task": task, "id": id, "folder": str(folder), "module": module, "argument": argument}
        self._tell(request)

    def expect(self, module: str) -> None:
        if self._ready and module not in self._expected:
            self._expected.add(module)
            self._tell({"module": module})

    def _tell(self, request: Mapping[str, str]) -> None:
        with contextlib.suppress(OSError):  # wait() sees the closed channel and reports the loss
            self._channel.sendall(json.dumps(request).encode() + b"\n")

    def process(self, id: str) -> int | None:
        return self._processes.get(id)

    def wait(self, timeout_s: float) -> list[Ended]:
        """Ended workers; returns as soon as there is one, and after `timeout_s` at the latest."""
        readable, _, _ = select.select([self._channel], [], [], timeout_s)
        if not readable:
            return []
        try:
            received = self._channel.recv(1 << 16)
        except ConnectionResetError:
            received = b""
        if not received:
            return self._replace()
        ended = []
        *lines, self._received = (self._received + received).split(b"\n")
        for message in map(json.loads, lines):
            ended.extend(self._heard(message))
        return ended

    def _heard(self, message: dict[str, Any]) -> list[Ended]:
        if "ready" in message:
            self._ready, self.notes = True, tuple(message["notes"])
        elif "fault" in message:
            raise SettingsError(*message["fault"])
        elif "started" in message:
            self._processes[message["started"]] = message["process"]
        elif self._processes.pop(message["ended"], 0) != 0:
            return [Ended(id=message["ended"], wait_status=message["status"])]
        return []

    def _replace(self) -> list[Ended]:
        if not self._ready:
            raise HarnessBroken("the zygote could not start", self._last_words())
        for id in self._processes:
            self.kill(id)
        lost = [Ended(id=id, wait_status=None) for id in self._processes]
        self._processes.clear()
        self._expected.clear()
        self._channel.close()
        self._process.wait()
        self._begin()
        return lost

    def _last_words(self) -> str:
        words = (self._folder / "zygote.output").read_text(errors="replace").strip().splitlines()
        return "\n".join(words[-5:])

    def kill(self, id: str) -> None:
        kill_session(self._processes.get(id))

    def close(self) -> None:
        """End the zygote; it takes its workers with it."""
        for id in list(self._processes):
            self.kill(id)
        self._channel.close()
        try:
            self._process.wait(timeout=5 if self._ready else 0)
        except subprocess.TimeoutExpired:
            kill_session(self._process.pid)
            self._process.wait()


class Spawning:
    """A fresh interpreter for each lot: where forking is unsafe. Slower by the imports; the same files and endings."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self.notes: tuple[str, ...] = ()
        self._setup = json.dumps(setup)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, task: str, id: str, folder: Path, *, module: str = "", argument: str = "") -> None:
        command = [sys.executable, "-m", "archsweep.run.tasks", task, str(folder), argument, self._setup]
        self._running[id] = subprocess.Popen(
            command, start_new_session=True, env=worker_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def expect(self, module: str) -> None:
        """Nothing can be done for it: who spawns shares no imports."""

    def process(self, id: str) -> int | None:
        return self._running[id].pid if id in self._running else None

    def wait(self, timeout_s: float) -> list[Ended]:
        deadline = time.monotonic() + timeout_s
        while True:
            gone = [id for id, process in self._running.items() if process.poll() is not None]
            if gone or time.monotonic() >= deadline:
                return [self._end(id) for id in gone]
            time.sleep(0.02)

    def _end(self, id: str) -> Ended:
        process = self._running.pop(id)
        kill_session(process.pid)
        code = process.returncode
        return Ended(id=id, wait_status=-code if code < 0 else code << 8)

    def kill(self, id: str) -> None:
        kill_session(self.process(id))

    def close(self) -> None:
        for id in list(self._running):
            self.kill(id)
            self._running.pop(id).wait()


def kill_session(process: int | None) -> None:
    """Kill a worker and everything in its session that did not leave its process group."""
    if process is None:
        return
    for kill in (os.killpg, os.kill):
        try:
            kill(process, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
