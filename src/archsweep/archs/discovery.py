"""Finds every model type and class that the running process knows: auto mappings, what others registered, exports.

Works by rule on whatever mappings exist, so that other releases need no change. Imports transformers when called.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from archsweep.archs.facts import BASE

MODELS = "transformers.models"


@dataclass(kw_only=True)
class Found:
    """A model type and the names of its classes in the mappings; `registered` holds classes given as objects."""

    model_type: str
    folder: str
    outside: bool = False
    classes: dict[str, list[str]] = field(default_factory=dict)  # class name: short names of mappings
    registered: dict[str, type] = field(default_factory=dict)
    base: str = ""

    def add(self, mapping: str, value: Any) -> None:
        """Takes a mapping's value: a class or its name, or several."""
        for item in value if isinstance(value, tuple | list) else (value,):
            if item is None:
                continue
            name = item if isinstance(item, str) else item.__name__
            if not isinstance(item, str):
                self.registered[name] = item
            known = self.classes.setdefault(name, [])
            if mapping not in known:
                known.append(mapping)
            if mapping == BASE and not self.base:
                self.base = name


def find_types() -> list[Found]:
    """All model types with a configuration or a place in a mapping, in the library's order."""
    configuration = importlib.import_module(f"{MODELS}.auto.configuration_auto")
    found: dict[str, Found] = {}

    def at(model_type: str, outside: bool = False) -> Found:
        if model_type not in found:
            found[model_type] = Found(model_type=model_type, folder=folder_of(model_type), outside=outside)
        return found[model_type]

    mappings = dict(_mappings())
    for model_type, value in mappings.get(BASE, ({}, {}))[0].items():
        at(model_type).add(BASE, value)
    for name, (named, _) in mappings.items():
        for model_type, value in named.items():
            at(model_type).add(name, value)
    for model_type in getattr(configuration, "CONFIG_MAPPING_NAMES", {}):
        at(model_type)
    outside = getattr(configuration.CONFIG_MAPPING, "_extra_content", {})
    for model_type, config in outside.items():
        entry = at(model_type, outside=True)
        entry.outside, entry.folder = True, config.__module__
    for name, (_, registered) in mappings.items():
        for config, value in registered.items():
            owners = [model_type for model_type, known in outside.items() if known is config]
            for model_type in owners or [config.model_type]:
                at(model_type).add(name, value)
    return list(found.values())


def folder_of(model_type: str) -> str:
    """The dotted name of the module that holds a built-in type's code."""
    configuration = importlib.import_module(f"{MODELS}.auto.configuration_auto")
    return f"{MODELS}.{configuration.model_type_to_module_name(model_type)}"


def short(name: str) -> str:
    """`MODEL_FOR_CAUSAL_LM_MAPPING_NAMES` as `CAUSAL_LM`; the base mapping as `MODEL`."""
    return name.removesuffix("_NAMES").removesuffix("_MAPPING").removeprefix("MODEL_FOR_")


def _mappings() -> Iterator[tuple[str, tuple[Mapping[str, Any], Mapping[Any, Any]]]]:
    """Short name, names by model type, registered classes by configuration class."""
    auto = importlib.import_module(f"{MODELS}.auto.modeling_auto")
    contents = vars(auto)
    lazy = [value for value in contents.values() if hasattr(value, "_extra_content")]
    for name, value in contents.items():
        if name.startswith("MODEL_") and name.endswith("_NAMES") and isinstance(value, Mapping):
            extra: dict[Any, Any] = {}
            for mapping in lazy:
                if getattr(mapping, "_model_mapping", None) is value:
                    extra.update(mapping._extra_content)
            yield short(name), (value, extra)


def pipeline_tasks() -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...]]:
    """Each pipeline task with the short names of the mappings it draws on, and the default checkpoints."""
    auto = vars(importlib.import_module(f"{MODELS}.auto.modeling_auto"))
    names = {id(value): short(name) for name, value in auto.items() if name.startswith("MODEL_")}
    names.update({id(value): short(name) for name, value in auto.items() if hasattr(value, "_extra_content")})
    tasks: list[tuple[str, tuple[str, ...]]] = []
    popular: list[str] = []
    for task, entry in importlib.import_module("transformers.pipelines").SUPPORTED_TASKS.items():
        mappings = [getattr(model, "_model_mapping", None) for model in entry.get("pt", ())]
        known = [names[id(item)] for item in mappings if id(item) in names]
        tasks.append((task, tuple(dict.fromkeys(known))))
        popular.extend(_checkpoints(entry.get("default", {})))
    return tuple(tasks), tuple(dict.fromkeys(popular))


def _checkpoints(value: Any) -> Iterator[str]:
    """Repository ids in a task's defaults, whose nesting differs between releases."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _checkpoints(item)
    elif isinstance(value, tuple | list):
        for item in value:
            if isinstance(item, str) and "/" in item:
                yield item
            elif not isinstance(item, str):
                yield from _checkpoints(item)
    elif isinstance(value, str) and "/" in value:
        yield value


def exported(found: Found, known: Iterable[type]) -> Iterator[type]:
    """Concrete model classes that a type's modeling modules export and that are not among `known`."""
    from transformers import PreTrainedModel

    seen = set(known)
    for module in _modules(found):
        for name in getattr(module, "__all__", None) or [name for name in vars(module) if name[0] != "_"]:
            value = vars(module).get(name)
            if not isinstance(value, type) or not issubclass(value, PreTrainedModel) or value in seen:
                continue
            if value.__module__ == module.__name__ and is_concrete(value):
                seen.add(value)
                yield value


def unexported(found: Found, name: str) -> type | None:
    """A model class that a type's modeling modules define but do not export."""
    values = [vars(module).get(name) for module in _modules(found)]
    return next((value for value in values if isinstance(value, type)), None)


def _modules(found: Found) -> list[ModuleType]:
    """The loaded modules that may hold a type's classes."""
    if found.outside:
        names = {found.folder, *(model.__module__ for model in found.registered.values())}
    else:
        folder = getattr(sys.modules.get(found.folder), "__path__", [])
        files = [file for place in folder for file in Path(place).glob("modeling_*.py")]
        names = {f"{found.folder}.{file.stem}" for file in files}
    return [sys.modules[name] for name in sorted(names) if name in sys.modules]


def is_concrete(model: Any) -> bool:
    """Has a configuration and a forward of its own, and is nobody's abstract foundation."""
    from torch import nn

    if model.__name__.endswith("PreTrainedModel") or getattr(model, "config_class", None) is None:
        return False
    return getattr(model, "forward", None) is not getattr(nn.Module, "forward", None)
