"""What the code that reads a configuration says about it: words and numbers in its text. Runs nothing."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

_SECTION = re.compile(r"\.get\(\s*\"(\w*section\w*)\"\s*,\s*\[([\d,\s]+)\]\s*\)")
_KIND = re.compile(r"\"([a-z0-9_]+)\"")


@functools.cache
def modeling_text(module: str) -> str:
    """The text of the modeling module that stands beside a configuration's module; empty where there is none."""
    beside = module.replace(".configuration_", ".modeling_")
    if beside == module:
        return ""
    try:
        found = importlib.util.find_spec(beside)
    except (ImportError, ValueError):
        return ""
    if found is None or not found.origin or not Path(found.origin).is_file():
        return ""
    return Path(found.origin).read_text(encoding="utf-8", errors="replace")


def sections(module: str) -> tuple[str, list[int]] | None:
    """The name and default of a list that splits rotary dimensions, where only the code states it."""
    found = _SECTION.search(modeling_text(module))
    return (found.group(1), [int(item) for item in found.group(2).split(",") if item.strip()]) if found else None


def layer_kinds(module: str, allowed: tuple[str, ...]) -> list[str]:
    """Which of the `allowed` words for layer kinds the code compares or looks up, in order of appearance."""
    seen: dict[str, None] = {}
    for word in _KIND.findall(modeling_text(module)):
        if word in allowed:
            seen.setdefault(word)
    return list(seen)


@functools.cache
def channel_groups(module: str) -> int:
    """How many groups of channels the code normalises over, where it states the number itself; else 1."""
    found = re.findall(r"GroupNorm\(\s*(?:num_groups\s*=\s*)?(\d+)\s*,", modeling_text(module))
    return max((int(item) for item in found), default=1)


def reads(module: str, name: str) -> bool:
    """Whether the code reads a field of that name off a configuration."""
    return re.search(rf"config\.{re.escape(name)}\b", modeling_text(module)) is not None
