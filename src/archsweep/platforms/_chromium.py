"""A headless Chromium driven over its own debugging pipe, with a deadline on every call. Knows no page.

The pipe is why no browser outlives its worker: Chromium ends itself when the other end closes, however that came
about; it also stays in the process group of the worker, which is killed as a whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--no-zygote", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
    "--disable-crash-reporter", "--disable-dev-shm-usage", "--disable-domain-reliability", "--mute-audio",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--remote-debugging-pipe",
    "--enable-logging=stderr", "--force-color-profile=srgb", "--password-store=basic",
)  # fmt: skip
UNBEARABLE = ("GLIBC_TUNABLES",)  # with huge pages SwiftShader's Vulkan does not initialise
START_S = 30.0


class BrowserDied(Exception):
    """The browser's process or the page is gone."""


class PageFault(Exception):
    """The page raised; `text` is what it said."""


class PageTimeout(Exception):
    """The page did not answer within its deadline."""


@dataclass
class Page:
    """One tab: its session with the browser, and what it wrote to its console."""

    target: str
    session: str
    console: list[str] = field(default_factory=list)
    crashed: bool = False


class Browser:
    """A running Chromium. Every method raises BrowserDied once it is gone."""

    def __init__(self, executable: Path, flags: Sequence[str], libraries: Path | None = None) -> None:
        self._numbers = itertools.count(1)
        self._pages: dict[str, Page] = {}
        self._received = b""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the browser)
        self._profile = Path(tempfile.mkdtemp(prefix="chromium-"))
        self.process, self._write, self._read = self._spawn(executable, flags, libraries)
        try:
            self.version: str = self.call("Browser.getVersion", timeout_s=START_S)["product"]
        except (BrowserDied, PageTimeout):
            self.close()
            raise

    def _spawn(self, executable: Path, flags: Sequence[str], libraries: Path | None) -> tuple[int, int, int]:
        """(process, descriptor to write to, descriptor to read from); the child has its ends as 3 and 4."""
        command = [str(executable), *FLAGS, *flags, f"--user-data-dir={self._profile}", "about:blank"]
        commands, answers = os.pipe(), os.pipe()
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (commands[0], answers[1])]
        silent = os.open(os.devnull, os.O_RDWR)
        moves = [(silent, 0), (silent, 1), (self._log.fileno(), 2), (theirs[0], 3), (theirs[1], 4)]
        environment = {name: value for name, value in os.environ.items() if name not in UNBEARABLE}
        if libraries is not None:
            environment["LD_LIBRARY_PATH"] = str(libraries)
        try:
            process = os.posix_spawn(
                executable, command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, *move) for move in moves]
            )
        except OSError as error:
            os.close(commands[1])
            os.close(answers[0])
            self._log.close()
            shutil.rmtree(self._profile, ignore_errors=True)
            raise BrowserDied(f"{executable} does not start: {error}") from error
        finally:
            for end in (commands[0], answers[1], silent, *theirs):
                os.close(end)
        return process, commands[1], answers[0]

    def open(self, address: str, timeout_s: float) -> Page:
        """A new page, loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"}, timeout_s=timeout_s)["targetId"]
        attached = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", attached, timeout_s=timeout_s)["sessionId"]
        page = self._pages[session] = Page(target, session)
        self.call("Runtime.enable", timeout_s=timeout_s, page=page)
        self.call("Inspector.enable", timeout_s=timeout_s, page=page)
        self.call("Page.navigate", {"url": address}, timeout_s=timeout_s, page=page)
        return page

    def leave(self, page: Page) -> None:
        """Close a page, whatever state it is in."""
        self._pages.pop(page.session, None)
        with contextlib.suppress(BrowserDied, PageTimeout, PageFault):
            self.call("Target.closeTarget", {"targetId": page.target}, timeout_s=5.0)

    def evaluate(self, page: Page, expression: str, timeout_s: float) -> Any:
        """The JSON value that the (awaited) expression gives. Raises PageFault with the page's own words."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", asked, timeout_s=timeout_s, page=page)
        fault = answer.get("exceptionDetails")
        if fault is not None:
            thrown = fault.get("exception", {})
            raise PageFault(str(thrown.get("description") or thrown.get("value") or fault.get("text")))
        return answer["result"].get("value")

    def call(
        self, method: str, given: Mapping[str, Any] | None = None, *, timeout_s: float, page: Page | None = None
    ) -> Any:
        number, deadline = next(self._numbers), time.monotonic() + timeout_s
        message = {"id": number, "method": method, "params": dict(given or {})}
        if page is not None:
            message["sessionId"] = page.session
        try:
            os.write(self._write, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise BrowserDied(f"the browser is gone: {self.last_words()}") from error
        while True:
            for heard in self._heard(deadline, method):
                if heard.get("id") == number:
                    if "error" in heard:
                        raise PageFault(f"{method}: {heard['error'].get('message')}")
                    return heard["result"]
                self._note(heard)
            if page is not None and page.crashed:
                raise BrowserDied(f"the page crashed: {self.last_words()}")

    def _heard(self, deadline: float, method: str) -> list[dict[str, Any]]:
        """The messages that have come; waits for some until the deadline."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._read], [], [], left)[0]:
            raise PageTimeout(f"no answer to {method} in time")
        received = os.read(self._read, 1 << 20)
        if not received:
            raise BrowserDied(f"the browser is gone: {self.last_words()}")
        *lines, self._received = (self._received + received).split(b"\0")
        return [json.loads(line) for line in lines]

    def _note(self, event: Mapping[str, Any]) -> None:
        page = self._pages.get(event.get("sessionId", ""))
        if page is None:
            return
        if event["method"] == "Runtime.consoleAPICalled":
            told = [str(item.get("value", item.get("description", ""))) for item in event["params"]["args"]]
            page.console.append(" ".join(told))
        elif event["method"] == "Inspector.targetCrashed":
            page.crashed = True

    def log(self, since: int = 0) -> str:
        """What the browser has written to its own log, from an offset in bytes."""
        return os.pread(self._log.fileno(), 1 << 24, since).decode(errors="replace")

    def logged(self) -> int:
        return os.fstat(self._log.fileno()).st_size

    def last_words(self) -> str:
        said = [line for line in self.log(max(0, self.logged() - 2000)).splitlines() if line.strip()]
        return " | ".join(said[-3:])

    def close(self) -> None:
        """End the browser at once."""
        for end in (self._write, self._read):
            with contextlib.suppress(OSError):
                os.close(end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.process, 0)
        self._log.close()
        shutil.rmtree(self._profile, ignore_errors=True)
