"""OpenVINO: Intel's runtime, on the plugin that the device option names."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep import export
from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program, Stage, Tensor
from archsweep.errors import UNLOADABLE, Inapplicable, RuntimeFault, Unavailable, Unsupported, out_of_memory
from archsweep.export import repairs, wrapping
from archsweep.platforms import _code, _nncf, _onnxruntime, _packages

title = "OpenVINO"
priority = Priority.HIGH
package = "openvino"
capabilities = Capabilities(
    executes=True,
    dtypes=("float32", "bfloat16", "float16"),
    options={"route": ("onnx", "torchscript", "exported_program"), "device": ("CPU", "GPU", "NPU")},
    quantizes=tuple(_nncf.SCHEMES),
)
ON_CPU = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
OLDEST = (2025, 0)
REPAIRS = ("division_without_rest", "einsum_of_constants", "weighted_softmax_as_matrix")
SHAPES = "ShapeOf"  # of a floating tensor it reads no values
EDGES = ("Parameter", "Constant", "Result")  # operators that compute nothing
_NAMED = re.compile(
    r"(?:No conversion rule found for operations: |type = |operation (?:of type )?|validating node ')([\w:]+)"
)
_OWN = re.compile(r"openvino|onversion|Exception from src/|failed at src/", re.IGNORECASE)  # what its errors say
INSTALL = "pip install 'archsweep[openvino]'"
DRIVERS = {  # what lets the plugin find the device
    "GPU": "the driver of Intel's GPU (on Debian and Ubuntu: apt install intel-opencl-icd)",
    "NPU": "the driver of Intel's NPU (https://github.com/intel/linux-npu-driver)",
}
FAILURES = (RuntimeError, TypeError, ValueError)  # what OpenVINO raises


@dataclass(frozen=True, kw_only=True)
class Made:
    """A model as it was read, and compiled; `leaves` finds the tensors that it is given among the inputs."""

    model: Any
    compiled: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    leaves: Callable[[Mapping[str, Any]], Mapping[str, Tensor]]
    facts: dict[str, Any]


def warm_up() -> None:
    """Imports what takes a good part of a second, before workers are forked."""
    _runtime()
    export.warm_up()


def _runtime() -> Any:
    """The package, without its telemetry: a thread of its own that sends a message for each process that imports it."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module("openvino")


def probe() -> Probe:
    """Compiles and runs one addition on the CPU plugin."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    versions: dict[str, str] = {}
    try:
        versions |= _packages.versions({"openvino": OLDEST, **dict.fromkeys(export.TOOLS, ())}, INSTALL)
        device, reason = _add()
    except (Unavailable, *UNLOADABLE) as error:
        device, reason = "", _packages.plain(error)
    if reason:
        return Probe(present=False, evidence=Evidence.NONE, reason=reason, install=INSTALL, versions=versions)
    return Probe(present=True, evidence=Evidence.HARDWARE, device=device, versions=versions)


def _add() -> tuple[str, str]:
    """The CPU's name, and what is wrong with an addition on it: empty if nothing is."""
    import numpy

    openvino = _runtime()
    core, operators = openvino.Core(), openvino.opset13
    given = operators.parameter([2], numpy.float32)
    compiled = core.compile_model(openvino.Model([operators.add(given, given)], [given]), "CPU")
    right = compiled(numpy.ones(2, numpy.float32))[0].tolist() == [2.0, 2.0]
    title = f"openvino CPU ({core.get_property('CPU', 'FULL_DEVICE_NAME')})"
    return title, "" if right else "an addition came out wrong"


class OpenVinoProgram:
    """A compiled model. Satisfies contract.Program."""

    def __init__(self, made: Made, placement: Placement) -> None:
        self._request, self._placement = made.compiled.create_infer_request(), placement
        self._inputs, self._outputs, self._leaves = made.inputs, made.outputs, made.leaves
        self.details = made.facts

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        import numpy
        import torch

        leaves = self._leaves(inputs)
        given = [leaves[name].contiguous().numpy() for name in self._inputs]
        try:
            found = self._request.infer(given)
        except RuntimeError as error:  # what OpenVINO makes of each of its own exceptions
            raise RuntimeFault(f"{type(error).__name__}: {error}") from error
        values = [found[index] for index in range(len(self._outputs))]
        return {
            path: torch.from_numpy(numpy.asarray(value).copy())
            for path, value in zip(self._outputs, values, strict=True)
        }

    def placement(self) -> Placement:
        return self._placement


