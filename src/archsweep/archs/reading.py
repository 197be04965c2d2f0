"""Reads the facts about one model type off the imported library. Judges nothing: that is for `taxonomy`."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
import sys
import typing
from pathlib import Path
from typing import Any

from archsweep.archs import defaults, discovery, importing
from archsweep.archs.discovery import Found
from archsweep.archs.facts import PROBED_METHODS, ClassFacts, TypeFacts

_DOCUMENTED = re.compile(r"\]\(https://huggingface\.co/([\w.-]+(?:/[\w.-]+)?)/?\)")
_KINDS = {
    "tokenization_auto": ("tokenizer", "TOKENIZER_MAPPING_NAMES"),
    "image_processing_auto": ("image_processor", "IMAGE_PROCESSOR_MAPPING_NAMES"),
    "video_processing_auto": ("video_processor", "VIDEO_PROCESSOR_MAPPING_NAMES"),
    "feature_extraction_auto": ("feature_extractor", "FEATURE_EXTRACTOR_MAPPING_NAMES"),
    "processing_auto": ("processor", "PROCESSOR_MAPPING_NAMES"),
}


def read(found: Found) -> TypeFacts:
    """The facts of one type; whatever cannot be read stays empty, with the reason in a fault."""
    config, fault = _config_class(found)
    instance, trouble = _instance(config)
    classes = [_read_class(found, name) for name in found.classes]
    known = [item for item in (_resolve(found, name)[0] for name in found.classes) if isinstance(item, type)]
    if config is not None and config.model_type == found.model_type:
        classes += _exports(found, config, known)
    return TypeFacts(
        model_type=found.model_type,
        family=_family(found.folder),
        folder=found.folder,
        outside=found.outside,
        config=f"{config.__module__}:{config.__qualname__}" if config is not None else "",
        config_type=str(getattr(config, "model_type", "")),
        config_bases=tuple(entry.__name__ for entry in config.__mro__[1:]) if config is not None else (),
        config_fields=tuple(sorted(vars(instance))) if instance is not None else (),
        config_key=str(getattr(config, "base_config_key", "") or ""),
        parts=_parts(config, instance),
        is_encoder_decoder=bool(getattr(config if instance is None else instance, "is_encoder_decoder", False)),
        checkpoint=_checkpoint(config),
        processors=_processors(found.model_type),
        proteins=_speaks_of_proteins(found.folder, found.outside),
        classes=tuple(classes),
        fault=fault or trouble,
    )


def _family(folder: str) -> str:
    """The folder's name; for custom code from a local folder, that folder's."""
    if folder.startswith("transformers_modules."):
        return folder.split(".")[1]
    return folder.removeprefix(f"{discovery.MODELS}.").removeprefix("deprecated.")


def _config_class(found: Found) -> tuple[Any, str]:
    configuration = importlib.import_module(f"{discovery.MODELS}.auto.configuration_auto")
    try:
        return configuration.CONFIG_MAPPING[found.model_type], ""
    except defaults.faults() as error:
        return None, f"no configuration class: {type(error).__name__}: {error}"


def _instance(config: Any) -> tuple[Any, str]:
    if config is None:
        return None, ""
    try:
        return defaults.default(config), ""
    except defaults.faults() as error:
        return None, f"its default configuration cannot be constructed: {type(error).__name__}: {error}"


def _parts(config: Any, instance: Any) -> tuple[tuple[str, str], ...]:
    """Sub-configurations: those of the default instance, then those only declared."""
    parts: dict[str, str] = {}
    for key, value in (vars(instance) if instance is not None else {}).items():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            parts[key] = str(value.model_type)
    for key, spec in (getattr(config, "sub_configs_defaults", None) or {}).items():
        parts.setdefault(key, str(getattr(spec, "model_type", "")))
    for key, part in (getattr(config, "sub_configs", None) or {}).items():
        parts.setdefault(key, str(getattr(part, "model_type", "")))
    return tuple(parts.items())


def _checkpoint(config: Any) -> str | None:
    if config is None:
        return None
    told = importing.checkpoints.get((config.__module__, config.__qualname__))
    if told:
        return told
    documented = _DOCUMENTED.search(config.__doc__ or "")
    return documented.group(1) if documented else None


def _processors(model_type: str) -> tuple[str, ...]:
    kinds = []
    for module, (kind, names) in _KINDS.items():
        mapping = getattr(importlib.import_module(f"{discovery.MODELS}.auto.{module}"), names, {})
        if model_type in mapping:
            kinds.append(kind)
    return tuple(kinds)


@functools.cache
def _speaks_of_proteins(folder: str, outside: bool) -> bool:
    """At least three mentions in the Python files of the type's own folder (an outside type: in its own file)."""
    module = sys.modules.get(folder)
    if module is None or not getattr(module, "__file__", None):
        return False
    path = Path(str(module.__file__))
    texts = [file.read_bytes().lower() for file in ([path] if outside else path.parent.glob("*.py"))]
    return sum(text.count(word) for text in texts for word in (b"protein", b"amino")) >= 3


