"""Rows as a table on the terminal, or as JSON. Knows nothing of what the rows mean."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_ONE = {"classes": "class", "families": "family", "categories": "category"}


def json_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """One JSON array, an object a line."""
    return "[" + ",\n ".join(json.dumps(row) for row in rows) + "]"


def show(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], title: str) -> None:
    """Print a table with the number of rows below; piped output is not cut to a terminal's width."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=240)
    names = tuple(columns)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(names):
        table.add_column(name.replace("_", " "), style="bold" if number == 0 else None, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(name, row[name]) for name in names))
    if rows:
        console.print(table)
    console.print(f"{len(rows)} {title if len(rows) != 1 else _ONE.get(title, title.removesuffix('s'))}", markup=False)


def _cell(name: str, value: Any) -> str:
    from rich.markup import escape

    if isinstance(value, Mapping):
        return escape(", ".join(f"{key}={'|'.join(map(str, item))}" for key, item in value.items()))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return str(len(value)) if name == "classes" else escape(", ".join(map(str, value)))
    return escape(str(value))
