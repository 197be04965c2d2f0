"""Qualcomm's Hexagon tensor processor (HTP) by ONNX Runtime's QNN provider: the device where there is one, else
Qualcomm's own emulation of the chip that the option `soc` names. It computes in float16 between float32 edges.
"""

from __future__ import annotations

import dataclasses
import json
import platform as machine
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsweep import export
from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program
from archsweep.errors import UNLOADABLE, Unavailable, Unexecuted, Unsupported
from archsweep.export import control
from archsweep.platforms import _code, _onnxruntime, _packages, _qdq

title = "Qualcomm HTP (QNN)"
priority = Priority.HIGH
package = "onnxruntime-qnn"
# Chips by QNN's soc_model: 69 SM8750, 87 SM8850, 57 SM8650, 60 SC8380XP, 43 SM8550, 30 SM8350.
capabilities = Capabilities(
    executes=True, dtypes=("float16",), options={"soc": ("69", "87", "57", "60", "43", "30")},
    quantizes=tuple(_qdq.SCHEMES), fork_safe=True,
)  # fmt: skip
COMPILED_ONLY = ("30",)  # its emulation computes in float32, which the chip does not: no run of it is to be believed
INSTALL = "pip install 'archsweep[qualcomm]'"
PROVIDER = "QNNExecutionProvider"
REPAIRS = (
    "concatenation_of_something",
    "masked_rows_as_selection",
    "reciprocal_as_division",
    "masked_rows_by_maximum",
    "scatter_of_one_boolean",
    "gather_nd_by_flat_indices",
    "gather_by_flat_indices",
    "gathers_of_booleans_as_integers",
    "einsum_as_product",
    "casts_of_whole_numbers",
    "scales_of_one_dimension",
    "integer_products_of_one_shape",
    "squares_as_products",
    "softplus_by_exponential",
    "exponentials_of_bounded_numbers",
    "operations_of_few_dimensions",
    "transposes_of_few_dimensions",
    "reshapes_of_few_dimensions",
)
# The first that take the provider as a plugin, and the first that graphs are made and proven with.
OLDEST = {"onnx": (1, 20), "onnxscript": (0, 6), "onnxruntime": (1, 24), "onnxruntime-qnn": (2, 0)}
ROUNDED = (1e-6, 1e-2)  # a product of matrices in float16 is off by more than the first and less than the second

_REFUSED = re.compile(r"Unsupported nodes in QNN EP: (.*)")
_NODE = re.compile(r"\{ name: (.*?), type: (\w+) \}")
_ERROR = re.compile(r"\[E:onnxruntime:[^\]]*\] (.*?)(?:\x1b\[m)?$")


def probe() -> Probe:
    """Multiplies two small matrices, and looks whether the product was rounded as the chip rounds."""
    soc = capabilities.options["soc"][0]
    versions: dict[str, str] = {}
    try:
        versions |= _packages.versions(OLDEST, INSTALL, unloaded=("onnxscript",))
        reason, evidence, device = _multiply(soc), _evidence(), _device(soc)
    except (Unavailable, *UNLOADABLE) as error:
        reason, evidence, device = _packages.plain(error), Evidence.NONE, ""
    except _onnxruntime.failures() as error:
        reason, evidence, device = _packages.plain(error), Evidence.NONE, ""
    if reason:
        return Probe(present=False, evidence=Evidence.NONE, reason=reason, install=INSTALL, versions=versions)
    return Probe(present=True, evidence=evidence, device=device, versions=versions)


def compile(bench: Bench) -> Program:
    """The bench's model from its checked graph, or from another way's graph if the chip refuses the first."""

    def take(offered: export.Graph) -> tuple[_onnxruntime.Prepared, Any, Placement]:
        made = _onnxruntime.prepared(bench, REPAIRS, offered)
        return made, *_placed(made, bench.option("soc"))

    graph, (made, session, placed) = export.accepted(bench, take)
    program = _onnxruntime.SessionProgram(session, dataclasses.replace(made, graph=graph), placed)
    program.details |= {"shape_nodes": list(placed.shape_nodes)} if placed.shape_nodes else {}
    return program


