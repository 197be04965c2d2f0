"""Is every override needed? Without it a class of its type must fail to verify, lose a modality or grow too large.

Baseline: the same classes with the overrides. Ends with exit code 1 and the names where one has become needless.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeping import PROGRAM

if TYPE_CHECKING:
    from archsweep.contract import Subject

Statuses = dict[str, dict[str, str]]  # model type -> case -> status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", action="append", help="only these model types")
    given = parser.parse_args()
    from archsweep.archs import overrides

    models = sorted(given.model or overrides.load())
    same = _unchanged(_unchanged(models, "--base"))
    needless = [model for model in same if not _loses(model)]
    found: dict[str, Any] = {
        "figure": len(models) - len(needless),
        "unit": "overrides without which a class of their type does not verify, is fed less or is too large",
        "baseline": len(models),
        "ratio": round(1 - len(needless) / len(models), 4),
        "needless": needless,
        "changes_no_status": same,
    }
    print(json.dumps(found) if given.json else f"{found['figure']} of {len(models)}; needless: {needless or 'none'}")
    sys.exit(1 if needless else 0)


def _unchanged(models: list[str], *words: str) -> list[str]:
    """Those of which no class passes with its override alone; `words`: which classes. A base class often says it."""
    if not models:
        return []
    with tempfile.TemporaryDirectory() as folder:
        alone, whole = (_swept(models, Path(folder), *words, *more) for more in (("--rules-alone",), ()))
    return [model for model in models if _passes(alone[model]) >= _passes(whole[model])]


def _swept(models: list[str], folder: Path, *words: str) -> Statuses:
    from archsweep.run import journal

    file = folder / f"run{len(words)}.jsonl"
    command = [sys.executable, "-c", PROGRAM, "run", "--quiet", "--model", ",".join(models), "--journal", str(file)]
    environment = {**os.environ, "ARCHSWEEP_CACHE": str(folder / "cache")}
    subprocess.run([*command, *words], env=environment, stdout=subprocess.DEVNULL, check=False)
    found: Statuses = defaultdict(dict)
    for case, result in journal.read_results(file).items():
        found[result.case.subject.partition("/")[0]][case] = str(result.status)
    return found


def _passes(statuses: dict[str, str]) -> set[str]:
    return {case for case, status in statuses.items() if status == "pass"}


def _loses(model: str) -> bool:
    """Whether the rules alone feed less to a class of this type, or leave it larger than models may be."""
    from archsweep.archs import importing, recipe
    from archsweep.archs.catalog import load
    from archsweep.settings import cache_root

    importing.warm()
    for subject in load(cache=cache_root()).subjects:
        if subject.model_type == model and subject.mappings:
            alone, whole = (_recipe(subject, rules_alone=rules_alone) for rules_alone in (True, False))
            if alone is None or whole is None:
                continue
            larger = alone.parameters > recipe.MOST_PARAMETERS >= whole.parameters
            inputs = [set(recipe.make_inputs(subject, item)) for item in (alone, whole)]
            if larger or not inputs[0] >= inputs[1]:
                return True
    return False


def _recipe(subject: Subject, *, rules_alone: bool) -> Any:
    from archsweep.archs import recipe
    from archsweep.errors import NoRecipe

    try:
        return recipe.find(subject, rules_alone=rules_alone)
    except (NoRecipe, ImportError):
        return None


if __name__ == "__main__":
    main()
