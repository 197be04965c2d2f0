"""The page of a worker in its browser: opened when first asked for, moored to a provider, replaced after any error.

A new page costs a tenth of a second, and an old one may compute wrong numbers after an error without saying so. A page
that does not answer takes its browser with it. So does one that finds its provider gone: after a few deaths of its
GPU process a browser offers none until it is started again.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archsweep.platforms import _web_parts
from archsweep.platforms._chromium import Browser, BrowserDied, Page, PageFault, PageTimeout
from archsweep.platforms._loopback import Loopback
from archsweep.platforms._web_parts import Parts

OPEN_S, ASK_S = 60.0, 60.0
MANY = 200  # graphs after which a page is replaced all the same: its memory only grows
# The ONNX graph c = a @ a + a of a 2 x 2 matrix.
TINY = base64.b64decode(
    "CAk6UAoRCgFhCgFhEgFiIgZNYXRNdWwKDgoBYgoBYRIBYyIDQWRkEgFnWhMKAWESDgoMCAESCAoCCAIKAggCYhMKAWMSDgoMCAESCAoCCAIKAggCQgQKABAS"
)


class Tab:
    """A page on one set of browser flags. `provider`: whose device and compiled kernels stay while the page does."""

    def __init__(self, flags: Sequence[str], parts: Parts | None = None, provider: Any = None) -> None:
        self._flags, self._parts, self._provider = tuple(flags), parts, provider
        self._browser: Browser | None = None
        self._page: Page | None = None
        self._loopback: Loopback | None = None
        self._owner = os.getpid()
        self.age = 0  # raised with every new page: what was loaded in an older one is gone
        self.loads = 0  # graphs that the page has been given
        self.holder: object = None  # whose graph is in the page

    @property
    def parts(self) -> Parts:
        """Raises Unavailable where no browser has been set up."""
        if self._parts is None:
            self._parts = _web_parts.find()
        return self._parts

    @property
    def loopback(self) -> Loopback:
        self._own()
        if self._loopback is None:
            here = Path(__file__).parent
            runtime = {f"ort/{name}": file for name, file in _web_parts.runtime_files(self.parts).items()}
            pages = {"page.html": here / "_page.html", "page.js": here / "_page.js"}
            self._loopback = Loopback({**pages, **runtime})
            self._loopback.offered["tiny"] = TINY
        return self._loopback

    def ask(self, call: str, *given: Any, timeout_s: float = ASK_S) -> Any:
        """What the page's function returns. Raises PageFault, PageTimeout or BrowserDied, and gives the page up."""
        expression = f"archsweep.{call}({', '.join(json.dumps(item) for item in given)})"
        try:
            browser, page = self._opened()
            return browser.evaluate(page, expression, timeout_s)
        except PageFault:
            self.renew()
            raise
        except (PageTimeout, BrowserDied):
            self.close()
            raise

    def load(self, holder: object, provider: Any, name: str, timeout_s: float) -> Any:
        """Open a session on the graph that is offered under `name`; raises as `ask` does."""
        if self.loads >= MANY:
            self.renew()
        found = self.ask("load", provider, name, timeout_s=timeout_s)
        self.holder, self.loads = holder, self.loads + 1
        return found

    def _own(self) -> None:
        """What this process was forked with belongs to the one that it was forked from."""
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._browser = self._page = self._loopback = None

    def _opened(self) -> tuple[Browser, Page]:
        self._own()
        if self._browser is not None and self._page is None:
            try:
                return self._browser, self._new_page(self._browser)
            except (PageFault, PageTimeout, BrowserDied):
                self._end()  # another browser may still compute
        if self._browser is None:
            libraries = Path(self.parts.libraries) if self.parts.libraries else None
            self._browser = Browser(Path(self.parts.browser), self._flags, libraries)
        return self._browser, self._page or self._new_page(self._browser)

    def _new_page(self, browser: Browser) -> Page:
        self._page = page = browser.open(f"{self.loopback.address}page.html", OPEN_S)
        self.age, self.loads, self.holder = self.age + 1, 0, None
        deadline = time.monotonic() + OPEN_S
        while browser.evaluate(page, "document.title", ASK_S) != "ready":
            if time.monotonic() > deadline:
                said = browser.evaluate(page, "said.slice(-3).join(' | ')", ASK_S)
                raise PageTimeout(f"the page does not get ready: {said}")
            time.sleep(0.01)
        if self._provider is not None:
            browser.evaluate(page, f"archsweep.moor({json.dumps(self._provider)}, 'tiny')", ASK_S)
        return page

    def log(self) -> str:
        return self._browser.log() if self._browser else ""

    @property
    def version(self) -> str:
        return self._browser.version if self._browser else ""

    @property
    def process(self) -> int | None:
        return self._browser.process if self._browser else None

    def renew(self) -> None:
        """Give up the page."""
        if self._browser is not None and self._page is not None:
            self._browser.leave(self._page)
        self._page, self.loads, self.holder = None, 0, None

    def _end(self) -> None:
        if self._browser is not None:
            self._browser.close()
        self._browser = self._page = None
        self.loads, self.holder = 0, None

    def close(self) -> None:
        """Give up the browser, and the address that its page came from."""
        self._own()
        self._end()
        if self._loopback is not None:
            self._loopback.close()
        self._loopback = None