def quantized(bench: Bench, scheme: str) -> Quantized:
    """The prepared graph with its rounding in it, on the chip, and on ONNX Runtime's CPU."""

    def take(offered: export.Graph) -> tuple[_qdq.Integers, Any, Placement]:
        integers = _qdq.quantized(bench, _onnxruntime.prepared(bench, REPAIRS, offered), scheme)
        return integers, *_placed(integers.made, bench.option("soc"))

    graph, (integers, session, placed) = export.accepted(bench, take)
    made = dataclasses.replace(integers.made, graph=graph)
    beside = Placement(device="ONNX Runtime on the CPU", readable=True)
    return Quantized(
        program=_onnxruntime.SessionProgram(session, made, placed),
        control=_onnxruntime.SessionProgram(control.open_session(made.model), made, beside),
        rounding=_qdq.SCHEMES[scheme], weights=integers.weights,
        bytes_before=integers.bytes_before, bytes_after=integers.bytes_after,
    )  # fmt: skip


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    if reason := _code.lacking(details):
        return _code.none(reason)
    told, (imports, lines, file) = _code.case(details), _code.graph(details)
    chosen = {"backend_type": "htp"}
    if told.evidence != Evidence.HARDWARE:
        chosen["soc_model"] = str(told.options.get("soc", capabilities.options["soc"][0]))
    fallback = bool(details["program"].get("shape_nodes"))
    said = "integers alone were left to the CPU" if fallback else "all of it on HTP, or nothing"
    run = [
        *lines,
        "",
        f'onnxruntime.register_execution_provider_library("{PROVIDER}", onnxruntime_qnn.get_library_path())',
        f'devices = [item for item in onnxruntime.get_ep_devices() if item.ep_name == "{PROVIDER}"]',
        'devices.sort(key=lambda item: item.device.type.name != "NPU")',
        "options = onnxruntime.SessionOptions()",
        f'options.add_session_config_entry("session.disable_cpu_ep_fallback", "{int(not fallback)}")  # {said}',
        f"options.add_provider_for_devices(devices[:1], {json.dumps(chosen)})",
        f'session = onnxruntime.InferenceSession("{file}", options)',
        f"feeds = {_code.fed('session')}",
        _code.named(details, "session.run(None, feeds)"),
    ]
    return [_code.code("import onnxruntime", f"import onnxruntime_qnn  # {INSTALL}", *imports, lines=run)]


def _placed(made: _onnxruntime.Prepared, soc: str) -> tuple[Any, Placement]:
    """A session on the chip, and where its nodes are. Raises Unsupported, Unexecuted."""
    if soc in COMPILED_ONLY and _evidence() is Evidence.EMULATOR:
        size = context_binary(made.model, soc)
        raise Unexecuted(f"compiled for the chip {soc} ({size} bytes), whose emulation does not compute as it does")
    session = open_session(made.model, made.floating, soc)
    placed = _onnxruntime.placement(session, PROVIDER, _device(soc), made.floating)
    if placed.elsewhere:
        raise _refusal(placed)
    return session, placed


def open_session(model: bytes, floats: Mapping[str, bool], soc: str) -> Any:
    """A session with fallback to the CPU off; on only where nothing but integers and booleans would stay there.

    Raises Unsupported with the provider's own words, and the operators that it leaves.
    """
    try:
        with _onnxruntime.log() as lines:
            return _session(model, soc, fallback=False)
    except _onnxruntime.failures() as error:
        nodes = _refused(lines)
        if not nodes or any(floats.get(name, True) for name, _ in nodes):
            raise _told(error, nodes, lines) from error
    try:
        with _onnxruntime.log() as lines:
            return _session(model, soc, fallback=True)
    except _onnxruntime.failures() as error:
        raise _told(error, nodes, lines) from error


