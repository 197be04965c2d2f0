"""OpenVINO: Intel's runtime, on the plugin that the device option names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archsweep import export
from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program, Tensor
from archsweep.export import wrapping

title = "OpenVINO"
priority = Priority.HIGH
package = "openvino"
capabilities = Capabilities(executes=True, dtypes=("float32",))
INSTALL = "pip install 'archsweep[openvino]'"


def probe() -> Probe:
    """Compiles and runs one addition on the CPU plugin."""
    try:
        import numpy
        import openvino
    except ImportError as error:
        return Probe(present=False, evidence=Evidence.NONE, reason=f"{error.name} is not installed", install=INSTALL)
    core = openvino.Core()
    device = f"openvino CPU ({core.get_property('CPU', 'FULL_DEVICE_NAME')})"
    operators = openvino.opset13
    given = operators.parameter([2], numpy.float32)
    compiled = core.compile_model(openvino.Model([operators.add(given, given)], [given]), "CPU")
    right = compiled(numpy.ones(2, numpy.float32))[0].tolist() == [2.0, 2.0]
    reason = "" if right else "an addition came out wrong"
    return Probe(
        present=right, evidence=Evidence.HARDWARE, device=device, reason=reason,
        versions={"openvino": openvino.__version__},
    )  # fmt: skip


class OpenVinoProgram:
    """A compiled model. Satisfies contract.Program."""

    def __init__(self, compiled: Any, graph: export.Graph, placement: Placement) -> None:
        self._request, self._graph, self._placement = compiled.create_infer_request(), graph, placement
        self.details = graph.facts()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        import numpy
        import torch

        leaves = wrapping.leaves(inputs)
        found = self._request.infer({name: leaves[name].contiguous().numpy() for name in self._graph.inputs})
        values = [found[index] for index in range(len(self._graph.outputs))]
        return {
            path: torch.from_numpy(numpy.asarray(value).copy())
            for path, value in zip(self._graph.outputs, values, strict=True)
        }

    def placement(self) -> Placement:
        return self._placement


def compile(bench: Bench) -> Program:
    import openvino

    graph = export.graph(bench)
    core = openvino.Core()
    model = core.read_model(graph.file)
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    )
    where = core.query_model(model, "CPU")
    elsewhere = tuple(name for name, device in where.items() if not device.startswith("CPU"))
    device = f"openvino CPU ({core.get_property('CPU', 'FULL_DEVICE_NAME')})"
    return OpenVinoProgram(compiled, graph, Placement(device=device, readable=bool(where), elsewhere=elsewhere))
