"""Checked ONNX graphs in ONNX Runtime sessions: shared by the platforms that are execution providers.

A provider gets the graph with its constants folded and its repairs made, proven right once more on the CPU provider.
Knows no provider by name.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep import export
from archsweep.contract import Bench, Placement, Tensor
from archsweep.errors import RuntimeFault
from archsweep.export import control, repairs
from archsweep.export.folding import fold

UNNAMED = "{0}_{1}"  # nodes get names, so that a placement can be read: operator and number
FLOATING = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")
LOOKS_AT_SHAPES = ("Shape", "Size")
OWN_ERRORS = "/proc/self/fd/2"  # on Linux


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A graph as a provider gets it. `floating` tells of each node, by name, whether it computes floating values."""

    graph: export.Graph
    model: bytes
    repairs: Mapping[str, int]
    floating: Mapping[str, bool]

    def facts(self) -> dict[str, Any]:
        return {**self.graph.facts(), "repairs": {name: count for name, count in self.repairs.items() if count}}


def prepared(bench: Bench, names: Sequence[str], graph: export.Graph | None = None) -> Prepared:
    """The checked graph, the bench's own unless it is given, folded and changed by the repairs `names`.

    Raises what export.graph raises, and ExportFault if the repaired graph is no longer right.
    """
    import onnx

    graph = graph or export.graph(bench)
    with tempfile.TemporaryDirectory() as folder:
        folded, target = Path(folder) / "folded.onnx", Path(folder) / "repaired.onnx"
        fold(graph.file, folded)
        counts = repairs.repaired(folded, names, target)
        model = named(onnx.load(str(target)))
        onnx.save(model, str(target))
        still_right(bench, graph, target)
    return Prepared(graph=graph, model=model.SerializeToString(), repairs=counts, floating=floating(model))


def named(model: Any) -> Any:
    """The model with shapes inferred and a name of its own for every node."""
    import onnx

    seen: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if not node.name or node.name in seen:
            node.name = UNNAMED.format(node.op_type, number)
        seen.add(node.name)
    return onnx.shape_inference.infer_shapes(model)


def floating(model: Any) -> dict[str, bool]:
    """Of each node by name: does it take or make floating values? Asking a tensor for its shape is no such work."""
    import onnx

    kinds = {item.name: item.data_type for item in model.graph.initializer}
    for item in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        kinds[item.name] = item.type.tensor_type.elem_type
    real = {onnx.TensorProto.DataType.Value(name) for name in FLOATING}
    unknown = onnx.TensorProto.UNDEFINED
    found = {}
    for node in model.graph.node:
        edges = node.output if node.op_type in LOOKS_AT_SHAPES else (*node.input, *node.output)
        of_edges = {kinds.get(name, unknown) for name in edges if name}
        found[node.name] = bool(of_edges & (real | {unknown}))
    return found


def still_right(bench: Bench, graph: export.Graph, file: Path) -> None:
    """Raises ExportFault if the repaired graph in `file` has other numbers on the CPU provider than `graph`."""
    leaves = graph.leaves(bench.inputs)
    before, after = (control.run(one, graph.outputs, leaves) for one in (graph.file, file))
    far, where = control.deviation(before, after)
    if not far <= control.LIMIT:
        raise export.ExportFault(f"repairs changed the numbers: {where} is off by {far:.2g} on the control run")


def failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises on graphs that a provider cannot take or run."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("EPFail", "Fail", "InvalidArgument", "InvalidGraph", "NotImplemented", "RuntimeException")
    return tuple(getattr(state, name) for name in names)


@contextlib.contextmanager
def log() -> Iterator[list[str]]:
    """What is written to standard error within, as lines, once it is over: ONNX Runtime names refused nodes there.

    Where standard error is a file already, as in a worker, it goes on to be written to: what a process that dies
    within has said last is found there.
    """
    lines: list[str] = []
    kept = stat.S_ISREG(os.fstat(2).st_mode) and Path(OWN_ERRORS).exists()
    with contextlib.nullcontext() if kept else tempfile.TemporaryFile() as captured:
        before, start = os.dup(2), os.fstat(2).st_size
        if captured is not None:
            os.dup2(captured.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(before, 2)
            os.close(before)
            if captured is None:
                with Path(OWN_ERRORS).open("rb") as written:
                    written.seek(start if start <= os.fstat(2).st_size else 0)  # the runner cuts what grows too long
                    lines.extend(written.read().decode(errors="replace").splitlines())
            else:
                captured.seek(0)
                lines.extend(captured.read().decode(errors="replace").splitlines())
                os.write(2, "\n".join([*lines, ""]).encode())


def placement(session: Any, provider: str, device: str, floats: Mapping[str, bool]) -> Placement:
    """Where the session's nodes are, as it recorded their assignment; a node that nobody knows counts as floating."""
    parts = session.get_provider_graph_assignment_info()
    there = [node for part in parts if part.ep_name != provider for node in part.get_nodes()]
    here = any(part.ep_name == provider for part in parts)
    elsewhere = tuple(node.op_type for node in there if floats.get(node.name, True))
    shapes = tuple(node.op_type for node in there if not floats.get(node.name, True))
    return Placement(device=device, readable=here or bool(there), elsewhere=elsewhere, shape_nodes=shapes)


class SessionProgram:
    """A graph in a session. Satisfies contract.Program."""

    def __init__(self, session: Any, graph: Prepared, placed: Placement) -> None:
        self._session, self._graph, self._placement = session, graph.graph, placed
        self.details = graph.facts()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        given = control.feed(self._session, self._graph.leaves(inputs))
        try:
            found = self._session.run(None, given)
        except failures() as error:
            raise RuntimeFault(f"{type(error).__name__}: {error}") from error
        return control.tensors(self._graph.outputs, found)

    def placement(self) -> Placement:
        return self._placement