def compile(bench: Bench) -> Program:
    """The bench's model by the route of the case, on its device, in its dtype. Raises Unsupported, Unavailable."""
    core = _runtime().Core()
    return _program(core, _made(bench, core, _settings(bench, core)), bench)


def quantized(bench: Bench, scheme: str) -> Quantized:
    """The compiled model's graph in eight bits, and the same with its rounding in float on the CPU."""
    core = _runtime().Core()
    settings = _settings(bench, core)
    made = _made(bench, core, settings)
    passes = [made.leaves(given) for given in (bench.inputs, bench.second_inputs)]
    given = [[leaves[name].contiguous().numpy() for name in made.inputs] for leaves in passes]
    model = _nncf.quantized(made.model, given)
    weights = _nncf.weights(core, made.model, model)
    if not weights:
        raise Inapplicable("NNCF makes integers of the weights of products and convolutions alone, and it has none")
    try:
        compiled = core.compile_model(model, bench.option("device"), settings)
    except FAILURES as error:
        raise _refusal(error) from error
    beside = core.compile_model(model, "CPU", {**ON_CPU, "INFERENCE_PRECISION_HINT": "f32", **_nncf.IN_FLOAT})
    own, control = (dataclasses.replace(made, model=model, compiled=item) for item in (compiled, beside))
    return Quantized(
        program=_program(core, own, bench),
        control=OpenVinoProgram(control, _placement(core, model, beside, "CPU")),
        rounding=_nncf.SCHEMES[scheme], weights=weights,
        bytes_before=_nncf.size(made.model), bytes_after=_nncf.size(model),
    )  # fmt: skip


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """By the route of the case: a program of a graph tells of the attempts at it, one straight from torch does not."""
    told, program = _code.case(details), details.get("program") or {}
    if reason := _code.lacking(details):
        return _code.none(reason)
    hint = {"INFERENCE_PRECISION_HINT": HINTS.get(told.dtype, "f32")}
    asked = f"{_code.quoted(str(told.options.get('device', 'CPU')))}, {json.dumps(hint)}"
    if "attempts" in program:
        imports, lines, file = _code.graph(details, fold=False)
        run = [
            f'compiled = openvino.Core().compile_model("{file}", {asked})',
            "feeds = [inputs[next(name for name in inputs if name in item.names)] for item in compiled.inputs]",
            "found = compiled([value.numpy() for value in feeds])",
        ]
    else:
        imports, lines = ["import torch"], _code.positional(details)
        traced = program.get("route") == "torchscript"
        exported = "module, example_input=given" if traced else "torch.export.export(module, given, strict=False)"
        run = [
            "with torch.no_grad():",
            f"    converted = openvino.convert_model({exported})",
            "converted.reshape({item: list(value.shape) for item, value in zip(converted.inputs, given)})",
            f"compiled = openvino.Core().compile_model(converted, {asked})",
            "found = compiled([value.numpy() for value in given])",
        ]
    named = _code.named(details, "[found[index] for index in range(len(compiled.outputs))]")
    return [_code.code(f"import openvino  # {INSTALL}", *imports, lines=[*lines, "", *run, named])]


def _settings(bench: Bench, core: Any) -> dict[str, Any]:
    """What the device is asked for. Raises Unavailable where it is not here."""
    device = bench.option("device")
    if not any(name.split(".")[0] == device for name in core.available_devices):
        here = ", ".join(core.available_devices)
        raise Unavailable(f"OpenVINO finds no {device} here, only {here}", DRIVERS.get(device, INSTALL))
    return {"INFERENCE_PRECISION_HINT": HINTS[bench.case.dtype], **(ON_CPU if device == "CPU" else {})}


def _made(bench: Bench, core: Any, settings: Mapping[str, Any]) -> Made:
    return (_from_onnx if bench.option("route") == "onnx" else _from_torch)(bench, core, settings)


def _program(core: Any, made: Made, bench: Bench) -> OpenVinoProgram:
    """Raises Unsupported where the device computes in another dtype than it was asked for."""
    device, hint = bench.option("device"), HINTS[bench.case.dtype]
    chosen = made.compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if chosen != hint:
        raise Unsupported(f"asked for {hint}, the {device} plugin computes in {chosen}")
    return OpenVinoProgram(made, _placement(core, made.model, made.compiled, device))


class _Unknown(Unsupported):
    """Shapes of outputs stay unknown, though those of the inputs are known."""


