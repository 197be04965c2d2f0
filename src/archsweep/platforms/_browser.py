"""Graphs in a page of a headless browser, on one provider of onnxruntime-web: shared by the platforms of the browser.

A page that has held other graphs is not believed when it raises or when its numbers are wrong: it may be the worse for
them. A new page is asked, and its word stands. What then is still wrong is put to the runtime's own CPU provider, in
the same page: if that is wrong as well, it is not the platform that this graph shows to be faulty.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from archsweep import export
from archsweep.contract import Bench, Placement, Tensor
from archsweep.errors import Ending, RuntimeFault, Unsupported
from archsweep.export import control
from archsweep.platforms import _onnxruntime
from archsweep.platforms._chromium import BrowserDied, PageFault, PageTimeout
from archsweep.platforms._tab import Tab

LOAD_S, RUN_S = 600.0, 600.0
CPU = "CPUExecutionProvider"
PLAIN = "wasm"  # the runtime's CPU provider in the page
DOUBTFUL = 1e-4  # relative L2 from the control run on the CPU: kernels of float32 differ by far less
SHAPE_WORK = ("Shape", "Size")  # of floating tensors these read no values
COPIES = ("MemcpyToHost", "MemcpyFromHost")
# How ONNX Runtime names an operator that it refuses, and how the browser's graph builder names one of its own.
_OPERATOR = re.compile(
    r"(?:implementation for|Op\s*\(|operator|op_type:?|type:)\s*'?([A-Z]\w+)|'MLGraphBuilder':\s(?:The\s)?(\w+)"
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One executed node, as the profile has it."""

    operator: str
    provider: str
    floating: bool


class PageDoubt(Ending):
    """The page raised on the platform's provider, and on the runtime's own CPU provider too."""


