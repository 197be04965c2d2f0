"""Where settings come from: defaults, pyproject.toml [tool.archsweep], environment, flags.

Each value knows where it came from, and an error says where: file and line, variable, or flag.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep.errors import SettingsError, nearest

DEFAULT_PLATFORM = "cpu"
PREFIX = "ARCHSWEEP_"
_SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A value and where it came from: "default", "pyproject.toml, line 7", "ARCHSWEEP_JOBS", "--jobs"."""

    value: Any
    origin: str


def positive_int(value: Any) -> int:
    number = int(str(value))
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def positive_seconds(value: Any) -> float:
    number = float(str(value))
    if not 0 < number < float("inf"):
        raise ValueError("must be more than 0 seconds")
    return number


def size(value: Any) -> int:
    """Bytes of "3G", "512M" or a plain number of bytes."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", str(value), re.I)
    number = int(float(found.group(1)) * _SIZES[found.group(2).upper()]) if found else 0
    if number < 1:
        raise ValueError("must be a size such as 3G or 512M")
    return number


def names(value: Any) -> tuple[str, ...]:
    """A list, or text with commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be a name or a list of names")
    return tuple(part.strip() for part in parts if part.strip())


def path(value: Any) -> Path:
    if not str(value):
        raise ValueError("must be a path")
    return Path(str(value)).expanduser()


@dataclass(frozen=True)
class _Known:
    read: Callable[[Any], Any]
    default: Callable[[], Any]


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "archsweep"


KNOWN: Mapping[str, _Known] = {
    "db": _Known(path, lambda: Path("archsweep.duckdb")),
    "cache": _Known(path, _cache_folder),
    "jobs": _Known(positive_int, lambda: None),  # None: one for each core
    "timeout": _Known(positive_seconds, lambda: 120.0),  # seconds for each case
    "memory": _Known(size, lambda: 3 * 2**30),  # bytes for each worker
    "platforms": _Known(names, lambda: (DEFAULT_PLATFORM,)),
    "checks": _Known(names, lambda: ()),  # none: those that verify
    "imports": _Known(names, lambda: ()),
    "baseline": _Known(path, lambda: None),
}


def load(flags: Mapping[str, Any] | None = None, folder: Path | None = None) -> dict[str, Setting]:
    """Every known setting. `flags` holds what was given on the command line; None, "" and () count as not given."""
    found = {name: Setting(value=known.default(), origin="default") for name, known in KNOWN.items()}
    found |= _from_file((folder or Path.cwd()) / "pyproject.toml")
    for name in KNOWN:
        variable = PREFIX + name.upper()
        if os.environ.get(variable):
            found[name] = _read(name, os.environ[variable], variable)
    for name, value in (flags or {}).items():
        if value is not None and value not in ("", ()):
            found[name] = _read(name, value, f"--{name}")
    return found


def cache_root() -> Path:
    """Folder of the content-addressed caches."""
    chosen: Path = load()["cache"].value
    return chosen


def database_path() -> Path:
    """The results database."""
    chosen: Path = load()["db"].value
    return chosen


def _from_file(file: Path) -> dict[str, Setting]:
    if not file.is_file():
        return {}
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        tools = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    table = tools.get("archsweep", {}) if isinstance(tools, dict) else tools
    if not isinstance(table, dict):
        name = "tool.archsweep" if isinstance(tools, dict) else "tool"
        raise SettingsError(f"{file}: {name} must be a table, not {table!r}", "Write it as: [tool.archsweep]")
    found = {}
    for name, value in table.items():
        origin = f"{file}, line {_line(text, name)}"
        if name not in KNOWN:
            near = nearest(name, KNOWN)
            hint = f"Nearest: {', '.join(near)}" if near else f"Known: {', '.join(KNOWN)}"
            raise SettingsError(f"{file}, line {_line(text, name)}: unknown setting {name!r} in [tool.archsweep]", hint)
        found[name] = _read(name, value, origin)
    return found


def _line(text: str, name: str) -> int:
    """The line of [tool.archsweep] that sets `name`."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip().startswith("["):
            inside = line.strip().startswith("[tool.archsweep")
        if inside and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", line):
            return number
    return 1


def _read(name: str, value: Any, origin: str) -> Setting:
    try:
        return Setting(value=KNOWN[name].read(value), origin=origin)
    except ValueError as error:
        reason = str(error) if str(error).startswith("must") else "must be a number"
        raise SettingsError(f"{origin}: {name} {reason}, not {value!r}") from error
