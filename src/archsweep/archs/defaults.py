"""The default configuration of a class; where it has none, one composed of the parts that its own text names.

Newer releases state the parts of a composite as specifications, older ones as classes, and where a part may be of any
class only the code or the example in the documentation says which. Reads text and builds configurations, never a model.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

_HUB = re.compile(
    r"from_pretrained\(\s*[\"'](?:[\w-]+/)?(?P<name>\w+)[.\w]*[\"']\s*(?:,\s*model_args=(?P<arguments>\{[^}]*\}))?"
)
_EXAMPLE = re.compile(r"(?m)^\s*(?:>>>\s*)?(\w+)\s*=\s*(\w+Config)\(")
_ASKED = re.compile(r"(\w+) must be (\d+|True|False|None), (?:but )?got")
MOST_MENDED = 8
_SILENT = frozenset(("config", "configuration"))


def faults() -> tuple[type[Exception], ...]:
    """What constructing somebody's configuration may raise."""
    from huggingface_hub.errors import StrictDataclassError

    common = (ImportError, AttributeError, LookupError, TypeError, ValueError, RuntimeError, OSError, ArithmeticError)
    return (*common, AssertionError, NameError, SyntaxError, StrictDataclassError)


def default(kind: Any) -> Any:
    """`kind()`, or where that raises, `kind` with a default for every part that it names. Raises what `kind()` does."""
    try:
        return kind()
    except faults():
        found = {name: part for name in named(kind) if (part := part_of(kind, name)) is not None}
        if not found:
            raise
        return _mended(kind, found)


def _mended(kind: Any, parts: dict[str, Any]) -> Any:
    """`kind` of `parts`, whose fields get the values that the validators of the whole ask for, one at a time."""
    for _ in range(MOST_MENDED):
        try:
            return made(kind, parts)
        except faults() as error:
            found = _ASKED.search(str(error))
            owners = [part for part in parts.values() if found and hasattr(part, found.group(1))]
            if not found or not owners:
                raise
            for part in owners:
                setattr(part, found.group(1), ast.literal_eval(found.group(2)))
    return made(kind, parts)


def made(kind: Any, arguments: Mapping[str, Any]) -> Any:
    """`kind` called with `arguments`; where it refuses configurations as arguments, with tables in their place."""
    try:
        return kind(**arguments)
    except faults():
        if not any(hasattr(value, "to_diff_dict") for value in arguments.values()):
            raise
        return kind(**tables(arguments))


def tables(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` with tables for configurations."""
    return {name: value.to_dict() if hasattr(value, "to_diff_dict") else value for name, value in arguments.items()}


def named(kind: Any) -> tuple[str, ...]:
    """The fields of a configuration class that hold configurations."""
    specified = getattr(kind, "sub_configs_defaults", None) or getattr(kind, "sub_configs", None) or {}
    return tuple(specified)


def part_of(kind: Any, name: str) -> Any:
    """A fresh default for the part `name` of a configuration class, or None where nothing says what it is."""
    specification = (getattr(kind, "sub_configs_defaults", None) or {}).get(name)
    try:
        if specification is not None:
            return specification.default_config
        stated = (getattr(kind, "sub_configs", None) or {}).get(name)
        if inspect.isclass(stated) and hasattr(stated, "to_diff_dict"):
            return default(stated)
        return _by_text(kind, name)
    except faults():
        return None


def _by_text(kind: Any, name: str) -> Any:
    """The part that the class's code makes of a table without a type, or that its documented example makes."""
    mapping = importlib.import_module("transformers.models.auto.configuration_auto").CONFIG_MAPPING
    text = _text(kind)
    for line in text.splitlines():
        found = re.search(r"[\"']model_type[\"'],\s*[\"']([\w-]+)[\"']|CONFIG_MAPPING\[[\"']([\w-]+)[\"']\]", line)
        if found and re.search(rf"\b{name}\b", line):
            return _fetched(text, name, default(mapping[found.group(1) or found.group(2)]))
    library = importlib.import_module("transformers")
    words = set(name.split("_")) - _SILENT
    for variable, other in _EXAMPLE.findall(kind.__doc__ or ""):
        if set(variable.split("_")) - _SILENT == words and inspect.isclass(found := getattr(library, other, None)):
            return default(found)
    return None


def _fetched(text: str, name: str, config: Any) -> Any:
    """A network known by its name alone has the name and the arguments that the code would fetch it with."""
    place = re.search(rf"{name}\s*=\s*\w+\.(?=from_pretrained)", text)
    found = _HUB.match(text, place.end()) if place else None
    if found and hasattr(config, "architecture") and hasattr(config, "model_args"):
        config.architecture = found.group("name")
        config.model_args = ast.literal_eval(found.group("arguments") or "None")
    return config


def _text(kind: Any) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""
