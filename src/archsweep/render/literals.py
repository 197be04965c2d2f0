"""Plain values as Python source that a formatter leaves as it is: one line where it fits, else an item a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WIDTH = 88  # the narrowest line that formatters keep to by default
STEP = "    "
_ESCAPED = {'"': '\\"', "\\": "\\\\"}


def literal(value: Any, indent: int = 0, before: int = 0) -> str:
    """`value` as source that begins `before` characters into a line; what follows the first line is indented by
    `indent` steps. A comma has room behind it."""
    flat = _flat(value)
    items = _items(value)
    if items is None or not items or len(flat) + before + 1 <= WIDTH:
        return flat
    opening, closing = flat[0], flat[-1]
    inner = STEP * (indent + 1)
    lines = []
    for name, item in items:
        key = f"{name}: " if name else ""
        lines.append(f"{inner}{key}{literal(item, indent + 1, len(inner) + len(key))},")
    return "\n".join([opening, *lines, STEP * indent + closing])


def _items(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, Mapping):
        return [(_flat(name), item) for name, item in value.items()]
    if isinstance(value, list | tuple):
        return [("", item) for item in value]
    return None


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flat(name)}: {_flat(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        inner = ", ".join(map(_flat, value))
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return repr(value).replace("e+", "e") if math.isfinite(value) else f'float("{value}")'
    return repr(value)


def _text(value: str) -> str:
    """In double quotes, unless that would need more escapes than single ones."""
    if '"' in value and "'" not in value:
        return repr(value)
    return (
        '"' + "".join(_ESCAPED.get(sign) or (sign if sign.isprintable() else repr(sign)[1:-1]) for sign in value) + '"'
    )
