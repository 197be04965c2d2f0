"""Whether a model type stands alone, is a part of another model, or both. By composition, not by its name."""

from __future__ import annotations

from collections.abc import Iterable

from archsweep.archs.facts import TypeFacts
from archsweep.contract import Standing

# Mappings that every part has; any other one is a head of its own, and makes a part usable alone.
_PART_MAPPINGS = frozenset({"MODEL", "BACKBONE", "IMAGE", "TEXT_ENCODING", "PRETRAINING"})


def standings(types: Iterable[TypeFacts]) -> dict[str, Standing]:
    """The standing of every model type."""
    families: dict[str, list[TypeFacts]] = {}
    for item in types:
        families.setdefault(item.family, []).append(item)
    return {item.model_type: _standing(item, family) for family in families.values() for item in family}


def _standing(facts: TypeFacts, family: list[TypeFacts]) -> Standing:
    if facts.outside or _same(facts.model_type, facts.family):
        return Standing.STAND_ALONE
    wholes = [item for item in family if item is not facts and item.config != facts.config]
    main = next((item for item in wholes if _same(item.model_type, item.family)), None)
    named = any(part == facts.model_type for item in wholes for _, part in item.parts)
    derived = main is not None and main.config.partition(":")[2] in facts.config_bases
    kept = bool(facts.config_key) and main is not None
    only_parts = all(_PART_MAPPINGS.issuperset(item.mappings) for item in facts.classes)
    if not (named or derived or kept):
        return (
            Standing.SUB_MODEL if only_parts and any(item.mappings for item in facts.classes) else Standing.STAND_ALONE
        )
    return Standing.SUB_MODEL if only_parts else Standing.BOTH


def _same(model_type: str, folder: str) -> bool:
    """Equal but for separators."""
    return _bare(model_type) == _bare(folder)


def _bare(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()
