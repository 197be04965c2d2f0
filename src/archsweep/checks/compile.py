"""Does torch.compile keep the numbers? The compiled module against float64, with its graph breaks and recompiles."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

from archsweep.archs import comparison, eager, outputs, rows, sessions
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Tensor, Verdict
from archsweep.errors import Unavailable

question = "Does torch.compile give the reference's outputs, and eager's at another batch size?"
costly = True  # asked only where it is named
needs = ("module",)

MORE = 3  # rows of another batch


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    import torch

    reference, program = bench.reference, bench.program
    with eager.seeded():
        program.run(bench.inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    parameter = next(module.parameters())
    inputs = eager.fed_like(module, bench.inputs)
    bench.announce(Stage.COMPILE)
    if parameter.device.type == "cpu":
        _find_compiler()
    counters = importlib.import_module("torch._dynamo.utils").counters
    torch.compiler.reset()
    counters.clear()
    compiled = torch.compile(module)
    found = _ran(module, compiled, inputs)
    graphs = counters["stats"]["unique_graphs"]
    bench.announce(Stage.COMPARE)
    verdict = comparison.compare(reference, found, bench.case.dtype)
    metrics = {
        **verdict.metrics,
        "graphs": float(graphs),
        "graph_breaks": float(sum(counters["graph_break"].values())),
    }
    details = {**verdict.details, "breaks": [str(reason)[:300] for reason in counters["graph_break"]]}
    if not graphs:
        return Verdict(status=Status.INAPPLICABLE, message="torch.compile found nothing to compile", details=details)
    apart = rows.apart(inputs)
    if verdict.status is Status.PASS and apart is not None:
        other = rows.repeated(apart[0], MORE)
        expected = eager.run(module, other)
        wanted = Reference(key="", outputs=expected, outputs32=expected, bound=reference.bound)
        bench.announce(Stage.RUN)
        again = comparison.compare(wanted, _ran(module, compiled, other), bench.case.dtype)
        metrics["recompiles"] = float(counters["stats"]["unique_graphs"] - graphs)
        if again.status is not Status.PASS:
            verdict = dataclasses.replace(again, message=f"{MORE} rows: {again.message}")
    return dataclasses.replace(verdict, metrics=metrics, details=details)


def _find_compiler() -> None:
    """Raises Unavailable where torch finds no C++ compiler, without which it compiles nothing for the CPU."""
    try:
        importlib.import_module("torch._inductor.cpp_builder").get_cpp_compiler()
    except RuntimeError as error:
        raise Unavailable("torch.compile finds no C++ compiler", "a C++ compiler (apt install g++)") from error


def _ran(module: Any, compiled: Any, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    import torch

    with torch.no_grad(), eager.preserved(module), eager.seeded():
        made = outputs.flatten(sessions.called(compiled, eager.copied(dict(inputs))))
        return {path: value.cpu().clone() for path, value in made.items()}
