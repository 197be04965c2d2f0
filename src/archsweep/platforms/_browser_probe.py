"""Does a browser compute? A matrix product in its page, on one provider; and what is said where it does not."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable, Sequence
from typing import Any

from archsweep import registry
from archsweep.contract import Evidence, Probe
from archsweep.errors import Unavailable
from archsweep.platforms import _web_parts
from archsweep.platforms._chromium import BrowserDied, PageFault, PageTimeout
from archsweep.platforms._tab import Tab
from archsweep.platforms._web_parts import Parts

PACKAGES = ("onnx", "onnxruntime", "onnxscript", "playwright")
INSTALL = "pip install 'archsweep[web]'"
GIVEN, RIGHT = struct.pack("4f", 1, 2, 3, 4), struct.pack("4f", 8, 12, 18, 26)
TROUBLE = (BrowserDied, PageFault, PageTimeout, Unavailable, OSError)


def computes(tab: Tab, provider: Any) -> bool:
    """Whether the tiny graph comes out right. Raises what a tab raises."""
    tab.loopback.offered["given"] = GIVEN
    tab.ask("load", provider, "tiny")
    described = [{"name": "a", "type": "float32", "dims": [2, 2], "offset": 0, "length": len(GIVEN)}]
    tab.ask("run", "given", described, "found")
    return tab.loopback.posted.pop("found") == RIGHT


def probe(flags: Sequence[str], provider: Any, describe: Callable[[Tab], tuple[str, Evidence, str]]) -> Probe:
    """`describe` gives device, evidence and, if the tab has none, the reason. Leaves nothing running; never raises."""
    missing = next((name for name in PACKAGES if importlib.util.find_spec(name) is None), None)
    if missing:
        return absent(f"{missing} is not installed", INSTALL)
    try:
        parts = _web_parts.find()
    except Unavailable as error:
        return absent(str(error).partition(". Install:")[0], error.install)
    tab = Tab(flags, parts)
    try:
        device, evidence, reason = describe(tab)
        right = not reason and computes(tab, provider)
        versions = {"onnxruntime-web": parts.runtime_version, "browser": tab.version}
    except TROUBLE as error:
        return absent(f"{parts.browser_version} does not compute: {error}", _web_parts.INSTALL)
    finally:
        tab.close()
    if not right:
        return absent(reason or "a matrix product came out wrong", _web_parts.INSTALL)
    return Probe(present=True, evidence=evidence, device=device, versions=versions)


def absent(reason: str, install: str) -> Probe:
    return Probe(present=False, evidence=Evidence.NONE, reason=" ".join(reason.split())[:300], install=install)


def trial(parts: Parts, flags: Sequence[str], provider: Any) -> str:
    """What a browser that is not set up yet cannot do; empty if it computes."""
    tab = Tab(flags, parts)
    try:
        return "" if computes(tab, provider) else "a matrix product came out wrong"
    except TROUBLE as error:
        return " ".join(str(error).split())[:300]
    finally:
        tab.close()


def lacking(parts: Parts) -> str:
    """The first thing that a platform of the browser finds missing; empty if all of them compute."""
    for name in registry.names("platforms"):
        own = getattr(registry.load("platforms", name), "trial", None)
        lacks = own(parts) if own is not None else ""
        if lacks:
            return f"{name}: {lacks}"
    return ""
