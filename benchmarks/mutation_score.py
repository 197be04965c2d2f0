"""What part of single-tensor faults does `parity` notice? Each parameter tensor in turn is scaled by 1.1.

Noticed: the parity check, with the float32 tolerance that ships, ends `fail` (or the model raises). A tensor whose
fault stays unnoticed is either proven inert in float64, with the reason, or counts as missed. Baseline: the same models
with the weights that transformers draws. A tensor of which only the scale is inert (a norm follows) is judged by
scaling half of its elements, and listed; what nothing depends on is left out of the score, and listed too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tiny_subjects
from tiny_subjects import Tiny

if TYPE_CHECKING:
    import torch

    from archsweep.contract import Reference, Subject

FACTOR = 1.1
RAISED = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AssertionError, NotImplementedError)
UNREAD = "no output reads it: all are the same bit for bit with NaN in its place"
CANCELS = "outputs read it, and it cancels: no factor and no noise moves any (a key's bias under softmax)"
SCALE = "outputs depend on its direction, not on its scale (a norm follows)"
UNMOVED = 1e-10  # relative change of float64 outputs that rounding explains
EPSILON = 1e-4  # the same for three times the value, where the constant inside a norm lets a little through
MOVED = 1e-3  # what noise in a live tensor does at least


class Nameless:
    """A subject for `reference.obtain`, by its id alone."""

    def __init__(self, name: str) -> None:
        self.id = name


def score(subject: Tiny) -> dict[str, Any]:
    """`score`, `tensors`, `noticed`, `inert` and `scale_free` (tensor: reason), `missed` (tensor: change seen)."""
    from archsweep.archs import reference

    inputs = subject.make_inputs()
    held = reference.obtain(Nameless(subject.id), "", subject.make_model, inputs, None)  # type: ignore[arg-type]
    model = subject.make_model()
    parameters = dict(model.named_parameters())
    seen = {name: _seen(model, item, item * FACTOR, inputs, held) for name, item in parameters.items()}
    unnoticed = {name: change for name, change in seen.items() if change is not None}
    proven = _inert(subject, inputs, list(unnoticed), held) if unnoticed else {}
    scale_free = {name: reason for name, reason in proven.items() if reason == SCALE}
    for name in scale_free:
        change = _seen(model, parameters[name], _half(parameters[name]), inputs, held)
        unnoticed.pop(name)
        if change is not None:
            unnoticed[name] = change
    inert = {name: reason for name, reason in proven.items() if reason != SCALE}
    missed = {name: change for name, change in unnoticed.items() if name not in inert}
    judged = len(parameters) - len(inert)
    return {
        "score": 1 - len(missed) / judged if judged else 0.0,
        "tensors": len(parameters),
        "noticed": judged - len(missed),
        "inert": inert,
        "scale_free": scale_free,
        "missed": missed,
        "float32": max(held.bound.values(), default=0.0),
        "substitute": held.substitute,
        "seeded": held.seeded,
    }


def _half(parameter: torch.Tensor) -> torch.Tensor:
    """`parameter` with half of its elements scaled, at random: no norm over any axis takes that back."""
    import torch

    chosen = torch.rand(parameter.shape, generator=torch.Generator().manual_seed(6)) < 0.5
    return torch.where(chosen, parameter.detach() * FACTOR, parameter.detach())


def _seen(
    model: torch.nn.Module, parameter: torch.Tensor, value: torch.Tensor, inputs: Mapping[str, Any], held: Reference
) -> float | None:
    """What parity sees while `parameter` holds `value`; None if it notices."""
    import torch

    original = parameter.detach().clone()
    with torch.no_grad():
        parameter.copy_(value)
        seen = _noticed(model, inputs, held)
        parameter.copy_(original)
    return seen


def _noticed(model: torch.nn.Module, inputs: Mapping[str, Any], held: Reference) -> float | None:
    """None if parity fails or the model raises, else the largest relative change that parity saw."""
    from archsweep.archs import comparison, eager
    from archsweep.contract import Status

    try:
        verdict = comparison.compare(held, eager.run(model, inputs), "float32")
    except RAISED:
        return None
    return None if verdict.status is Status.FAIL else float(verdict.metrics["worst_relative"])


def _inert(subject: Tiny, inputs: Mapping[str, Any], names: list[str], held: Reference) -> dict[str, str]:
    """Tensors proven inert in float64: neither a factor nor noise moves any output, or noise does and no factor."""
    import torch

    from archsweep.archs import float64

    if held.substitute and held.substitute.startswith("float32"):
        return {}
    model = float64.convert(subject.make_model())
    if held.substitute:
        from archsweep.archs.reference import written_out

        written_out(model)
    parameters, proven = {name: item.detach() for name, item in model.named_parameters()}, {}
    generator = torch.Generator().manual_seed(5)

    def outputs_with(parameter: torch.Tensor, value: torch.Tensor) -> Mapping[str, torch.Tensor]:
        original = parameter.detach().clone()
        try:
            with torch.no_grad():
                parameter.copy_(value)
            return float64.run(model, inputs)
        except float64.REFUSALS:
            return {}
        finally:
            with torch.no_grad():
                parameter.copy_(original)

    def change(parameter: torch.Tensor, value: torch.Tensor) -> float:
        return _distance(held.outputs, outputs_with(parameter, value))

    for name in names:
        parameter = parameters[name]
        if _same(held.outputs, outputs_with(parameter, torch.full_like(parameter, math.nan))):
            proven[name] = UNREAD
            continue
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        if not parameter.any():  # scaling nothing proves nothing
            continue
        scaled = max(change(parameter, parameter * FACTOR), change(parameter, parameter * 3))
        disturbed = change(parameter, parameter + noise * max(float(parameter.std(correction=0)), 0.1))
        if max(scaled, disturbed) < UNMOVED:
            proven[name] = CANCELS
        elif scaled < UNMOVED or (scaled < EPSILON and disturbed > MOVED):
            proven[name] = SCALE
    return proven


def _same(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> bool:
    """Whether all outputs are the same, bit for bit."""
    import torch

    return list(before) == list(after) and all(torch.equal(value, after[path]) for path, value in before.items())


def _distance(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> float:
    """The largest relative change of any output; 1 where paths, shapes or discrete values differ."""
    import torch

    from archsweep.archs.reference import relative

    if list(before) != list(after):
        return 1.0
    largest = 0.0
    for path, value in before.items():
        other = after[path]
        if other.shape != value.shape:
            return 1.0
        if not value.numel():
            continue
        if value.is_floating_point() or value.is_complex():
            largest = max(largest, relative(value, other)[0])
        elif not torch.equal(value, other):
            return 1.0
    return largest


def both(subject: Subject) -> dict[str, Any]:
    """The score with lively weights, and with default ones as `default`."""
    found = tiny_subjects.tiny(subject)
    result = score(found)
    try:
        with tiny_subjects.default_weights():
            result["default"] = score(found)["score"]
    except Exception as error:  # noqa: BLE001 (default weights may not even give a reference)
        result["default_error"] = f"{type(error).__name__}: {error}"[:200]
    return result


def lively_only(subject: Subject) -> dict[str, Any]:
    return score(tiny_subjects.tiny(subject))


def summary(results: Mapping[str, dict[str, Any]], worst: int) -> dict[str, Any]:
    """One object: the median is the figure."""
    judged = {name: result for name, result in results.items() if "score" in result and result["tensors"]}
    scores = [result["score"] for result in judged.values()]
    defaults = [result["default"] for result in judged.values() if "default" in result]
    figure, baseline = tiny_subjects.quantile(scores, 0.5), tiny_subjects.quantile(defaults, 0.5)
    tensors = sum(result["tensors"] for result in judged.values())
    inert = sum(len(result["inert"]) for result in judged.values())
    free = sum(len(result["scale_free"]) for result in judged.values())
    weakest = sorted(judged, key=lambda name: judged[name]["score"])[:worst]
    return {
        "figure": figure,
        "unit": "share of parameter tensors whose scaling by 1.1 parity notices, median over types",
        "baseline": baseline,
        "ratio": figure / baseline if baseline else None,
        "percentile_10": tiny_subjects.quantile(scores, 0.1),
        "baseline_percentile_10": tiny_subjects.quantile(defaults, 0.1),
        "types": len(judged),
        "tensors": tensors,
        "inert": inert,
        "inert_share": inert / tensors if tensors else 0.0,
        "inert_by_reason": {
            reason: sum(list(result["inert"].values()).count(reason) for result in judged.values())
            for reason in (UNREAD, CANCELS)
        },
        "scale_free": free,
        "scale_free_share": free / tensors if tensors else 0.0,
        "float32_under_1e-5": _share([result["float32"] < 1e-5 for result in judged.values()]),
        "substitutes": [name for name in judged if judged[name]["substitute"]],
        "seeded": [name for name in judged if judged[name]["seeded"]],
        "worst": {name: {"score": judged[name]["score"], "missed": judged[name]["missed"]} for name in weakest},
        "scale_free_tensors": {name: list(judged[name]["scale_free"]) for name in judged if judged[name]["scale_free"]},
        "inert_tensors": {name: judged[name]["inert"] for name in judged if judged[name]["inert"]},
        "errors": {name: result["error"] for name, result in results.items() if "error" in result},
    }


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def main() -> None:
    parser = tiny_subjects.options(__doc__ or "")
    parser.add_argument("--no-baseline", action="store_true", help="lively weights only")
    flags = parser.parse_args()
    subjects = tiny_subjects.chosen(flags.models, flags.sample, Path.home() / ".cache" / "archsweep")
    task = lively_only if flags.no_baseline else both
    figures = summary(tiny_subjects.measure(subjects, task, flags.jobs, flags.limit_s), flags.worst)
    figures["ran"] = {"subjects": len(subjects), "models": flags.models, "sample": flags.sample}
    if flags.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {json.dumps(value, indent=2)}")


if __name__ == "__main__":
    main()
