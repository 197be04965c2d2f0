"""Facts, subjects and a catalog written by hand, for tests without torch."""

from __future__ import annotations

from archsweep.archs.catalog import Catalog
from archsweep.archs.facts import ClassFacts, TypeFacts
from archsweep.contract import Architecture, Modality, Priority, Standing, Subject


def klass(name: str, parameters: str, *mappings: str, **more: object) -> ClassFacts:
    defaults: dict[str, object] = {
        "name": name,
        "module": "m",
        "parameters": tuple(parameters.split()),
        "mappings": mappings,
        "is_base": "MODEL" in mappings,
        "main_input": parameters.split(maxsplit=1)[0] if parameters else "input_ids",
    }
    return ClassFacts(**{**defaults, **more})  # type: ignore[arg-type]


def kind(name: str, *classes: ClassFacts, **more: object) -> TypeFacts:
    defaults: dict[str, object] = {
        "model_type": name,
        "family": name,
        "folder": f"models.{name}",
        "config": f"m:{name}",
    }
    return TypeFacts(**{**defaults, "classes": classes, **more})  # type: ignore[arg-type]


def subject(model_type: str, class_name: str, *, base: bool = False, mapped: bool = True, **more: object) -> Subject:
    values: dict[str, object] = {
        "model_type": model_type,
        "class_name": class_name,
        "class_module": "m",
        "config_class": "m:C",
        "is_base": base,
        "mappings": ("MODEL",) if mapped else (),
        "family": model_type,
        "architecture": Architecture.ENCODER_ONLY,
        "role": "encoder",
        "modality": (Modality.TEXT,),
        "category": "text-encoders",
        "tasks": (),
        "priority": Priority.CRITICAL,
        "phase": 6,
        "standing": Standing.STAND_ALONE,
    }
    return Subject(**{**values, **more})  # type: ignore[arg-type]


CATALOG = Catalog(
    transformers_version="5",
    subjects=(
        subject("apple", "AppleModel", base=True),
        subject("apple", "AppleForMaskedLM", tasks=("fill-mask",)),
        subject("apple", "AppleScorer", mapped=False),
        subject("pear", "PearModel", base=True, category="vision", priority=Priority.HIGH, phase=2),
        subject("plum", "AppleModel", base=True, priority=Priority.LOW),
    ),
)