def _from_onnx(bench: Bench, core: Any, settings: Mapping[str, Any]) -> Made:
    """From the checked graph, or from another one if the first is refused or has no static shapes."""

    def take(graph: export.Graph, static: bool = True) -> tuple[Any, Any, dict[str, int]]:
        model, counts = _read(bench, core, graph)
        if static and any(item.partial_shape.is_dynamic for item in model.outputs):
            raise _Unknown("the shapes of its outputs stay unknown")
        try:
            return model, core.compile_model(model, bench.option("device"), settings), counts
        except FAILURES as error:
            raise _refusal(error) from error

    try:
        graph, (model, compiled, counts) = export.accepted(bench, take)
    except _Unknown:  # no graph is better
        graph, (model, compiled, counts) = export.accepted(bench, functools.partial(take, static=False))
    order = tuple(next(name for name in graph.inputs if name in item.names) for item in model.inputs)
    return Made(
        model=model, compiled=compiled, inputs=order, outputs=graph.outputs, leaves=graph.leaves,
        facts={**graph.facts(), "repairs": {name: count for name, count in counts.items() if count}},
    )  # fmt: skip


def _read(bench: Bench, core: Any, graph: export.Graph) -> tuple[Any, dict[str, int]]:
    """The graph's model with the repairs made, and how many places each repair changed."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "repaired.onnx"
        counts = repairs.repaired(graph.file, REPAIRS, target)
        if any(counts.values()):
            _onnxruntime.still_right(bench, graph, target)
        try:  # an error of a repair, or of its proof, is no refusal
            return core.read_model(target if any(counts.values()) else graph.file), counts
        except FAILURES as error:
            raise _refusal(error) from error


def _from_torch(bench: Bench, core: Any, settings: Mapping[str, Any]) -> Made:
    """Straight from the module, without ONNX: traced, or through torch.export."""
    import torch

    openvino = _runtime()
    bench.announce(Stage.EXPORT)
    route = bench.option("route")
    wrapped = wrapping.wrap(bench.model(), bench.inputs)
    exported = None
    if route == "exported_program":
        with torch.no_grad():
            exported = torch.export.export(wrapped.module, wrapped.arguments, strict=False)
    try:
        with torch.no_grad():
            if exported is not None:
                model = openvino.convert_model(exported)
            else:
                model = openvino.convert_model(wrapped.module, example_input=wrapped.arguments)
        bench.announce(Stage.COMPILE)
        if len(model.inputs) != len(wrapped.inputs) or len(model.outputs) != len(wrapped.outputs):
            raise Unsupported("the converter left out inputs or outputs, and does not say which")
        shapes = {item: list(given.shape) for item, given in zip(model.inputs, wrapped.arguments, strict=True)}
        model.reshape(shapes)
        compiled = core.compile_model(model, bench.option("device"), settings)
    except FAILURES as error:
        raise _refusal(error) from error
    return Made(
        model=model, compiled=compiled, inputs=wrapped.inputs, outputs=wrapped.outputs, leaves=wrapping.leaves,
        facts={"route": route},
    )  # fmt: skip


def _placement(core: Any, model: Any, compiled: Any, device: str) -> Placement:
    """What the plugin says of each operator, and the compiled model of itself.

    Asked of a model, a plugin names the operators that it takes, and no others: what it leaves out is elsewhere.
    """
    where = core.query_model(model, device)
    elsewhere = {name for name, place in where.items() if place.split(".")[0] != device}
    shapes: set[str] = set()
    for operator in model.get_ops():
        if operator.get_friendly_name() not in where and operator.get_type_name() not in EDGES:
            edges = operator.outputs() + ([] if operator.get_type_name() == SHAPES else operator.inputs())
            floating = any(edge.get_element_type().is_real() for edge in edges)
            (elsewhere if floating else shapes).add(operator.get_friendly_name())
    ran = [str(item) for item in compiled.get_property("EXECUTION_DEVICES")]
    elsewhere |= {f"all, on {item}" for item in ran if item.split(".")[0] != device}
    title = f"openvino {device} ({core.get_property(device, 'FULL_DEVICE_NAME')})"
    return Placement(
        device=title, readable=bool(where) and bool(ran), elsewhere=tuple(sorted(elsewhere)),
        shape_nodes=tuple(sorted(shapes)),
    )  # fmt: skip


def _refusal(error: Exception) -> Exception:
    """Unsupported where the text is of an operation or of a shape that a frontend or a plugin does not take.

    What an allocator said is none, whatever stands around it: it goes on as what it is.
    """
    text = str(error)
    if out_of_memory(error):
        return MemoryError(text)
    operators = tuple(dict.fromkeys(_NAMED.findall(text)))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next((line for line in lines if "nsupported" in line or "not supported" in line), lines[-1] if lines else "")
    return Unsupported(told[:300], operators) if operators or _OWN.search(text) else error
