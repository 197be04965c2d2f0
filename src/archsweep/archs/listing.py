"""Rows of `archsweep list`: plain JSON values made from the catalog and the registry. Prints nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from archsweep import registry
from archsweep.archs.catalog import Catalog
from archsweep.archs.selection import Selection, choose
from archsweep.contract import Priority, Subject
from archsweep.encoding import encode

Row = dict[str, Any]


def model_rows(catalog: Catalog, selection: Selection) -> list[Row]:
    """One row for each model type that has a base model and a selected class, most wanted first."""
    wanted = dict.fromkeys(item.model_type for item in choose(catalog, replace(selection, limit=None)))
    classes: dict[str, list[Subject]] = {name: [] for name in wanted}
    for item in catalog.subjects:
        if item.model_type in classes:
            classes[item.model_type].append(item)
    rows = [_model_row(items) for items in classes.values() if any(item.is_base for item in items)]
    return rows[: selection.limit]


def _model_row(items: list[Subject]) -> Row:
    base = next(item for item in items if item.is_base)
    mapped = [item for item in items if item.mappings]
    return {
        "model_type": base.model_type,
        "base_class": base.class_name,
        "classes": [item.class_name for item in mapped],
        "exported_classes": [item.class_name for item in items if not item.mappings],
        "category": base.category,
        "architecture": str(base.architecture),
        "role": base.role,
        "modality": encode(base.modality),
        "tasks": sorted({task for item in mapped for task in item.tasks}),
        "priority": str(base.priority),
        "phase": base.phase,
        "family": base.family,
        "standing": str(base.standing),
        "sub_model": base.standing != "stand-alone",
        "checkpoint": base.checkpoint,
    }


def meant_row(subjects: Sequence[Subject]) -> Row:
    """What the catalog says of some classes of one model type: what they differ in, as a list."""
    first = subjects[0]
    return {
        "model_type": first.model_type,
        "category": _each(item.category for item in subjects),
        "architecture": _each(str(item.architecture) for item in subjects),
        "role": _each(item.role for item in subjects),
        "modality": _each(str(part) for item in subjects for part in item.modality),
        "tasks": _each(task for item in subjects for task in item.tasks),
        "priority": str(first.priority),
        "phase": first.phase,
        "family": first.family,
        "standing": str(first.standing),
        "checkpoint": first.checkpoint,
        "base_class": next((item.class_name for item in subjects if item.is_base), None),
        "classes": [item.class_name for item in subjects],
    }


def _each(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def class_rows(catalog: Catalog, selection: Selection) -> list[Row]:
    """One row for each selected class of each model type."""
    return [{"id": item.id, **encode(item)} for item in choose(catalog, selection)]


def family_rows(catalog: Catalog, selection: Selection) -> list[Row]:
    """One row for each family with a selected class, by name."""
    rows = []
    for family, items in _grouped(choose(catalog, selection), "family").items():
        rows.append(
            {
                "family": family,
                "models": sorted({item.model_type for item in items}),
                "classes": len({item.id for item in items}),
                "categories": sorted({item.category for item in items}),
                "phase": min(item.phase for item in items),
            }
        )
    return sorted(rows, key=lambda row: str(row["family"]))


def category_rows(catalog: Catalog, selection: Selection) -> list[Row]:
    """One row for each category with a selected class, most important first."""
    rows = []
    for category, items in _grouped(choose(catalog, selection), "category").items():
        rows.append(
            {
                "category": category,
                "priority": str(items[0].priority),
                "models": len({item.model_type for item in items if item.is_base}),
                "classes": len({item.id for item in items}),
                "architectures": sorted({str(item.architecture) for item in items}),
            }
        )
    rank = [str(priority) for priority in Priority]
    return sorted(rows, key=lambda row: (rank.index(str(row["priority"])), str(row["category"])))


def platform_rows() -> list[Row]:
    """One row for each platform plug-in that loads; none is probed."""
    rows = []
    for name, platform in registry.loadable("platforms").items():
        able = {
            item.name: getattr(platform.capabilities, item.name) for item in dataclasses.fields(platform.capabilities)
        }
        rows.append(
            {
                "platform": name,
                "title": platform.title,
                "priority": str(platform.priority),
                "capabilities": encode(able),
            }
        )
    return rows


def platform_lines() -> list[Row]:
    """`platform_rows` for people: what a case can ask of each platform, and nothing of how workers treat it."""
    asked = ("dtypes", "options", "quantizes", "trains", "generates")
    return [{**row, **{name: row["capabilities"][name] for name in asked}} for row in platform_rows()]


def check_rows() -> list[Row]:
    """One row for each check plug-in."""
    loaded = list(registry.loadable("checks").items())
    return [{"check": name, "question": check.question, "needs": encode(check.needs)} for name, check in loaded]


def _grouped(subjects: Iterable[Subject], field: str) -> dict[str, list[Subject]]:
    groups: dict[str, list[Subject]] = {}
    for item in subjects:
        groups.setdefault(getattr(item, field), []).append(item)
    return groups
