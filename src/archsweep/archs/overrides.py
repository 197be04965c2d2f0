"""What no rule can know, from `overrides.toml`: a few lines for a model type, each with its reason."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archsweep.contract import Subject
from archsweep.errors import SettingsError

FILE = Path(__file__).with_name("overrides.toml")
_KEYS = frozenset({"config", "inputs", "why"})


@dataclass(frozen=True, kw_only=True)
class Override:
    """`config` are edits of the tiny configuration, applied after the rules; `inputs` are hints for the inputs."""

    why: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)


NONE = Override(why="rules alone")


def for_subject(subject: Subject, rules_alone: bool = False) -> Override:
    """The override of the subject's model type; an empty one where there is none or only rules may speak."""
    return NONE if rules_alone else load().get(subject.model_type, NONE)


@functools.cache
def load(path: Path = FILE) -> Mapping[str, Override]:
    """All overrides by model type. Raises SettingsError, with file and line, on a malformed file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path}: {error}", "Mend the file; see the comment at its top for the form of an entry."
        ) from error
    made: dict[str, Override] = {}
    for model_type, entry in table.items():
        unknown = set(entry) - _KEYS if isinstance(entry, dict) else {"(not a table)"}
        if unknown or not entry.get("why"):
            fault = f"unknown key {sorted(unknown)}" if unknown else "no `why`"
            raise SettingsError(
                f"{path}:{_line(path, model_type)}: [{model_type}] has {fault}", f"An entry has {sorted(_KEYS)}."
            )
        made[model_type] = Override(**{key: _joined(value) for key, value in entry.items()})
    return made


def _joined(value: Any) -> Any:
    """`value` with lists of tables as one table each: an inline table must stand on one line, a list need not."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return functools.reduce(merged, map(_joined, value))
    return {name: _joined(item) for name, item in value.items()} if isinstance(value, dict) else value


def _line(path: Path, model_type: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, text in enumerate(lines, 1) if text.strip().strip('[]"') == model_type), 1)


def merged(edits: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`edits` with `more` laid over it, tables within tables."""
    made = dict(edits)
    for name, value in more.items():
        inner = made.get(name)
        made[name] = merged(inner, value) if isinstance(value, Mapping) and isinstance(inner, Mapping) else value
    return made
