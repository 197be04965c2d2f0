"""Can it be trained? Gradients of one pass against the CPU's in float64, and one step down.

Twice: of a projection of all outputs, which reaches every parameter that an output depends on; and of the class's own
loss, where it has one and labels can be found for it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, float64, gradients, labels, reference
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Verdict
from archsweep.errors import ReferenceFault

if TYPE_CHECKING:
    import torch

question = "Does a finite gradient reach every parameter that it reaches in float64, and does a step lower the loss?"
needs = ("module", "trains")

STEPS = (1e-3, 1e-4, 1e-5, 1e-6)  # by how much a step should lower the loss, as a part of the loss's size, or of one
ROUNDINGS = 16  # of the loss: less cannot be told from none
NOISE = 1e-2  # of the root mean square of the largest gradient; in half precision some roundings, where that is more
HALVES = ("float16", "bfloat16")
KEPT = 0.1  # of that, at least this part


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    outputs = bench.reference.outputs  # those of a model on which the CPU does not agree have no gradients to agree on
    bench.announce(Stage.REFERENCE)
    inputs, held = _agreed(bench)
    if not held.outputs:
        return Verdict(status=Status.INAPPLICABLE, message="no floating output depends on a parameter")
    if not _noise(held.outputs):
        return Verdict(status=Status.INAPPLICABLE, message="every gradient is zero in float64")
    program = bench.program
    with eager.seeded():
        program.run(inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    verdict = _judged(bench, module, inputs, held)
    if verdict.status is not Status.PASS or not (gradients.OWN in outputs or labels.asked(type(module))):
        return verdict
    bench.announce(Stage.REFERENCE)
    beside, why = labels.found(bench.model(), inputs, outputs)
    if beside is None:
        return dataclasses.replace(verdict, details={**verdict.details, "own_loss": {"untried": why}})
    given = {**inputs, **beside}
    own = _judged(bench, module, given, _held(bench, given, own=True), own=True)
    told = {"given": list(beside), **{name: own.details[name] for name in ("loss", "lowered", "parameters")}}
    details = {**verdict.details, "own_loss": told}
    if own.status is not Status.PASS:
        return dataclasses.replace(own, message=f"of its own loss: {own.message}", details=details)
    return dataclasses.replace(verdict, details=details)


def _judged(
    bench: Bench, module: torch.nn.Module, inputs: Mapping[str, Any], held: Reference, *, own: bool = False
) -> Verdict:
    """The gradients of one pass where the module is against `held`, and a step along them."""
    parameter = next(module.parameters())
    given = eager.fed_like(module, inputs)
    bench.announce(Stage.RUN)
    found = gradients.taken(module, given, own=own)
    lower = _lowered(bench.model(), module, inputs, found, own=own)
    bench.announce(Stage.COMPARE)
    away = [name for name, value in found.gradients.items() if value.device != parameter.device]
    taken = {name: value.cpu() for name, value in found.gradients.items()}
    dtype = bench.case.dtype
    verdict = comparison.compare(_kinked(held, dtype), taken, dtype, near_zero=_noise(held.outputs, dtype))
    details = {**verdict.details, "loss": found.loss, "lowered": lower, "parameters": len(held.outputs)}
    faults = [] if math.isfinite(found.loss) else [f"the loss is {found.loss}"]
    faults += [verdict.message.replace("outputs missing", "no gradient reaches")] if verdict.message else []
    faults += [f"gradients on another device: {', '.join(away[:3])}"] if away else []
    faults += [] if lower is not None else ["no step down the gradient lowers the loss"]
    status = Status.FAIL if faults else Status.PASS
    return dataclasses.replace(verdict, status=status, message="; ".join(faults), details=details)


def _agreed(bench: Bench) -> tuple[Mapping[str, Any], Reference]:
    """Inputs on whose gradients the CPU agrees with itself, and those: the lot's, else second ones, as a number next to
    a kink of an activation falls on either side of it. Raises ReferenceFault where neither do."""
    try:
        return bench.inputs, _held(bench, bench.inputs)
    except ReferenceFault as fault:
        try:
            return bench.second_inputs, _held(bench, bench.second_inputs)
        except (ReferenceFault, *eager.RAISED):
            raise fault from None


def _held(bench: Bench, inputs: Mapping[str, Any], *, own: bool = False) -> Reference:
    """The CPU's gradients as a reference. Raises ReferenceFault where float32 and float64 lie too far apart."""
    model = bench.model()
    single = gradients.taken(model, inputs, own=own)
    try:
        exact = gradients.taken_exactly(model, inputs, own=own)
    except float64.REFUSALS as error:
        raise ReferenceFault(f"{bench.subject.id}: no gradients in float64: {type(error).__name__}: {error}") from error
    names = [name for name in exact.gradients if name in single.gradients]
    wide = {name: exact.gradients[name] for name in names}
    narrow = {name: single.gradients[name] for name in names}
    if len(names) < max(len(exact.gradients), len(single.gradients)):
        only = sorted(exact.gradients.keys() ^ single.gradients.keys())
        raise ReferenceFault(
            f"{bench.subject.id}: gradients in one of float32 and float64 alone: {', '.join(only[:3])}"
        )
    noise = _noise(wide)  # none: nothing to hold float32 against, and the caller says so
    apart = reference.disagreements(bench.subject, wide, narrow, noise) if noise else {}
    bound = {name: far for name, (far, _) in apart.items()}
    held = Reference(key="", outputs=wide, outputs32=narrow, bound=bound)
    alone = comparison.compare(held, narrow, "float32", near_zero=noise) if noise else None
    if alone is not None and alone.status is not Status.PASS:
        raise ReferenceFault(f"{bench.subject.id}: gradients in float32 and float64: {alone.message}")
    return held


