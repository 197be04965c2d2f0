"""Graphs in a page of a headless browser, on one provider of onnxruntime-web: shared by the platforms of the browser.

A worker has one browser for each set of flags, and a page in it. After any error the page is given up: a new one
costs a tenth of a second, and an old one may compute wrong numbers without saying so. A page that does not answer, or
a browser that is gone, takes the browser with it; the next call starts another.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep.contract import Placement, Tensor
from archsweep.errors import RuntimeFault, Unsupported
from archsweep.export import wrapping
from archsweep.platforms import _web_parts
from archsweep.platforms._chromium import Browser, BrowserDied, Page, PageFault, PageTimeout
from archsweep.platforms._loopback import Loopback
from archsweep.platforms._web_parts import Parts

OPEN_S, ASK_S, LOAD_S, RUN_S = 30.0, 30.0, 600.0, 600.0
SHAPE_WORK = ("Shape", "Size")  # of floating tensors these read no values
COPIES = ("MemcpyToHost", "MemcpyFromHost")
# How ONNX Runtime names an operator that it refuses, and how the browser's graph builder names one of its own.
_OPERATOR = re.compile(
    r"(?:implementation for|Op\s*\(|operator|op_type:?|type:)\s*'?([A-Z]\w+)|'MLGraphBuilder':\s(?:The\s)?(\w+)"
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One executed node, as the profile has it."""

    operator: str
    provider: str
    floating: bool


class Tab:
    """The page of one worker, on one set of browser flags; opened when first asked for, replaced after any error."""

    def __init__(self, flags: Sequence[str], parts: Parts | None = None) -> None:
        self._flags, self._parts = tuple(flags), parts
        self._browser: Browser | None = None
        self._page: Page | None = None
        self._loopback: Loopback | None = None
        self.age = 0  # raised with every new page: what was loaded in an older one is gone

    @property
    def parts(self) -> Parts:
        """Raises Unavailable where no browser has been set up."""
        if self._parts is None:
            self._parts = _web_parts.find()
        return self._parts

    @property
    def loopback(self) -> Loopback:
        if self._loopback is None:
            here = Path(__file__).parent
            runtime = {f"ort/{name}": file for name, file in _web_parts.runtime_files(self.parts).items()}
            pages = {"page.html": here / "_page.html", "page.js": here / "_page.js"}
            self._loopback = Loopback({**pages, **runtime})
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

    def _opened(self) -> tuple[Browser, Page]:
        if self._browser is None:
            libraries = Path(self.parts.libraries) if self.parts.libraries else None
            self._browser = Browser(Path(self.parts.browser), self._flags, libraries)
        if self._page is None:
            self._page = self._browser.open(f"{self.loopback.address}page.html", OPEN_S)
            self.age += 1
            self._await_ready(self._browser, self._page)
        return self._browser, self._page

    def _await_ready(self, browser: Browser, page: Page) -> None:
        deadline = time.monotonic() + OPEN_S
        while browser.evaluate(page, "document.title", ASK_S) != "ready":
            if time.monotonic() > deadline:
                raise PageTimeout(f"the page does not get ready: {' | '.join(page.console[-3:])}")
            time.sleep(0.01)

    def console(self) -> list[str]:
        return self._page.console if self._page else []

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
        self._page = None

    def close(self) -> None:
        """Give up the browser, and the address that its page came from."""
        if self._browser is not None:
            self._browser.close()
        if self._loopback is not None:
            self._loopback.close()
        self._browser = self._page = self._loopback = None


