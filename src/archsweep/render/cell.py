"""One cell whole, and a list of cells, for a terminal. Everything from outside is made harmless first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archsweep.render.words import EVIDENCE_SYMBOLS, STYLES, SYMBOLS, line, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = Mapping[str, Any]
_HISTORY = 10
_MARGIN = 14
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_MESSAGE = 12  # columns below which a list leaves the messages out


def show_cell(cell: Row, history: Sequence[Row], repeat: str, out: Console) -> None:
    """Prints what is known of a case: `cell` is the result that speaks for it, `history` all of them."""
    from rich.text import Text

    out.print(Text(line(cell["case"]), style="bold"))
    head = Text(f"{SYMBOLS[cell['status']]} {cell['status']}", style=STYLES[cell["status"]])
    head.append(f" at {cell['stage']}   {EVIDENCE_SYMBOLS[cell['evidence']]} {cell['evidence']}", style="default")
    head.append(f"   {cell['wall_s']:.2f} s   {cell['finished_at'][:19]} UTC   run {line(cell['run'])}", style="dim")
    out.print(head)
    out.print()
    table = _pairs()
    for name, value in _facts(cell):
        table.add_row(Text(name, style="bold"), Text(value))
    out.print(table)
    if cell["traceback"]:
        out.print(Text("\ntraceback", style="bold"))
        out.print(Text(plain(cell["traceback"].rstrip()), style="dim"))
    if len(history) > 1:
        out.print(Text("\nhistory", style="bold"))
        out.print(_history(history))
    out.print(Text("\nrepeat it alone", style="bold"))
    out.print(Text(plain(repeat)), soft_wrap=True)


def show_facts(title: str, row: Row, out: Console) -> None:
    """Prints named values, one a line, lists with commas; what is empty is left out."""
    from rich.text import Text

    out.print(Text(line(title), style="bold"))
    table = _pairs()
    for name, value in row.items():
        if value not in _EMPTY:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            table.add_row(Text(line(name.replace("_", " ")), style="bold"), Text(line(text, 4_000)))
    out.print(table)
    out.print()


def show_candidates(asked: str, rows: Sequence[Row], out: Console) -> None:
    """Prints the cells that a beginning of a name means."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    lines = [
        (
            line(row["case"]),
            f"{SYMBOLS[row['status']]} {row['status']}",
            f"{EVIDENCE_SYMBOLS[row['evidence']]} {row['evidence']}",
            row["stage"],
        )
        for row in rows
    ]
    heads = ("case", "status", "evidence", "stage")
    widths = [max(len(text) for text in column) for column in zip(heads, *lines, strict=True)]
    room = out.width - sum(widths) - 3 * len(widths)
    for name in heads:
        table.add_column(name, no_wrap=name != "case", overflow="fold")
    if room >= _MESSAGE:
        table.add_column("message", no_wrap=True, overflow="ellipsis", max_width=room)
    for row, (case, status, evidence, stage) in zip(rows, lines, strict=True):
        message = [Text(line(row["message"]), style="dim")] if room >= _MESSAGE else []
        table.add_row(Text(case), Text(status, STYLES[row["status"]]), Text(evidence), Text(stage, "dim"), *message)
    out.print(table)
    out.print(Text(f"{len(rows)} cells begin with {line(asked)}. One of them whole: archsweep show CASE", style="dim"))


def _pairs() -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=_MARGIN, no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _facts(cell: Row) -> Iterator[tuple[str, str]]:
    if cell["message"]:
        yield "message", plain(cell["message"], 2_000)
    if cell["error_class"]:
        yield "error", _error(line(cell["error_class"]), cell["error_message"] or "", cell["message"])
    if cell["operators"]:
        yield "operators", line(", ".join(cell["operators"]), 1_000)
    if cell["blame"]:
        package = f" ({line(cell['blame_package'])})" if cell["blame_package"] else ""
        yield "blame", f"{cell['blame']}{package}"
    if cell["outlook"]:
        yield "outlook", cell["outlook"]
    for name, value in cell["metrics"].items():
        yield line(name), "not a finite number" if value is None else f"{value:.6g}"
    for name, value in cell["details"].items():
        if value not in _EMPTY:
            yield line(str(name)), plain(_detail(value), 2_000)
    yield "device", line(cell["device"] or cell["processor"] or "")
    yield "fingerprint", line(_fingerprint(cell), 1_000)


def _error(name: str, text: str, message: str) -> str:
    """Class and text of an error: the class once, and no text that the message above has word for word."""
    own = text.removeprefix(f"{name}: ")
    return f"{name}: {plain(own, 2_000)}" if own and text != message else name


def _detail(value: Any) -> str:
    """A detail for people: a list of objects one a line, an object as `name value` pairs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_detail(item)}" for name, item in value.items() if item not in _EMPTY)
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return "\n".join(_detail(item) for item in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fingerprint(cell: Row) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in sorted(cell["versions"].items()))
    parts = [
        cell["fingerprint"],
        versions,
        f"Python {cell['python']}",
        cell["system"],
        cell["processor"],
        cell["driver"],
    ]
    return "; ".join(part for part in [*parts, *(cell["notes"] or [])] if part)


def _history(history: Sequence[Row]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 3, 0, 0))
    for row in history[:_HISTORY]:
        table.add_row(
            Text(row["finished_at"][:19], style="dim"),
            Text(f"{SYMBOLS[row['status']]} {row['status']}", style=STYLES[row["status"]]),
            Text(f"{EVIDENCE_SYMBOLS[row['evidence']]} {row['evidence']}"),
            Text(f"{row['wall_s']:.2f} s"),
            Text(f"transformers {row['transformers_version']}"),
            Text(row["fingerprint"]),
            Text(line(row["run"])),
        )
    if len(history) > _HISTORY:
        table.add_row(Text(f"and {len(history) - _HISTORY} earlier", style="dim"))
    return table
