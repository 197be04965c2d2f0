"""Priority by category, phase of the roadmap and order within it: names from phases.toml, the rest by rule."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from archsweep.archs.facts import BASE, LibraryFacts, TypeFacts
from archsweep.archs.taxonomy import Place
from archsweep.contract import Priority, Standing
from archsweep.errors import SettingsError

PATH = Path(__file__).with_name("phases.toml")
LAST = 6


@cache
def _table() -> Mapping[str, Any]:
    try:
        table = tomllib.loads(PATH.read_text())
        _ = table["priorities"], [(phase["number"], phase["total"]) for phase in table["phase"]]
        return table
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SettingsError(f"{PATH}: {error}") from error


def priority_of(category: str) -> Priority:
    """How important a category is; what the table does not know is low."""
    return Priority(_table()["priorities"].get(category, "low"))


def absent() -> Mapping[str, str]:
    """Names of the roadmap that transformers does not have, with the reason."""
    return {entry["model"]: entry["why"] for entry in _table().get("absent", ())}


def phases(library: LibraryFacts, placed: Mapping[str, Place]) -> dict[str, int]:
    """The phase of every model type: as named, then the most wanted up to each cumulative total, then the last."""
    result: dict[str, int] = {}
    for phase in _table()["phase"]:
        for name in phase.get("models", ()):
            if name in placed:
                result[name] = phase["number"]
    waiting = _most_wanted(library, [item for name, item in placed.items() if name not in result and _ready(item)])
    taken = len(result)
    for phase in _table()["phase"]:
        if phase.get("models"):
            continue
        for name in waiting[: max(0, phase["total"] - taken)]:
            result[name] = phase["number"]
        waiting = waiting[max(0, phase["total"] - taken) :]
        taken = max(taken, phase["total"])
    return {name: result.get(name, LAST) for name in placed}


def most_wanted_first(library: LibraryFacts, placed: Mapping[str, Place], phase: Mapping[str, int]) -> list[str]:
    """Every model type: by phase, by priority of its category, then as `_most_wanted` ranks those that are left alike;
    what does not stand alone, or has no sound base class, comes after what does."""
    groups: dict[tuple[int, int, bool], list[Place]] = {}
    rank = {priority: number for number, priority in enumerate(Priority)}
    for name, place in placed.items():
        key = phase[name], rank[priority_of(place.category)], not _ready(place)
        groups.setdefault(key, []).append(place)
    return [name for key in sorted(groups) for name in _most_wanted(library, groups[key])]


def _ready(place: Place) -> bool:
    return place.standing is Standing.STAND_ALONE and any(
        BASE in item.mappings and not item.fault for item in place.facts.classes
    )


def _most_wanted(library: LibraryFacts, places: list[Place]) -> list[str]:
    """Each round takes the best of every pattern, so that variety comes before repetition.

    Best: used by other families, default of a pipeline, many heads, few parts to test; then by name.
    """
    used: Counter[str] = Counter()
    for facts in library.types:
        used.update({part for _, part in facts.parts if not part.startswith(facts.model_type)})

    def score(facts: TypeFacts) -> int:
        heads = {name for item in facts.classes for name in item.mappings}
        return 3 * used[facts.model_type] + 3 * (facts.checkpoint in library.popular) + len(heads) - len(facts.parts)

    seen: Counter[tuple[str, str, str]] = Counter()
    ranked = []
    for place in sorted(places, key=lambda place: (-score(place.facts), place.facts.model_type)):
        pattern = (place.category, str(place.kind.architecture), place.kind.role)
        ranked.append((seen[pattern] // 4, -score(place.facts), place.facts.model_type))
        seen[pattern] += 1
    return [name for _, _, name in sorted(ranked)]
