"""Rows as JSON and CSV. In CSV no cell can be taken for a formula by a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from archsweep.render.words import plain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(rows: Any) -> str:
    """JSON, one row a line where it is a list."""
    if not isinstance(rows, list):
        return json.dumps(rows, ensure_ascii=False, indent=2)
    if not rows:
        return "[]"
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """CSV with a header line; lists and objects as JSON, null as nothing."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_field(row[name]) for name in columns])
    return stream.getvalue()


def _field(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, str):
        text = plain(value)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value
