"""Does a browser compute? A matrix product in its page, on one provider; and what is said where it does not."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from archsweep import machine, registry
from archsweep.contract import Evidence, Probe
from archsweep.errors import ArchsweepError, Unavailable
from archsweep.platforms import _packages, _web_parts
from archsweep.platforms._chromium import BrowserDied, PageFault, PageTimeout
from archsweep.platforms._tab import Tab
from archsweep.platforms._web_parts import Parts

OLDEST = {"onnx": (1, 20), "onnxscript": (0, 6), "onnxruntime": (1, 30), "playwright": (1, 55)}
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


def probe(
    flags: Sequence[str], provider: Any, describe: Callable[[Tab], tuple[str, Evidence, str]], more: Sequence[str] = ()
) -> Probe:
    """`describe` gives device, evidence and, if the tab has none, the reason. Leaves nothing running; never raises.

    `more`: packages whose versions decide results too, where they are installed.
    """
    try:
        packages = _packages.versions(OLDEST, INSTALL, unloaded=("onnxscript",))
        parts = _web_parts.find()
    except Unavailable as error:
        return absent(_packages.plain(error), error.install)
    tab = Tab(flags, parts)
    try:
        device, evidence, reason = describe(tab)
        right = not reason and computes(tab, provider)
        packages |= {"onnxruntime-web": parts.runtime_version, "browser": tab.version}
    except Unavailable as error:
        return absent(_packages.plain(error), error.install or _web_parts.INSTALL)
    except TROUBLE as error:
        return absent(f"{parts.browser_version} does not compute: {error}", _web_parts.INSTALL)
    finally:
        tab.close()
    if not right:
        return absent(reason or "a matrix product came out wrong", _web_parts.INSTALL)
    return Probe(
        present=True, evidence=evidence, device=device, versions={**packages, **machine.installed_versions(more)}
    )


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
        try:
            own = getattr(registry.load("platforms", name), "trial", None)
        except ArchsweepError:  # another package's, which does not load: whoever asks for it is told
            continue
        lacks = own(parts) if own is not None else ""
        if lacks:
            return f"{name}: {lacks}"
    return ""
