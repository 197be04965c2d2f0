"""The warm process that imports torch and transformers once and forks a worker for each lot.

Started by run/launch.py. Knows nothing of plans, results or deadlines: it forks what it is told to and reports deaths.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archsweep.errors import SettingsError
from archsweep.run import tasks


class Zygote:
    """Serves one parent over `channel`, one JSON message a line, until the parent is gone."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel, self._waiting = channel, b""
        self._children: dict[int, str] = {}
        self._wake, self._alarm = os.pipe()
        for end in (self._wake, self._alarm):
            os.set_blocking(end, False)

    def serve(self) -> None:
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while True:
            ready, _, _ = select.select([self._channel.fileno(), self._wake], [], [])
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
            if self._channel.fileno() in ready:
                received = self._channel.recv(1 << 16)
                if not received:
                    break
                *lines, self._waiting = (self._waiting + received).split(b"\n")
                for request in map(json.loads, lines):
                    _import(request.get("module", ""))
                    if "task" in request:
                        self._start(request)
        self._end()

    def _end(self) -> None:
        """The parent is gone, or wants no more: kill the workers, and what they leave behind as they die."""
        for process in self._children:
            _kill_session(process)
        self._children.clear()
        with contextlib.suppress(ChildProcessError):
            while True:
                self._kill_orphans()
                os.waitpid(-1, 0)

    def tell(self, **message: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._channel.sendall(json.dumps(message).encode() + b"\n")

    def _start(self, request: dict[str, str]) -> None:
        gc.freeze()  # what a worker's collector never visits, it never copies
        process = os.fork()
        if process == 0:
            self._become(tasks.TASKS[request["task"]], request)
        self._children[process] = request["id"]
        self.tell(started=request["id"], process=process)

    def _become(self, task: Callable[[Path, str], None], request: dict[str, str]) -> None:
        """Turn the forked child into a worker; never returns."""
        code = 70
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self._channel.fileno(), self._wake, self._alarm):
                os.close(descriptor)
            tasks.bind_to_parent()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            folder = Path(request["folder"])
            tasks.capture(folder / tasks.OUTPUT_FILE)
            task(folder, request.get("argument", ""))
            code = 0
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        finally:
            if code == 70 and sys.exc_info()[0] is not None:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code & 0xFF)

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            if process in self._children:
                _kill_session(process)
                self._kill_orphans()
                self.tell(ended=self._children.pop(process), process=process, status=status)

    def _kill_orphans(self) -> None:
        """Children that no lot owns: a dead worker left them, and they were given to this process."""
        listing = Path(f"/proc/self/task/{os.getpid()}/children")
        with contextlib.suppress(OSError):
            for process in map(int, listing.read_text().split()):
                if process not in self._children:
                    _kill_session(process)


def _import(module: str) -> None:
    """A family's classes share the import. If it fails, the worker meets the same error and reports it."""
    if module.startswith("transformers.models."):
        with contextlib.suppress(ImportError, RuntimeError, ValueError, AttributeError, OSError):
            importlib.import_module(module)


def _kill_session(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def main() -> None:
    """`python -m archsweep.run.zygote DESCRIPTOR SETUP FOLDER`: serve the parent at the other end of the socket.

    FOLDER is the session's; it is removed at the end, because a parent that was killed cannot.
    """
    channel = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks.adopt_orphans()
    zygote = Zygote(channel)
    try:
        setup = json.loads(sys.argv[2])
        notes = tasks.prepare(setup)
        tasks.warm_up(setup["plugins"])
    except SettingsError as error:
        zygote.tell(fault=[error.message, error.next_step])
        return
    from archsweep.run import worker  # noqa: F401  (so that no fork imports it again)

    importlib.import_module("numpy")
    gc.collect()
    gc.freeze()
    zygote.tell(ready=True, notes=notes)
    zygote.serve()
    shutil.rmtree(sys.argv[3], ignore_errors=True)


if __name__ == "__main__":
    main()
