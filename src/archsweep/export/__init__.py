"""One exporter for all platforms that take ONNX: torch module in, checked graph out, made once and kept.

A graph counts only if ONNX Runtime's CPU gives the model's own numbers on the inputs that it was exported with *and* on
second ones: other values, other padding. What a trace has baked in shows there. Routes are tried in order; which one
led to the graph, and why the others did not, is kept with it. So are failures: they are found once, not per platform.
The last route is plain: torch's own exporter, given the model behind the same positional signature and nothing else
of ours. If it says itself that it fails, too, the fault is torch's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import os
import re
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import archsweep
from archsweep import errors, machine
from archsweep.contract import Bench, Stage
from archsweep.encoding import decode, encode
from archsweep.errors import Ending, Unsupported
from archsweep.export import apart, beside, cache, control, routes, wrapping

if TYPE_CHECKING:
    import torch

RULES = 9  # raise when a change here changes what a graph holds
BOUNDS = {"dynamo": 30.0}  # seconds of processor time that a route is given: what it exports, it has in under ten
BUDGET = 60.0  # that all routes are given together: an export that takes longer is given up once, not on each platform
EXPORTER = "torch"
TOOLS = ("onnx", "onnxruntime", "onnxscript")  # a graph, and whether it is right, depends on their versions
PASSING = frozenset({"ImportError", "MemoryError", "OSError"})
LARGEST = 2**31 - 2**20  # bytes that a protobuf can hold

_OPERATOR = re.compile(r"(?:operator|function for) '?<?(?:OpOverload\(op=')?((?:aten|prims|torchvision)[:.]+[\w.]+)")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One way that was tried: its error, or how far its numbers were off on both inputs."""

    route: str
    frozen: bool
    plain: bool = False  # without a rewrite, and with nothing computed beside the graph
    exported: bool = False
    said: bool = False  # whether the error is one of the exporter's own
    passing: bool = False  # whether it tells of this machine or moment, not of the model: such an attempt is not kept
    error: str = ""
    error_class: str = ""
    operators: tuple[str, ...] = ()
    deviations: tuple[float, ...] = ()
    output: str = ""

    @property
    def way(self) -> str:
        return ", ".join((self.route, *["frozen"] * self.frozen, *["plain"] * self.plain))

    @property
    def told(self) -> str:
        """Why it led to no graph, in a line."""
        reason = self.error or f"{self.output} is off by {max(self.deviations):.2g} on the control run"
        return f"{self.way}: {reason}"


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A checked ONNX file. `inputs` are paths into the inputs, `outputs` paths of the outputs, both in graph order."""

    file: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    frozen: tuple[str, ...]  # inputs that are constants of the graph
    unused: tuple[str, ...]  # inputs on which, once exported, nothing depends
    attempts: tuple[Attempt, ...] = field(default=())
    calls: tuple[beside.Call, ...] = ()  # whose results the graph is given, too: integers made by reading values
    _model: Callable[[], torch.nn.Module] | None = field(default=None, repr=False, compare=False)
    refused: Mapping[str, str] = field(
        default_factory=dict
    )  # by route: what the backend said of graphs before this one

    @property
    def route(self) -> str:
        return self.attempts[-1].route

    @property
    def way(self) -> str:
        return self.attempts[-1].way

    def leaves(self, inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """All tensors that the graph may ask for, by name: those of the inputs, and what is computed beside it."""
        found = wrapping.leaves(inputs)
        return {**found, **beside.made(self._model(), self.calls, inputs)} if self.calls and self._model else found

    def facts(self) -> dict[str, Any]:
        """What a result tells of its export, as JSON values."""
        return {"route": self.route, "frozen": list(self.frozen), "unused": list(self.unused),
                "attempts": [encode(item) for item in self.attempts], "refused": dict(self.refused),
                "beside": [".".join(filter(None, (call.module, call.method))) for call in self.calls]}  # fmt: skip


Taken = TypeVar("Taken")


class ExportFault(Ending):
    """No route gave a graph with the right numbers; no backend is to blame."""


def warm_up() -> None:
    """Imports what every export needs. What is missing is said here, not as a failure of each way to a graph."""
    for name in (*TOOLS, "torch.onnx"):
        importlib.import_module(name)


def graph(bench: Bench, without: tuple[str, ...] = ()) -> Graph:
    """The checked graph of the bench's model in float32: of the first way that leads to one.

    Each way is gone once, and what came of it is kept. `without`: ways that are not taken, because a backend has
    refused what they lead to. Raises Unsupported where every route names operators it has no translation for, else
    ExportFault.
    """
    bench.announce(Stage.EXPORT)
    warm_up()
    place = cache.shelf(bench.cache, bench.reference.key[:2])
    material = functools.cache(lambda: _material(bench))
    attempts: list[Attempt] = []
    left, refused = BUDGET, {*without}
    with cache.alone(place, bench.reference.key):
        for way in _ways(_constant(bench, place, material), refused):
            if way.attempt.way in refused:
                continue
            name = _name(bench, way.attempt.way)
            kept = cache.load(place, name)
            if kept is None:
                facts, draft = _gone(material(), way, left, place)
                kept = facts, None if facts["attempt"]["passing"] else cache.store(place, name, facts, draft)
            facts, file = kept
            left -= facts["spent_s"]
            attempts.append(decode(Attempt, facts["attempt"]))
            if file is not None:
                return _graph(bench, facts, file, tuple(attempts))
    raise _fault(tuple(attempts), bench.reference.seeded)


def _graph(bench: Bench, facts: Mapping[str, Any], file: Path, attempts: tuple[Attempt, ...]) -> Graph:
    inputs, outputs, frozen, unused = (tuple(facts[key]) for key in ("inputs", "outputs", "frozen", "unused"))
    calls = tuple(decode(beside.Call, item) for item in facts["beside"])
    model = functools.cache(lambda: _prepared(bench.model()))
    bench.announce(Stage.COMPILE, graph=True)
    return Graph(
        file=file, inputs=inputs, outputs=outputs, frozen=frozen, unused=unused, attempts=attempts, calls=calls,
        _model=model,
    )  # fmt: skip


def accepted(bench: Bench, take: Callable[[Graph], Taken]) -> tuple[Graph, Taken]:
    """The first graph that a backend takes, and what `take` makes of it; `take` raises Unsupported where it refuses.

    Raises the first refusal if it takes none.
    """
    refused: dict[str, Unsupported] = {}
    while True:
        try:
            offered = graph(bench, without=tuple(refused))
        except (Unsupported, ExportFault):
            if not refused:
                raise
            bench.announce(Stage.COMPILE, graph=True)
            raise next(iter(refused.values())) from None
        told = {way: str(error) for way, error in refused.items()}
        try:
            return dataclasses.replace(offered, refused=told), take(offered)
        except Unsupported as error:
            refused[offered.way] = error


def _name(bench: Bench, what: str) -> str:
    import torch

    from archsweep.export import lowering, pairs, rewrites

    tools = [importlib.import_module(name).__version__ for name in TOOLS]

    return cache.key(
        {
            "reference": bench.reference.key,
            "what": what,
            "rules": [RULES, rewrites.RULES, lowering.RULES, pairs.RULES],
            "versions": [torch.__version__, *tools],
        }
    )


def _fault(attempts: tuple[Attempt, ...], seeded: bool) -> Ending:
    told = "; ".join(item.told for item in attempts)
    operators = tuple(dict.fromkeys(name for item in attempts for name in item.operators))
    fault: Ending = ExportFault(told)
    if seeded:
        fault = Unsupported(f"the forward pass draws random numbers, which a graph draws otherwise: {told}")
    elif operators and all(item.error for item in attempts):
        fault = Unsupported(told, operators)
    fault.package = EXPORTER if _proven(attempts) else ""
    fault.details = {"attempts": [encode(item) for item in attempts]}
    return fault


def _proven(attempts: Sequence[Attempt]) -> bool:
    """Whether torch's own exporter fails without archsweep: no way leads to a right graph, and the plain one says so
    itself. Wrong numbers alone are no proof, nor is a deadline of ours, a killed process or what our wrapper raised."""
    return any(item.plain and item.said and not item.exported for item in attempts)


@dataclass(frozen=True, kw_only=True)
class _Material:
    """What every way to a graph of a subject needs: made once, and only if one of them is still to be gone."""

    model: torch.nn.Module
    inputs: Mapping[str, Any]
    calls: tuple[beside.Call, ...]
    leaves: tuple[Mapping[str, torch.Tensor], ...]  # of both inputs
    wanted: Sequence[Mapping[str, torch.Tensor]]


def _material(bench: Bench) -> _Material:
    first, second = bench.inputs, bench.second_inputs
    model = _prepared(bench.model())
    if 4 * sum(item.numel() for item in model.parameters()) > LARGEST:
        raise Unsupported("the model is larger than the 2 GB that an ONNX file can hold")
    calls, wanted = beside.found(model, first, second)
    leaves = tuple({**wrapping.leaves(given), **beside.made(model, calls, given)} for given in (first, second))
    return _Material(model=model, inputs=first, calls=calls, leaves=leaves, wanted=wanted)


def _constant(bench: Bench, place: Path, material: Callable[[], _Material]) -> tuple[str, ...]:
    """Inputs that may become constants of a graph."""
    name = _name(bench, "constant inputs")
    kept = cache.load(place, name)
    if kept is None:
        facts = {"constant": wrapping.constant(*material().leaves)}
        kept = facts, cache.store(place, name, facts, None)
    return tuple(kept[0]["constant"])


def _gone(material: _Material, way: _Way, left_s: float, place: Path) -> tuple[dict[str, Any], Path | None]:
    """Facts of the attempt, with those of the graph and its file if it is right; the seconds that it took."""
    draft = place / f"{os.getpid()}.onnx.draft"
    began = apart.spent_s()
    attempt, facts = _apart(min(left_s, BOUNDS.get(way.attempt.route, BUDGET)), material, way, draft)
    if facts is None:
        draft.unlink(missing_ok=True)
    told = {**(facts or {}), "attempt": encode(attempt), "spent_s": round(apart.spent_s() - began, 1)}
    return told, None if facts is None else draft


def _prepared(model: torch.nn.Module) -> torch.nn.Module:
    """Experts as batched products: other ways bake the routing of the example into the graph."""
    choose = getattr(model, "set_experts_implementation", None)
    if choose is not None:
        with contextlib.suppress(ValueError, AttributeError):  # a class without experts, or without that choice
            choose("batched_mm")
    return model


@dataclass(frozen=True)
class _Way:
    """An attempt to be made, and the inputs that become constants in it."""

    attempt: Attempt
    frozen: tuple[str, ...]


def _ways(constant: tuple[str, ...], refused: Collection[str]) -> Iterator[_Way]:
    """In the order in which they are tried.

    A trace that fails has never been known to succeed with constants, nor without rewrites: other constants are only
    for a backend that refuses what a trace has led to.
    """
    tried = [("torchscript", (), False), ("flat", constant, False), ("dynamo", constant, True)]
    if constant and "torchscript" in refused:
        tried.insert(1, ("torchscript", constant, False))
    for route, frozen, plain in tried:
        yield _Way(Attempt(route=route, frozen=bool(frozen), plain=plain), frozen)


def _apart(bound_s: float, material: _Material, way: _Way, file: Path) -> tuple[Attempt, dict[str, Any] | None]:
    """An attempt in a process of its own, of so much processor time: exporters are known to end theirs."""

    def step() -> list[Any]:
        attempt, facts = _attempt(material, way, file)
        return [encode(attempt), facts]

    try:
        attempt, facts = apart.call(step, bound_s)
    except apart.Died as error:
        text, kinds = machine.without_folders(str(error))[:300], getattr(error, "kinds", (type(error).__name__,))
        passing = isinstance(error, apart.Killed | apart.NotAsked) or bool(PASSING & {*kinds})
        return dataclasses.replace(way.attempt, error=text, error_class=kinds[0], passing=passing), None
    return decode(Attempt, attempt), facts


def _attempt(material: _Material, way: _Way, file: Path) -> tuple[Attempt, dict[str, Any] | None]:
    """One way: what came of it, and the graph's facts if it is right."""
    import torch

    from archsweep.archs import eager
    from archsweep.export import rewrites

    attempt, calls = way.attempt, () if way.attempt.plain else material.calls
    failures = FAILURES + control.failures()
    rewriting = contextlib.nullcontext() if attempt.plain else rewrites.active()
    try:
        with torch.no_grad(), eager.preserved(material.model), eager.seeded(), rewriting:
            wrapped = wrapping.wrap(material.model, material.inputs, way.frozen, calls)
            routes.ROUTES[attempt.route](wrapped, file)
        attempt = dataclasses.replace(attempt, exported=True)
        session = control.open_session(file)
        found = [
            control.tensors(wrapped.outputs, session.run(None, control.feed(session, given)))
            for given in material.leaves
        ]
    except failures as error:
        return _failed(attempt, error, file), None
    far = [control.deviation(want, have) for want, have in zip(material.wanted, found, strict=True)]
    attempt = dataclasses.replace(attempt, deviations=tuple(item[0] for item in far), output=max(far)[1])
    if not max(far)[0] <= control.LIMIT:
        return attempt, None
    used = [item.name for item in session.get_inputs()]
    facts = {"inputs": used, "outputs": wrapped.outputs, "frozen": wrapped.frozen,
             "unused": [name for name in wrapped.inputs if name not in used],
             "beside": [encode(call) for call in calls]}  # fmt: skip
    return attempt, facts