def _kinked(held: Reference, dtype: str) -> Reference:
    """`held` with no smaller bounds than kinks explain.

    A gradient jumps where an activation has a kink. Of the numbers in front of one, a part as large as the rounding
    lies so near that it crosses: an error of the root of that.
    """
    rounding = comparison.EPSILON[dtype]
    least = math.sqrt(rounding) / rounding * comparison.EPSILON["float32"] / comparison.SAFETY
    if dtype not in HALVES:
        return held
    return dataclasses.replace(held, bound={name: max(bound, least) for name, bound in held.bound.items()})


def _noise(found: Mapping[str, torch.Tensor], dtype: str = "float32") -> float:
    """Root mean square below which a gradient is rounding noise: what cancels (a bias of keys, which softmax takes out)
    is as large as the rounding of what it cancels with, which is at most as large as the largest gradient."""
    largest = max((float(value.double().square().mean()) for value in found.values() if value.numel()), default=0.0)
    return max(NOISE, comparison.SAFETY * comparison.EPSILON[dtype]) * math.sqrt(largest)


def _lowered(
    fresh: torch.nn.Module, module: torch.nn.Module, inputs: Mapping[str, Any], found: gradients.Pass, *, own: bool
) -> float | None:
    """By how much one step lowered the loss, as a part of what the gradient promises; None if none did.

    In half precision the weights that move are kept in float32, as optimisers do: a step is less than half of them
    could show.
    """
    import torch

    slope = sum(float(value.double().square().sum()) for value in found.gradients.values())
    parameter = next(module.parameters())
    if not slope or not math.isfinite(slope):
        return None
    half = parameter.dtype in (torch.float16, torch.bfloat16)
    loss = found.loss
    for size in STEPS:
        moved = eager.cast(fresh, parameter.device, torch.float32 if half else parameter.dtype)
        moved.load_state_dict(module.state_dict())
        given = eager.fed_like(moved, inputs)
        if half:
            loss = gradients.loss_alone(moved, given, own=own)
        promised = size * max(1.0, abs(loss))
        if KEPT * promised < ROUNDINGS * comparison.EPSILON["float32"] * abs(loss):
            break
        gradients.stepped(moved, found.gradients, promised / slope)
        lower = loss - gradients.loss_alone(moved, given, own=own)
        if lower > KEPT * promised:
            return lower / promised
    return None
