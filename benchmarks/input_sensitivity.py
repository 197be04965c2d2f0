"""Does every input matter? Each fed tensor in turn is replaced, and each mask flipped; parity must notice.

An input whose replacement moves no output beyond the shipped float32 tolerance does not count as fed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tiny_subjects
from tiny_subjects import Tiny

if TYPE_CHECKING:
    import torch

    from archsweep.contract import Subject

TRIES = 3  # other values of an integer input


def sensitivity(subject: Tiny) -> dict[str, Any]:
    """`inputs`: name: "moves", "raises" or the largest relative change seen; `idle`: names that move nothing."""
    import torch

    from archsweep.archs import comparison, eager, reference
    from archsweep.contract import Status
    from mutation_score import Nameless

    inputs = dict(subject.make_inputs())
    held = reference.obtain(Nameless(subject.id), "", subject.make_model, inputs, None)  # type: ignore[arg-type]
    model, found = subject.make_model(), {}
    for name, value in inputs.items():
        if not hasattr(value, "is_floating_point") or not value.numel():
            continue
        outcome: Any = 0.0
        for other in replacements(name, value, inputs):
            if torch.equal(other, value):
                continue
            try:
                verdict = comparison.compare(held, eager.run(model, {**inputs, name: other}), "float32")
            except eager.RAISED:
                outcome = outcome or "raises"
                continue
            if verdict.status is Status.FAIL:
                outcome = "moves"
                break
            outcome = max(outcome if isinstance(outcome, float) else 0.0, float(verdict.metrics["worst_relative"]))
        found[name] = outcome
    return {"inputs": found, "idle": [name for name, outcome in found.items() if isinstance(outcome, float)]}


def replacements(name: str, value: torch.Tensor, inputs: Mapping[str, Any]) -> list[torch.Tensor]:
    """Other legal values: noise for numbers, permuted entries for ids, a flipped element for masks, one at a time."""
    import torch

    generator = torch.Generator().manual_seed(len(name))
    if value.is_floating_point() and set(value.unique().tolist()) - {0.0, 1.0}:
        spread = float(value.std(correction=0)) or 1.0
        return [value + spread * torch.randn(value.shape, generator=generator), value.roll(1, 0)]
    low, high = value.min(), value.max()
    if value.dtype == torch.bool or (low >= 0 and high <= 1):
        return _flipped(value) + ([torch.zeros_like(value)] if "mask" not in name else [])
    made = [other for other in _permuted(value, generator) if not torch.equal(other, value)]
    return [*made, *_swapped(value), value.roll(1, 0)] if made else [*_alike(value), value.roll(1, 0)]


def _flipped(value: torch.Tensor) -> list[torch.Tensor]:
    """A mask with one place of its last axis turned over, with that axis's second half turned over, and with its rows
    in another order: a mask over pixels or samples is read through strides, which single places may fall between."""
    opposite = ~value if str(value.dtype) == "torch.bool" else 1 - value
    made = []
    for place in (value.shape[-1] // 3, -1, slice(value.shape[-1] // 2, None)):
        flipped = value.clone()
        flipped[..., place] = opposite[..., place]
        made.append(flipped)
    turned = value.roll(1, 0)
    return [*made, turned] if not bool((turned == value).all()) else made


def _swapped(value: torch.Tensor) -> list[torch.Tensor]:
    """Two neighbours in the first row change places, where neither stands for an image, a sound or padding: less than
    any other order, for classes that refuse most of them."""
    if value.ndim == 1:
        return [other[0] for other in _swapped(value[None])]
    fixed = _placeholders(value)
    made: list[torch.Tensor] = []
    for place in range(value.shape[-1] - 1):
        first, second = value[0, ..., place], value[0, ..., place + 1]
        if len(made) < TRIES and not bool((first == second).all()) and not bool(fixed[0, ..., place : place + 2].any()):
            other = value.clone()
            other[0, ..., place], other[0, ..., place + 1] = second, first
            made.append(other)
    return made


def _alike(value: torch.Tensor) -> list[torch.Tensor]:
    """Whole numbers that no order tells apart: kinds all turned into the lowest, sizes halved, all or the last."""
    lowest, halved = value * 0 + value.min(), value.clone()
    halved[..., -1] = (value[..., -1] + 1) // 2
    return [other for other in (lowest, halved, (value + 1) // 2) if not bool((other == value).all())]


def _permuted(value: torch.Tensor, generator: torch.Generator) -> list[torch.Tensor]:
    """Ids in another order, placeholders where they were."""
    import torch

    permuted = []
    if value.ndim == 2 and value.shape[1] == 3 and not bool((value[:, 1] % 2).any()):  # a grid: time, height, width
        permuted.append(value * value.new_tensor([2, 1, 4]) // value.new_tensor([2, 2, 2]))
    fixed = _placeholders(value).reshape(-1)
    for _ in range(TRIES):
        flat = value.reshape(-1)
        order = torch.randperm(flat.numel(), generator=generator)
        shuffled = torch.where(fixed, flat, flat[order])
        intruding = _placeholders(shuffled.reshape(value.shape)).reshape(-1) & ~fixed
        shuffled = torch.where(intruding, flat, shuffled)
        permuted.append(shuffled.reshape(value.shape))
    return permuted


def _placeholders(ids: torch.Tensor) -> torch.Tensor:
    """Ids that occur many times: places of an image or a sound, and padding; moving them changes more than the text."""
    import torch

    values, counts = torch.unique(ids, return_counts=True)
    return torch.isin(ids, values[counts > max(3, ids.numel() // 6)])


def both(subject: Subject) -> dict[str, Any]:
    """With lively weights, and what is idle with default ones as `default_idle`."""
    found = tiny_subjects.tiny(subject)
    result = sensitivity(found)
    with tiny_subjects.default_weights():
        result["default_idle"] = sensitivity(found)["idle"]
    return result


def summary(results: Mapping[str, dict[str, Any]], worst: int) -> dict[str, Any]:
    judged = {name: result for name, result in results.items() if "inputs" in result}
    idle = {name: result["idle"] for name, result in judged.items() if result["idle"]}
    refused = {
        name: [key for key, outcome in result["inputs"].items() if outcome == "raises"]
        for name, result in judged.items()
        if "raises" in result["inputs"].values()
    }  # every other value raises: it matters, but by how much is not seen
    figure = 1 - len(idle) / len(judged) if judged else 0.0
    before = [not result["default_idle"] for result in judged.values() if "default_idle" in result]
    baseline = sum(before) / len(before) if before else 0.0
    return {
        "figure": figure,
        "unit": "share of types of which every fed input moves an output beyond tolerance",
        "baseline": baseline,
        "ratio": figure / baseline if baseline else None,
        "types": len(judged),
        "inputs": sum(len(result["inputs"]) for result in judged.values()),
        "idle": dict(list(idle.items())[:worst]),
        "refused": refused,
        "errors": {name: result["error"] for name, result in results.items() if "error" in result},
    }


def lively_only(subject: Subject) -> dict[str, Any]:
    return sensitivity(tiny_subjects.tiny(subject))


def main() -> None:
    parser = tiny_subjects.options(__doc__ or "")
    parser.add_argument("--no-baseline", action="store_true", help="lively weights only")
    flags = parser.parse_args()
    subjects = tiny_subjects.chosen(flags.models, flags.sample, Path.home() / ".cache" / "archsweep")
    task = lively_only if flags.no_baseline else both
    figures = summary(tiny_subjects.measure(subjects, task, flags.jobs, flags.limit_s), flags.worst)
    figures["ran"] = {"subjects": len(subjects), "models": flags.models, "sample": flags.sample}
    print(json.dumps(figures) if flags.json else json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