def _resolve(found: Found, name: str) -> tuple[Any, str]:
    """A mapped class, or None and the reason why there is none."""
    if name in found.registered:
        return found.registered[name], ""
    try:
        value = getattr(importlib.import_module(found.folder), name, None)
        if value is None:  # some types are served by another family's class
            value = getattr(importlib.import_module("transformers"), name)
    except defaults.faults() as error:
        return None, f"mapped, but not importable: {type(error).__name__}: {error}"
    return value, ""


def _read_class(found: Found, name: str) -> ClassFacts:
    model, fault = _resolve(found, name)
    mappings, is_base = tuple(found.classes[name]), name == found.base
    if model is None:
        hidden = discovery.unexported(found, name)
        if hidden is not None:  # what it is can still be read, though nobody can import it as mapped
            return dataclasses.replace(_describe(hidden, mappings, is_base), module=found.folder, fault=fault)
        return ClassFacts(name=name, module=found.folder, mappings=mappings, is_base=is_base, fault=fault)
    backends = type.__getattribute__(model, "__dict__").get("_backends")
    if backends:  # a placeholder for a class whose optional dependency is missing; touching it raises
        fault = f"needs {', '.join(backends)}"
        return ClassFacts(name=name, module=found.folder, mappings=mappings, is_base=is_base, fault=fault)
    return _describe(model, mappings, is_base)


def _exports(found: Found, config: Any, known: list[type]) -> list[ClassFacts]:
    """Classes in no mapping that are built from exactly this type's configuration."""
    if not found.classes and not found.outside:
        try:
            importlib.import_module(found.folder)
        except defaults.faults():
            return []
    others = [model for model in discovery.exported(found, known) if getattr(model, "config_class", 0) is config]
    return [_describe(model, (), False) for model in sorted(others, key=lambda model: model.__name__)]


def _describe(model: type, mappings: tuple[str, ...], is_base: bool) -> ClassFacts:
    forward = inspect.unwrap(getattr(model, "forward"))  # noqa: B009
    signature = inspect.signature(forward)
    names = tuple(name for name, item in signature.parameters.items() if item.kind is not item.VAR_KEYWORD)[1:]
    declared, own = _declared_modalities(model)
    main_input = getattr(model, "main_input_name", "")
    can_generate = getattr(model, "can_generate", None)
    return ClassFacts(
        name=model.__name__,
        module=model.__module__,
        mappings=mappings,
        is_base=is_base,
        parameters=() if names == ("input",) else names,
        outputs=_output_fields(signature.return_annotation, forward),
        modalities=declared,
        own_modalities=own,
        produces=_names(getattr(model, "output_modalities", ())),
        main_input=main_input if isinstance(main_input, str) else next(iter(main_input), ""),
        generates=bool(can_generate()) if callable(can_generate) else False,
        methods=tuple(name for name in PROBED_METHODS if callable(getattr(model, name, None))),
    )


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value or ()))


def _declared_modalities(model: type) -> tuple[tuple[str, ...] | None, bool]:
    """What the class or its family says it takes; the library's own default says nothing."""
    for owner in model.__mro__:
        if "input_modalities" in vars(owner):
            if owner.__module__ == "transformers.modeling_utils":
                return None, False
            return _names(vars(owner)["input_modalities"]), owner is model
    return None, False


def _output_fields(annotation: Any, forward: Any) -> tuple[str, ...]:
    """Field names of all dataclasses that a return annotation names."""
    if isinstance(annotation, str):
        scope = getattr(forward, "__globals__", {})
        members = [scope.get(word) for word in re.findall(r"\w+", annotation)]
    else:
        members = [annotation, *typing.get_args(annotation)]
    fields: dict[str, None] = {}
    for member in members:
        if isinstance(member, type) and dataclasses.is_dataclass(member):
            fields.update(dict.fromkeys(item.name for item in dataclasses.fields(member)))
        elif isinstance(member, str):
            fields.update(dict.fromkeys(_output_fields(member, forward)))
    return tuple(fields)
