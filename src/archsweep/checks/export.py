"""Can it leave eager mode? torch.export and ONNX, and the exported program at other batch sizes and lengths.

torch.export is given the model as it is; where it refuses that, as transformers' own exporter prepares it, at last with
images of one size alone, which that exporter asks for. The result says which.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep import export
from archsweep.archs import comparison, eager, rows
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Tensor, Verdict
from archsweep.export import prepared, wrapping

if TYPE_CHECKING:
    import torch

question = "Does torch.export take it, does ONNX, and is what they give eager's equal at other batch sizes and lengths?"
needs = ("module",)

GUARDS = (AssertionError, RuntimeError, ValueError)  # what an exported program raises at a size that it has baked in
MORE, FEWER = 3, 3  # rows of another batch; places by which another text is shorter


class BakedIn(RuntimeError):
    """The exported program takes no other size than the one it was traced with."""


def applies(subject: Subject) -> str | None:
    return None


def warm_up() -> None:
    """Imports torch.export, which takes a second, and the exporters of ONNX."""
    importlib.import_module("torch.export")
    export.warm_up()


def run(bench: Bench) -> Verdict:
    bench.reference  # noqa: B018 (weights and inputs on which the CPU agrees with itself)
    program = bench.program
    with eager.seeded():
        program.run(bench.inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    inputs = eager.fed_like(module, bench.inputs)
    refused: list[Exception] = []
    for way in _ways(module, inputs):
        bench.announce(Stage.EXPORT)
        try:
            with eager.preserved(module):  # what a tracer leaves in a module's own caches would be the next case's
                found = _found(bench, module, way)
        except eager.RAISED as error:
            refused.append(error)
            if isinstance(error, BakedIn):  # a loop over rows or places, which nothing prepares
                break
            continue
        told = {"torch_export": {"way": way.name, "refused": [str(error) for error in refused]}}
        if found.status is not Status.PASS:
            return dataclasses.replace(found, details={**found.details, **told})
        graph = export.graph(bench)
        return dataclasses.replace(found, details={**found.details, **told, **graph.facts()})
    raise refused[0]


@dataclass(frozen=True, kw_only=True)
class _Way:
    """How torch.export is asked. `given`: what the model takes; `prepare`: adds what the program takes beside that;
    `tracing`: held while the model is traced; `reference`: whether `given` are the inputs of the reference."""

    name: str
    given: Mapping[str, Any]
    prepare: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    tracing: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    reference: bool = True


def _ways(module: Any, inputs: Mapping[str, Any]) -> Iterator[_Way]:
    """The model as it is; as transformers' own exporter prepares it; the same with rows, and images, all alike."""
    yield _Way(name="plain", given=inputs)
    if not prepared.known():
        return
    prepare, tracing = functools.partial(prepared.inputs, module), functools.partial(prepared.tracing, module)
    yield _Way(name="prepared", given=inputs, prepare=prepare, tracing=tracing)
    apart = rows.apart(inputs)
    if apart is not None:
        alike = rows.repeated(apart[0], len(apart))
        yield _Way(name="prepared, rows alike", given=alike, prepare=prepare, tracing=tracing, reference=False)


def _found(bench: Bench, module: Any, way: _Way) -> Verdict:
    """What torch.export makes of the module, at the sizes that it has seen and at others. Raises what it raises."""
    inputs, others = way.prepare(way.given), []
    for what, other in _others(way.given):
        if wrapping.leaves(other).keys() != wrapping.leaves(way.given).keys():  # a list with an item for each row
            continue
        others.append((what, other, way.prepare(other)))
        if wrapping.leaves(others[-1][2]).keys() != wrapping.leaves(inputs).keys():
            raise BakedIn(f"{what}: the program takes no other size than the one traced: it would have other inputs")
    wrapped = wrapping.wrap(module, inputs)
    with way.tracing():
        exported = _exported(wrapped, inputs, [full for *_, full in others])
    bench.announce(Stage.RUN)
    verdict = _compared(bench, None if way.reference else eager.run(module, way.given), _ran(exported, wrapped, inputs))
    details: dict[str, Any] = {**verdict.details, "shapes": []}
    if verdict.status is not Status.PASS:
        return dataclasses.replace(verdict, message=f"torch.export: {verdict.message}", details=details)
    for what, other, full in others:
        try:
            found = _ran(exported, wrapped, full)
        except GUARDS as error:
            raise BakedIn(f"{what}: the program takes no other size than the one traced: {error}") from error
        verdict = _compared(bench, eager.run(module, other), found)
        details["shapes"].append(what)
        if verdict.status is not Status.PASS:
            return dataclasses.replace(verdict, message=f"torch.export, {what}: {verdict.message}", details=details)
    return dataclasses.replace(verdict, details=details)


def _compared(bench: Bench, expected: Mapping[str, Tensor] | None, found: Mapping[str, Tensor]) -> Verdict:
    """`found` against eager's outputs, or the reference's without any."""
    bench.announce(Stage.COMPARE)
    held = bench.reference
    if expected is None:
        wanted = {path: value for path, value in held.outputs.items() if path in found}
        return comparison.compare(dataclasses.replace(held, outputs=wanted), found, bench.case.dtype)
    other = Reference(key="", outputs=expected, outputs32=expected, bound=held.bound, seeded=held.seeded)
    return comparison.compare(other, found, bench.case.dtype)


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
