"""Can it leave eager mode? torch.export and ONNX, and the exported program at other batch sizes and lengths."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archsweep import export
from archsweep.archs import comparison, eager, rows
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Tensor, Verdict
from archsweep.export import wrapping

if TYPE_CHECKING:
    import torch

question = "Does torch.export take it, does ONNX, and is what they give eager's equal at other batch sizes and lengths?"
needs = ("module",)

GUARDS = (AssertionError, RuntimeError, ValueError)  # what an exported program raises at a size that it has baked in
MORE, FEWER = 3, 3  # rows of another batch; places by which another text is shorter


def applies(subject: Subject) -> str | None:
    return None


def warm_up() -> None:
    """Imports torch.export, which takes a second, and the exporters of ONNX."""
    importlib.import_module("torch.export")
    export.warm_up()


def run(bench: Bench) -> Verdict:
    reference, program = bench.reference, bench.program
    with eager.seeded():
        program.run(bench.inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    inputs = eager.fed_like(module, bench.inputs)
    bench.announce(Stage.EXPORT)
    wrapped = wrapping.wrap(module, inputs)
    given = wrapping.leaves(inputs).keys()
    others = [(what, other) for what, other in _others(inputs) if wrapping.leaves(other).keys() == given]
    exported = _exported(wrapped, inputs, [other for _, other in others])
    graph = export.graph(bench)
    bench.announce(Stage.RUN)
    found = _ran(exported, wrapped, inputs)
    bench.announce(Stage.COMPARE)
    held = {path: value for path, value in reference.outputs.items() if path in wrapped.outputs}
    verdict = comparison.compare(dataclasses.replace(reference, outputs=held), found, bench.case.dtype)
    details: dict[str, Any] = {**verdict.details, **graph.facts(), "shapes": []}
    if verdict.status is not Status.PASS:
        return dataclasses.replace(verdict, message=f"torch.export: {verdict.message}", details=details)
    for what, other in others:
        expected = eager.run(module, other)
        wanted = Reference(key="", outputs=expected, outputs32=expected, bound=reference.bound, seeded=reference.seeded)
        verdict = comparison.compare(wanted, _ran(exported, wrapped, other), bench.case.dtype)
        details["shapes"].append(what)
        if verdict.status is not Status.PASS:
            return dataclasses.replace(verdict, message=f"torch.export, {what}: {verdict.message}", details=details)
    return dataclasses.replace(verdict, details=details)


def _exported(wrapped: wrapping.Wrapped, inputs: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Any:
    """The exported program, with every size left open in which one of `others` differs.

    Each operation is seen once, so that the tracer's memory of what an operation gives, by the symbols of its shapes,
    costs a quarter of the time and spares none.
    """
    import torch
    import torch._dynamo.config as tracing

    leaves, different = wrapping.leaves(inputs), [wrapping.leaves(other) for other in others]
    shapes = tuple(
        {
            axis: torch.export.Dim.AUTO
            for axis, size in enumerate(leaves[name].shape)
            if any(other[name].shape[axis] != size for other in different)
        }
        for name in wrapped.inputs
    )
    with torch.no_grad(), tracing.patch(fake_tensor_cache_enabled=False):
        return torch.export.export(
            wrapped.module, wrapped.arguments, dynamic_shapes={"given": shapes}, strict=False
        ).module()


def _ran(exported: Any, wrapped: wrapping.Wrapped, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    import torch

    tensors = wrapping.leaves(inputs)
    with torch.no_grad(), eager.seeded():
        made = exported(*(tensors[name].clone() for name in wrapped.inputs))
    return {path: value.cpu() for path, value in zip(wrapped.outputs, made, strict=True)}


def _others(inputs: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Inputs of other sizes: more rows, and where all that is read is text, a shorter one."""
    apart = rows.apart(inputs)
    if apart is not None:
        yield f"{MORE} rows", rows.repeated(apart[0], MORE)
    ids = inputs.get("input_ids")
    others = [value for name, value in inputs.items() if name != "input_ids" and name.endswith(rows.CONTENT)]
    if ids is not None and ids.ndim == 2 and not any(getattr(value, "is_floating_point", bool)() for value in others):
        length = ids.shape[1]
        yield (
            f"{length - FEWER} places",
            {
                name: value[:, : length - FEWER]
                if getattr(value, "ndim", 0) >= 2 and value.shape[1] == length
                else value
                for name, value in inputs.items()
            },
        )
