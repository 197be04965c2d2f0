"""Is what goes wrong with this model reported? Three faults are planted into it, one at a time; each has to be found.

The model as it is has to pass first: of a model that always fails, every fault would seem to be found.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager
from archsweep.contract import Bench, Program, Stage, Status, Subject, Verdict

if TYPE_CHECKING:
    import torch

question = "Are an exception, NaN and numbers wrong by 1 % reported where they are planted into this model?"
needs = ("module",)
costly = True  # asked by name: it says something of archsweep rather than of the model

WRONG = 1.01


class PlantedError(RuntimeError):
    """What a planted model raises."""


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    bench.reference  # noqa: B018 (weights and inputs on which the CPU agrees with itself)
    honest = _judged(bench, bench.program)
    if honest.status is not Status.PASS:
        return honest
    found = {name: _found(bench, plant) for name, plant in FAULTS.items()}
    missed = [name for name, noticed in found.items() if not noticed]
    details = {**honest.details, "planted": found}
    if missed:
        message = f"planted and not reported: {', '.join(missed)}"
        return dataclasses.replace(honest, status=Status.FAIL, message=message, details=details)
    return dataclasses.replace(honest, details=details)


def _found(bench: Bench, plant: Callable[[torch.nn.Module], None]) -> bool:
    module = bench.model()
    plant(module)
    program = bench.compiled(module)
    try:
        return _judged(bench, program).status is Status.FAIL
    except PlantedError:
        return _judged(bench, program).status is Status.PASS  # it raises once; what comes after is as ever


def _judged(bench: Bench, program: Program) -> Verdict:
    reference, inputs = bench.reference, bench.inputs
    with eager.seeded():
        found = program.run(inputs)
    bench.announce(Stage.COMPARE)
    return comparison.compare(reference, found, bench.case.dtype)


def _raising(module: Any) -> None:
    """The model raises at its first pass."""
    honest, passes = module.forward, itertools.count()

    @functools.wraps(honest)
    def forward(*given: Any, **named: Any) -> Any:
        if next(passes) == 0:
            raise PlantedError("planted")
        return honest(*given, **named)

    module.forward = forward


def _changed(module: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The model with every floating-point number that it gives changed."""
    honest = module.forward

    @functools.wraps(honest)
    def forward(*given: Any, **named: Any) -> Any:
        return _mapped(honest(*given, **named), change)

    module.forward = forward


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if getattr(value, "is_floating_point", bool)() and value.dtype.is_floating_point:
        return change(value)
    if isinstance(value, Mapping):
        for name in list(value):
            value[name] = _mapped(value[name], change)  # type: ignore[index]
        return value
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_mapped(item, change) for item in value)
    return value


FAULTS: Mapping[str, Callable[[Any], None]] = {
    "exception": _raising,
    "NaN": functools.partial(_changed, change=lambda value: value * float("nan")),
    "wrong by 1 %": functools.partial(_changed, change=lambda value: value * WRONG),
}