class PageProgram:
    """A graph in a tab, on one provider. Satisfies contract.Program but for what the platform knows of its device."""

    def __init__(self, tab: Tab, provider: Any, model: bytes, outputs: Sequence[str]) -> None:
        self._tab, self._provider, self._model, self._outputs = tab, provider, model, tuple(outputs)
        self._age = -1
        self._inputs: tuple[str, ...] = ()
        self.nodes: tuple[Node, ...] | None = None
        self.details: Mapping[str, Any] = {}
        self.load()

    def load(self) -> None:
        """Open a session in the page. Raises Unsupported where the runtime refuses the graph."""
        self._tab.loopback.offered["model"] = self._model
        try:
            found = self._tab.ask("load", self._provider, "model", timeout_s=LOAD_S)
        except PageFault as fault:
            text = plain(str(fault))
            named = operators(text)
            raise (Unsupported(text, named) if named else RuntimeFault(text)) from fault
        except (BrowserDied, PageTimeout) as trouble:
            raise RuntimeFault(f"{type(trouble).__name__}: {trouble}") from trouble
        self._inputs, self._age = tuple(found["inputs"]), self._tab.age

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs by path. Raises Unsupported if the runtime put floating-point work on its own CPU provider."""
        if self._age != self._tab.age:
            self.load()
        found = self._run(inputs)
        if self.nodes is None:
            self.nodes = self._profile()
        refuse(self.nodes)
        return found

    def _run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        leaves = wrapping.leaves(inputs)
        described, packed = [], bytearray()
        for name in self._inputs:
            value = leaves[name].contiguous()
            kind = str(value.dtype).removeprefix("torch.")
            raw = value.numpy().tobytes()
            described.append({"name": name, "type": kind, "dims": list(value.shape),
                              "offset": len(packed), "length": len(raw)})  # fmt: skip
            packed += raw
        self._tab.loopback.offered["inputs"] = bytes(packed)
        try:
            told = self._tab.ask("run", "inputs", described, "outputs", timeout_s=RUN_S)
        except (PageFault, BrowserDied, PageTimeout) as trouble:
            raise RuntimeFault(f"{type(trouble).__name__}: {plain(str(trouble))}") from trouble
        return self._unpacked(told, self._tab.loopback.posted.pop("outputs"))

    def _unpacked(self, told: Sequence[Mapping[str, Any]], content: bytes) -> dict[str, Tensor]:
        import torch

        found, offset = {}, 0
        for path, item in zip(self._outputs, told, strict=True):
            dtype: torch.dtype = getattr(torch, item["type"])
            count = math.prod(item["dims"])
            if count:
                flat = torch.frombuffer(bytearray(content[offset : offset + item["length"]]), dtype=dtype)
            else:
                flat = torch.empty(0, dtype=dtype)
            found[path] = flat.reshape(item["dims"])
            offset += item["length"]
        return found

    def _profile(self) -> tuple[Node, ...]:
        console = self._tab.console()
        before = len(console)
        self._tab.ask("profile")
        return nodes("\n".join(console[before:]))

    def placement_on(self, device: str) -> Placement:
        """Where the nodes ran, `device` being what the platform calls the provider's."""
        return placement(self.nodes or (), device)


def placement(found: Sequence[Node], device: str) -> Placement:
    """Where executed nodes ran; unreadable if no device is named or no node was seen on it."""
    away = [node for node in found if not on(node)]
    return Placement(
        device=device,
        readable=bool(device) and len(away) < len(found),
        elsewhere=tuple(dict.fromkeys(node.operator for node in away if node.floating)),
        shape_nodes=tuple(dict.fromkeys(node.operator for node in away if not node.floating)),
    )


def refuse(found: Sequence[Node]) -> None:
    """Raise Unsupported if floating-point work was left to the runtime's own CPU provider, naming the operators."""
    left = tuple(dict.fromkeys(node.operator for node in found if node.floating and not on(node)))
    if left:
        raise Unsupported(f"the provider left these to the CPU: {', '.join(left)}", left)


def on(node: Node) -> bool:
    return node.provider != "CPUExecutionProvider"


def nodes(profile: str) -> tuple[Node, ...]:
    """The executed nodes in the profile that a session prints at its end."""
    found = {}
    for line in profile.splitlines():
        if '"cat" : "Node"' not in line:
            continue
        entry = json.loads(line.rstrip().rstrip(","))
        facts = entry["args"]
        if facts["op_name"] in COPIES:
            continue
        edges = list(facts["output_type_shape"])
        if facts["op_name"] not in SHAPE_WORK:
            edges += facts["input_type_shape"]
        floating = any(kind in ("float", "double", "float16", "bfloat16") for edge in edges for kind in edge)
        key = (entry["name"], facts["node_index"])
        found[key] = Node(operator=facts["op_name"], provider=facts["provider"], floating=floating)
    return tuple(found.values())


def plain(text: str) -> str:
    """The runtime's own words without the stack of the page."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    return " ".join(lines).removeprefix("Error: ")


def operators(text: str) -> tuple[str, ...]:
    """The operators that a refusal names."""
    return tuple(dict.fromkeys(theirs or its for theirs, its in _OPERATOR.findall(text)))
