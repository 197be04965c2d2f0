"""Does the noise that our own rounding predicts hold for torchao's int8, and what part of wrong scales does it betray?

Each type is quantized on the CPU (`a8w8`) and measured against float64; then the scale of each integer weight in turn
is made wrong by FACTOR, and noticed if an output falls more than the check's margin below what rounding explains. The
outputs alone are asked: the check also looks at each weight, which shows every such fault. Baseline: one floor in
decibels for all types, the highest that every right one passes.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tiny_subjects
from mutation_score import Nameless

if TYPE_CHECKING:
    import torch

    from archsweep.contract import Subject

FACTOR = 1.5
MARGINS = (0.5, 1.0, 2.0, 3.0)  # decibels: what other margins would notice
CONFIGURATION = "Int8DynamicActivationInt8WeightConfig"


def noise(subject: Subject) -> dict[str, Any]:
    """`found`, `over` (above what is expected) of the worst output in decibels, and `faults` with both for each."""
    from archsweep.archs import reference, rounding

    tiny = tiny_subjects.tiny(subject)
    inputs = tiny.make_inputs()
    held = reference.obtain(Nameless(tiny.id), "", tiny.make_model, inputs, None)  # type: ignore[arg-type]
    exact = rounding.judged(held.outputs)
    expected = rounding.expected(tiny.make_model(), inputs, exact, rounding.Rounding(weights=8, activations=8))
    model = tiny.make_model()
    torchao = importlib.import_module("torchao.quantization")
    torchao.quantize_(model, getattr(torchao, CONFIGURATION)(set_inductor_config=False))
    scales = [item.scale for item in model.parameters() if hasattr(item, "qdata")]
    if not scales or not exact:
        return {"faults": []}
    right = _ratios(model, inputs, exact, expected)
    faults = []
    for scale in scales:
        kept = scale.clone()
        scale.mul_(FACTOR)
        faults.append(_ratios(model, inputs, exact, expected))
        scale.copy_(kept)
    return {**right, "faults": faults}


def _ratios(
    model: torch.nn.Module, inputs: Mapping[str, Any], exact: Mapping[str, Any], expected: Mapping[str, float]
) -> dict[str, float]:
    from archsweep.archs import eager, rounding

    found = eager.run(model, inputs)
    ratios = {path: rounding.ratio(value, found[path]) for path, value in exact.items()}
    return {"found": min(ratios.values()), "over": min(ratios[path] - expected[path] for path in ratios)}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One object: the share of wrong scales that are noticed is the figure."""
    from archsweep.checks.quantize import MARGIN

    judged = {name: result for name, result in results.items() if result.get("faults")}
    faults = [fault for result in judged.values() for fault in result["faults"]]
    over = [result["over"] for result in judged.values()]
    floor = min((result["found"] for result in judged.values()), default=0.0)
    noticed = {
        margin: sum(fault["over"] < -margin for fault in faults) / max(1, len(faults)) for margin in (*MARGINS, MARGIN)
    }
    figure = noticed[MARGIN]
    baseline = sum(fault["found"] < floor for fault in faults) / max(1, len(faults))
    return {
        "figure": round(figure, 3),
        "unit": f"part of the integer weights whose scale, wrong by {FACTOR:g}, shows in the outputs",
        "baseline": round(baseline, 3),
        "ratio": round(figure / baseline, 2) if baseline else None,
        "types": len(judged),
        "weights": len(faults),
        "by_margin_db": {f"{margin:g}": round(share, 3) for margin, share in noticed.items()},
        "right_within_margin": sum(value >= -MARGIN for value in over) / max(1, len(over)),
        "over_expected_db": {str(share): round(tiny_subjects.quantile(over, share), 1) for share in (0, 0.1, 0.5, 0.9)},
        "found_db": {
            str(share): round(tiny_subjects.quantile([item["found"] for item in judged.values()], share), 1)
            for share in (0, 0.1, 0.5, 0.9)
        },
        "without_integers": sorted(name for name, item in results.items() if not item.get("faults", True)),
        "errors": {name: item["error"] for name, item in results.items() if "error" in item},
        "lowest": {
            name: round(judged[name]["over"], 1) for name in sorted(judged, key=lambda one: judged[one]["over"])[:8]
        },
    }


def main() -> None:
    given = tiny_subjects.options(__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as cache:
        subjects = tiny_subjects.chosen(given.models, given.sample, Path(cache))
        answer = summary(tiny_subjects.measure(subjects, noise, given.jobs, given.limit_s))
    if given.json:
        print(json.dumps(answer))
        return
    for name, value in answer.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
