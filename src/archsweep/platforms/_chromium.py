"""A headless Chromium driven through Playwright, with a deadline on every call. Knows no page of its own.

Playwright's asynchronous interface, on an event loop that runs while a call waits: so a deadline can be put on what has
none (`evaluate`), and two browsers can live in one process. Its other interface allows neither.
Nothing outlives its worker: Playwright's process stays in the worker's group and ends when its input closes; Chromium,
in a session of its own, ends when the pipe to Playwright does.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import psutil

from archsweep.errors import UNLOADABLE, Unavailable, without

INSTALL = "pip install 'archsweep[web]'"
FLAGS = (
    "--headless", "--no-sandbox", "--no-zygote", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
    "--disable-crash-reporter", "--disable-dev-shm-usage", "--disable-domain-reliability", "--mute-audio",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--remote-debugging-pipe",
    "--enable-logging=stderr", "--force-color-profile=srgb", "--password-store=basic", "--no-startup-window",
)  # fmt: skip
UNBEARABLE = ("GLIBC_TUNABLES",)  # with huge pages SwiftShader's Vulkan does not initialise
START_S, END_S, PIPES_S = 60.0, 5.0, 0.05
GONE = re.compile(r"browser has been closed|Target crashed")  # in Playwright's words, of page and browser alike
SHELL = "/bin/sh"
LOGGED = 'exec "$0" "$@" 2>"$ARCHSWEEP_LOG"'  # what the browser writes is its log: Playwright keeps it to itself


class BrowserDied(Exception):
    """The browser's process or the page is gone."""


class PageFault(Exception):
    """The page raised; says what it said."""


class PageTimeout(Exception):
    """The page did not answer within its deadline."""


class Driver:
    """Playwright's process. Raises Unavailable where it is missing."""

    def __init__(self) -> None:
        try:
            from playwright import async_api
        except UNLOADABLE as error:
            told = without(error) if isinstance(error, ImportError) else f"playwright does not load: {error}"
            raise Unavailable(told, INSTALL) from error
        self._fault, self._slow = async_api.Error, async_api.TimeoutError
        self._loop, before = asyncio.new_event_loop(), _children()
        try:
            self.playwright = self.wait(async_api.async_playwright().start(), START_S)
        except (OSError, PageFault, PageTimeout) as error:
            self._processes = _children() - before
            self._end()
            raise BrowserDied(f"Playwright does not start: {error}") from error
        self._processes = _children() - before

    def wait(self, call: Awaitable[Any], timeout_s: float) -> Any:
        """What the call gives. Raises PageTimeout, and PageFault for whatever Playwright raises."""
        try:
            return self._loop.run_until_complete(asyncio.wait_for(call, timeout_s))
        except (TimeoutError, self._slow) as error:
            raise PageTimeout(f"no answer within {timeout_s:g} s") from error
        except self._fault as error:
            raise PageFault(error.message) from error

    @property
    def alive(self) -> bool:
        return all(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in self._processes)

    def stop(self) -> None:
        """End it, whether it listens or not."""
        with contextlib.suppress(PageFault, PageTimeout):
            self.wait(self.playwright.stop(), END_S)
        self._end()

    def _end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._loop.run_until_complete(_settled())
        self._loop.close()


async def _settled() -> None:
    """What still waits is called off, and the pipes of killed processes are seen to end."""
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for task in waiting:
        task.cancel()
    if waiting:
        await asyncio.wait(waiting, timeout=END_S)
    await asyncio.sleep(PIPES_S)


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children())


class Page:
    """One tab."""

    def __init__(self, page: Any) -> None:
        self.page, self.crashed = page, False
        page.on("crash", self._crash)

    def _crash(self, page: Any) -> None:
        self.crashed = True


class Browser:
    """A running Chromium. Every method raises BrowserDied once it is gone."""

    def __init__(self, executable: Path, flags: Sequence[str], libraries: Path | None = None) -> None:
        self._driver, self._owner, self.process = Driver(), os.getpid(), 0
        self._profile = Path(tempfile.mkdtemp(prefix="chromium-"))
        self._log = self._profile / "log"
        atexit.register(self.close)
        environment = {name: value for name, value in os.environ.items() if name not in UNBEARABLE}
        environment["ARCHSWEEP_LOG"] = str(self._log)
        if libraries is not None:
            environment["LD_LIBRARY_PATH"] = str(libraries)
        command = ["-c", LOGGED, str(executable), *FLAGS, *flags, f"--user-data-dir={self._profile}"]
        try:
            self._browser = self._driver.wait(
                self._driver.playwright.chromium.launch(
                    executable_path=SHELL, args=command, ignore_default_args=True, env=environment,
                    timeout=1000 * START_S,
                ), START_S + END_S,
            )  # fmt: skip
            self.process = self._identified()
        except PageFault as error:
            words = self.last_words() or str(error).partition("\n")[0]
            self.close()
            raise BrowserDied(f"{executable} does not start: {words}") from error
        except PageTimeout:
            self.close()
            raise
        self.version: str = self._browser.version

    def _identified(self) -> int:
        session = self._driver.wait(self._browser.new_browser_cdp_session(), START_S)
        found = self._driver.wait(session.send("SystemInfo.getProcessInfo"), START_S)["processInfo"]
        return next(int(item["id"]) for item in found if item["type"] == "browser")

    def open(self, address: str, timeout_s: float) -> Page:
        """A new page, loaded."""
        page = self._call(self._browser.new_page(), timeout_s, None)
        made = Page(page)
        self._call(page.goto(address, timeout=1000 * timeout_s), timeout_s + END_S, made)
        return made

    def leave(self, page: Page) -> None:
        """Close a page, whatever state it is in."""
        with contextlib.suppress(BrowserDied, PageTimeout, PageFault):
            self._call(page.page.context.close(), END_S, page)

    def evaluate(self, page: Page, expression: str, timeout_s: float) -> Any:
        """The JSON value that the (awaited) expression gives. Raises PageFault with the page's own words."""
        return self._call(page.page.evaluate(expression), timeout_s, page)

    def _call(self, call: Awaitable[Any], timeout_s: float, page: Page | None) -> Any:
        try:
            return self._driver.wait(call, timeout_s)
        except PageFault as error:
            gone = GONE.search(str(error)) or (page is not None and page.crashed)
            if gone or not (self._driver.alive and self._browser.is_connected()):
                raise BrowserDied(f"the browser or its page is gone: {self.last_words()}") from error
            raise PageFault(str(error).removeprefix("Page.evaluate: ")) from error

    def log(self) -> str:
        """What the browser has written to its own log."""
        try:
            return self._log.read_text(errors="replace")
        except OSError:
            return ""

    def last_words(self) -> str:
        said = [line for line in self.log()[-2000:].splitlines() if line.strip()]
        return " | ".join(said[-3:])

    def close(self) -> None:
        """End the browser at once, with all of its processes; nothing in a process that was forked from its own."""
        atexit.unregister(self.close)
        if self._owner != os.getpid():
            return
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process, signal.SIGKILL)
            self.process = 0
        self._driver.stop()
        shutil.rmtree(self._profile, ignore_errors=True)
