"""Is everything fed that a type's own processors make? What they name and the class takes, against what is fed.

Baseline: the class's main input alone, which is what a script feeds that only wants a pass without an error.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tiny_subjects

if TYPE_CHECKING:
    from archsweep.contract import Subject


def made_by_processors(model_type: str) -> set[str]:
    """Names of the tensors that the image processor, feature extractor and processor of the type say they make."""
    import transformers
    from transformers.models.auto import feature_extraction_auto, image_processing_auto, processing_auto

    stated: list[Any] = [
        image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES.get(model_type),
        feature_extraction_auto.FEATURE_EXTRACTOR_MAPPING_NAMES.get(model_type),
        processing_auto.PROCESSOR_MAPPING_NAMES.get(model_type),
    ]
    found: set[str] = set()
    for entry in stated:
        for name in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, tuple) else [entry]:
            try:
                given = getattr(getattr(transformers, name or "", None), "model_input_names", ())
            except ImportError:  # a processor whose own dependency is missing
                continue
            found.update(given if isinstance(given, list | tuple) else ())
    return found


def measure(subject: Subject) -> dict[str, Any]:
    """What the processors make and the class takes (`wanted`), what of it is not fed (`missing`)."""
    from archsweep.archs import recipe

    wanted = made_by_processors(subject.model_type)
    kind = recipe.model_class(subject)
    wanted &= set(inspect.signature(kind.forward).parameters)
    if not wanted:
        return {"wanted": [], "missing": [], "main": False}
    found = recipe.find(subject)
    fed = set(recipe.make_inputs(subject, found))
    main = kind.main_input_name
    left_out = {*found.hints.get("drop", ()), *found.hints.get("ignored", ())}
    return {
        "wanted": sorted(wanted),
        "missing": sorted(wanted - fed - left_out),
        "left_out": sorted(wanted & left_out),
        "main": wanted <= ({main} if isinstance(main, str) else set(main)),
    }


def main() -> None:
    parser = tiny_subjects.options(__doc__ or "")
    flags = parser.parse_args()
    subjects = tiny_subjects.chosen(flags.models, flags.sample, Path.home() / ".cache" / "archsweep")
    results = tiny_subjects.measure(subjects, measure, flags.jobs, flags.limit_s)
    judged = {name: result for name, result in results.items() if result.get("wanted")}
    whole = [name for name, result in judged.items() if not result["missing"]]
    alone = [name for name, result in judged.items() if result["main"]]
    figures = {
        "figure": len(whole) / len(judged) if judged else 0.0,
        "unit": f"share of {len(judged)} types with processors that are fed all their processors make",
        "baseline": len(alone) / len(judged) if judged else 0.0,
        "ratio": len(whole) / max(len(alone), 1),
        "missing": {name: result["missing"] for name, result in judged.items() if result["missing"]},
        "ignored_by_the_class": {name: result["left_out"] for name, result in judged.items() if result["left_out"]},
        "errors": {name: result["error"] for name, result in results.items() if "error" in result},
        "ran": {"subjects": len(subjects), "models": flags.models, "sample": flags.sample},
    }
    if flags.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {json.dumps(value, indent=2)}")


if __name__ == "__main__":
    main()