def _failed(attempt: Attempt, error: Exception, file: Path) -> Attempt:
    """With the first line of the error that began it, and the operators that any of its causes names.

    The draft's name, made of a cache's place and a process's number, tells nothing of the model.
    """
    chain = [error]
    while isinstance(chain[-1].__cause__, Exception):
        chain.append(chain[-1].__cause__)
    plain = (re.sub(r"\x1b\[\d+m", "", str(item)).replace(str(file), "graph.onnx") for item in chain)
    texts = [machine.without_folders(text) for text in plain]
    named = next((found for text in texts if (found := _OPERATOR.findall(text))), [])
    line = next((line for text in reversed(texts) for line in text.splitlines() if line.strip()), "")
    passing = any(errors.out_of_memory(item) or isinstance(item, ImportError | OSError) for item in chain)
    return dataclasses.replace(
        attempt, error=line[:300], error_class=type(chain[-1]).__name__, passing=passing,
        said=type(error).__module__.startswith("torch.") and not passing and not _raised_here(error),
        operators=tuple(dict.fromkeys(item.replace("::", ".") for item in named)),
    )  # fmt: skip


def _raised_here(error: BaseException) -> bool:
    """Whether archsweep's own code has raised what began it: an exporter runs our wrapper, and wraps what it raises."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = f"{Path(archsweep.__file__).parent}{os.sep}"
    return not frames or frames[-1].f_code.co_filename.startswith(own)


# What exporters and ONNX Runtime raise on models they cannot take.
FAILURES = (
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    AssertionError,
    NotImplementedError,
)