def context_binary(model: bytes, soc: str) -> int:
    """Size in bytes of what the chip's compiler makes of the whole model. Raises Unsupported."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "context.onnx"
        try:
            with _onnxruntime.log() as lines:
                _session(model, soc, fallback=False, context=target)
        except _onnxruntime.failures() as error:
            raise _told(error, _refused(lines), lines) from error
        return sum(item.stat().st_size for item in Path(folder).iterdir())


def _session(model: bytes, soc: str, *, fallback: bool, context: Path | None = None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 2
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "0" if fallback else "1")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if context is not None:
        options.add_session_config_entry("ep.context_enable", "1")
        options.add_session_config_entry("ep.context_file_path", str(context))
    chosen = {"backend_type": "htp"}
    if _evidence() is Evidence.EMULATOR:
        chosen["soc_model"] = soc  # without it the emulation computes in float32, as no chip does
    options.add_provider_for_devices(_devices(), chosen)
    return onnxruntime.InferenceSession(model, options, enable_fallback=0)


def _devices() -> list[Any]:
    """What the provider's library offers; registers it at the first call. Prefers the NPU where there is one."""
    import onnxruntime
    import onnxruntime_qnn

    found = [item for item in onnxruntime.get_ep_devices() if item.ep_name == PROVIDER]
    if not found:
        onnxruntime.register_execution_provider_library(PROVIDER, onnxruntime_qnn.get_library_path())
        found = [item for item in onnxruntime.get_ep_devices() if item.ep_name == PROVIDER]
    if not found:
        raise Unavailable("the QNN provider offers no device", INSTALL)
    return [item for item in found if item.device.type.name == "NPU"][:1] or found[:1]


def _evidence() -> Evidence:
    """Only an ARM machine whose provider offers an NPU has the chip."""
    real = machine.machine().lower() in ("arm64", "aarch64") and _devices()[0].device.type.name == "NPU"
    return Evidence.HARDWARE if real else Evidence.EMULATOR


def _device(soc: str) -> str:
    if _evidence() is Evidence.HARDWARE:
        return f"Qualcomm HTP ({_devices()[0].device.vendor})"
    return f"Qualcomm HTP, emulated on {machine.machine()} (soc_model {soc})"


def _multiply(soc: str) -> str:
    """Empty if a product of matrices on HTP is right, else what is wrong with it."""
    import numpy
    import onnx

    left, right = (numpy.sin(numpy.arange(64, dtype=numpy.float32) + start).reshape(8, 8) for start in (0, 1))
    form = [8, 8]
    edges = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, form) for name in ("x", "y")]
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    graph = onnx.helper.make_graph([node], "probe", edges[:1], edges[1:], [onnx.numpy_helper.from_array(right, "w")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    with _onnxruntime.log():
        session = _session(model.SerializeToString(), soc, fallback=False)
    wanted = left @ right
    far = float(abs(session.run(None, {"x": left})[0] - wanted).max() / abs(wanted).max())
    if far < ROUNDED[0]:
        return f"a matrix product was computed in float32, which the chip {soc} does not do"
    return "" if far < ROUNDED[1] else f"a matrix product came out wrong by {far:.2g}"


def _refused(lines: list[str]) -> list[tuple[str, str]]:
    """(name, operator) of the nodes that the log says stay on the CPU; the last such line counts."""
    told = [found[1] for line in lines if (found := _REFUSED.search(line))]
    return _NODE.findall(told[-1]) if told else []


def _told(error: Exception, nodes: list[tuple[str, str]], lines: list[str]) -> Unsupported:
    operators = tuple(dict.fromkeys(operator for _, operator in nodes))
    if operators:
        return Unsupported(f"HTP does not take {', '.join(operators)}: {error}", operators)
    said = [found[1] for line in lines if (found := _ERROR.search(line))]
    return Unsupported(". ".join(dict.fromkeys([f"{type(error).__name__}: {error}", *said[:3]])))


def _refusal(placed: Placement) -> Unsupported:
    operators = tuple(dict.fromkeys(placed.elsewhere))
    return Unsupported(f"left on the CPU: {', '.join(operators)}", operators)