class PageProgram:
    """A graph in a tab, on one provider. Satisfies contract.Program but for what the platform knows of its device.

    `executing`, of a subclass: what the profile calls the provider; a node on any other one is elsewhere.
    `details["control"]`, where there was reason to ask: how far off this graph is on the page's CPU provider.
    """

    executing = ""

    def __init__(self, tab: Tab, provider: Any, made: _onnxruntime.Prepared) -> None:
        self._tab, self._provider, self._model, self._graph = tab, provider, made.model, made.graph
        self._outputs, self._age = made.graph.outputs, -1
        self._inputs: tuple[str, ...] = ()
        self.nodes: tuple[Node, ...] | None = None
        self._settled: tuple[Mapping[str, Tensor], dict[str, Tensor]] | None = None
        self.said: tuple[str, ...] = ()  # by the runtime of the numbers of nodes, while it took the graph
        self.details: dict[str, Any] = made.facts()
        try:
            self._sure(self.load)
        except RuntimeFault as fault:
            self._ask_control({}, fault)
            raise

    def load(self, provider: Any = None) -> None:
        """Open a session in the page. Raises Unsupported where the runtime refuses the graph."""
        self._tab.loopback.offered["model"] = self._model
        try:
            found = self._tab.load(self, provider or self._provider, "model", LOAD_S)
        except PageFault as fault:
            text = plain(str(fault))
            named = operators(text)
            raise (Unsupported(text, named) if named else RuntimeFault(text)) from fault
        except (BrowserDied, PageTimeout) as trouble:
            raise RuntimeFault(f"{type(trouble).__name__}: {trouble}") from trouble
        self._inputs, self._age = tuple(found["inputs"]), self._tab.age
        if provider is None:
            self.said = tuple(found["said"])

    def _sure(self, step: Callable[[], T]) -> T:
        """What the step gives; asked again in a new page if it raises in one that has held other graphs."""
        own = self._age == self._tab.age
        used = self._tab.loads > own
        try:
            return step()
        except (RuntimeFault, Unsupported) as error:
            if not used or isinstance(error.__cause__, PageTimeout):
                raise
        self._tab.renew()
        return step()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs by path. Raises Unsupported if the runtime put floating-point work on its own CPU provider."""
        import torch

        given = self._graph.leaves(inputs)
        if self.nodes is not None:
            refuse(self.nodes, self.executing)
            known, self._settled = self._settled, None
            if known and all(torch.equal(value, known[0][name]) for name, value in given.items()):
                return known[1]
            return self._sure(lambda: self._ran(given))
        try:
            found = self._sure(lambda: self._ran(given))
        except RuntimeFault as fault:
            self._ask_control(given, fault)
            raise
        self.nodes = nodes(self._asked("profile"))
        refuse(self.nodes, self.executing)
        return self._examined(given, found)

    def _ran(self, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self._age != self._tab.age or self._tab.holder is not self:
            self.load()
        return self._run(leaves)

    def _examined(self, given: Mapping[str, Tensor], found: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs, or better ones; where they are doubtful, what the page's CPU provider says goes to `details`."""
        wanted = control.run(self._graph.file, self._outputs, given)
        if control.deviation(wanted, found)[0] <= DOUBTFUL:
            return found
        if self._tab.loads > 1:
            self._tab.renew()
            found = self._ran(given)
        far, where = control.deviation(wanted, found)
        if not far <= DOUBTFUL:
            try:
                other = control.deviation(wanted, self._on_control(given))[0]
            except (RuntimeFault, Unsupported):
                other = math.inf
            told = {"output": where, "provider": far, PLAIN: other}
            self.details = {**self.details, "control": told}
            if not other <= DOUBTFUL:
                self.details |= {"doubt": f"on {PLAIN} in the same page {where} is off by {other:.2g} too"}
        return found

    def _on_control(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs of the page's CPU provider; without inputs it only takes the graph. Leaves no page."""
        self._tab.renew()
        try:
            self.load(PLAIN)
            return self._run(given) if given else {}
        finally:
            self._tab.renew()

    def _ask_control(self, given: Mapping[str, Tensor], fault: RuntimeFault) -> None:
        """Raise PageDoubt if what the page raised, it also raises with its CPU provider."""
        if not isinstance(fault.__cause__, PageFault):
            return
        try:
            self._on_control(given)
        except (RuntimeFault, Unsupported) as error:
            raise PageDoubt(f"{fault}; on {PLAIN} in the same page: {error}") from fault

    def _asked(self, call: str, *given: Any) -> Any:
        try:
            return self._tab.ask(call, *given, timeout_s=RUN_S)
        except (PageFault, BrowserDied, PageTimeout) as trouble:
            raise RuntimeFault(f"{type(trouble).__name__}: {plain(str(trouble))}") from trouble

    def _run(self, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
        described, packed = [], bytearray()
        for name in self._inputs:
            value = leaves[name].contiguous()
            kind = str(value.dtype).removeprefix("torch.")
            raw = value.numpy().tobytes()
            described.append({"name": name, "type": kind, "dims": list(value.shape),
                              "offset": len(packed), "length": len(raw)})  # fmt: skip
            packed += raw
        self._tab.loopback.offered["inputs"] = bytes(packed)
        told = self._asked("run", "inputs", described, "outputs")
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

    def settle(self, inputs: Mapping[str, Tensor]) -> None:
        """Run once, because only then it shows where the nodes are. Raises Unsupported as `run` does, and no faults.

        These outputs are the next run's, if it gives the same inputs; every later run computes.
        """
        with contextlib.suppress(RuntimeFault, PageDoubt):
            self._settled = self._graph.leaves(inputs), dict(self.run(inputs))

    def placement_on(self, device: str) -> Placement:
        """Where the nodes ran, `device` being what the platform calls the provider's."""
        return placement(self.nodes or (), self.executing, device)


Made = TypeVar("Made", bound=PageProgram)


class _Faulty(Unsupported):
    """A graph at which the runtime itself failed: reason enough to offer it another one."""


def accepted(bench: Bench, repairs: Sequence[str], opened: Callable[[_onnxruntime.Prepared], Made]) -> Made:
    """The program of the first graph that the runtime takes and leaves nothing of to its own CPU provider.

    Raises what it said of the first graph if it takes none.
    """

    def take(graph: export.Graph) -> Made:
        try:
            program = opened(_onnxruntime.prepared(bench, repairs, graph))
        except RuntimeFault as fault:
            raise _Faulty(str(fault)) from fault
        program.settle(bench.inputs)
        return program

    try:
        graph, program = export.accepted(bench, take)
    except _Faulty as refusal:
        fault = refusal.__cause__
        raise fault if fault is not None else refusal from None
    program.details = {**program.details, "refused": dict(graph.refused)}
    return program


def placement(found: Sequence[Node], provider: str, device: str) -> Placement:
    """Where executed nodes ran; unreadable if no device is named or no node was seen on the provider."""
    away = [node for node in found if node.provider != provider]
    return Placement(
        device=device,
        readable=bool(device) and len(away) < len(found),
        elsewhere=tuple(dict.fromkeys(node.operator for node in away if node.floating)),
        shape_nodes=tuple(dict.fromkeys(node.operator for node in away if not node.floating)),
    )


def refuse(found: Sequence[Node], provider: str) -> None:
    """Raise Unsupported if floating-point work was left to another provider, naming the operators."""
    left = [node for node in found if node.floating and node.provider != provider]
    if left:
        operators = tuple(dict.fromkeys(node.operator for node in left))
        taker = ", ".join(dict.fromkeys("the CPU" if node.provider == CPU else node.provider for node in left))
        raise Unsupported(f"the provider left these to {taker}: {', '.join(operators)}", operators)


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
