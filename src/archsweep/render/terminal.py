"""The matrix for a terminal: as many platforms beside one another as its width holds, the rest below.

Gets folded cells; knows nothing of the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archsweep.analysis.matrix import Cell, Depth, Label, Matrix, Place
from archsweep.render.words import STYLES, UNTRIED, beside, ground, legend, line, plain, reading, verdict, whole

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_LABEL_WIDTH = 44
_GAP = 2
_WIDEST = 1_000_000


def console(width: int | None = None, file: Any = None) -> Console:
    """A console as wide as the terminal; 100 columns where there is none."""
    import shutil

    from rich.console import Console

    return Console(
        width=width or shutil.get_terminal_size((100, 24)).columns,
        file=file,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )


def show_matrix(matrix: Matrix, notes: Sequence[Mapping[str, Any]], out: Console) -> None:
    """Prints the matrix, what its symbols mean, and under which fingerprint each platform stands."""
    from rich.text import Text

    compact = _fits(matrix, matrix.places, out.width, compact=True)
    for places in _blocks(matrix, out.width, compact=compact):
        out.print(_table(matrix, places, compact=compact))
        out.print()
    for text in (legend(matrix), reading(matrix), *footnotes(matrix, notes)):
        if text:
            out.print(Text(text, style="dim"))


def footnotes(matrix: Matrix, notes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the reader must know of the columns: their fingerprints, and that older ones are not folded in."""
    platforms = dict.fromkeys(place[0] for place in matrix.places)
    for name in platforms:
        found = [note for note in notes if note["platform"] == name]
        if found:
            note = found[0]
            facts = (f"fingerprint {note['fingerprint']}", f"transformers {note['transformers_version']}")
            behind = f"behind {note['behind']}, which is there" if note.get("behind") else ""
            parts = [line(note["device"] or ""), *facts, behind, note["finished_at"][:10]]
            yield f"{name}: {', '.join(part for part in parts if part)}"
            if len(found) > 1:
                yield f"{name}: {_older(matrix, name, len(found) - 1)}"


def _older(matrix: Matrix, platform: str, count: int) -> str:
    """How the matrix treats what stands under `count` older fingerprints of a platform."""
    what = f"{count} older fingerprint{'' if count == 1 else 's'}"
    mine = [cell for place, cell in matrix.totals.items() if place[0] == platform]
    if not any(cell.older for cell in mine):
        folded = any(len(cell.fingerprints) > 1 for cell in mine)
        return f"folded together with {what}" if folded else f"{what}, with nothing in this view"
    return (
        f"{what}, marked (older)"
        if matrix.depth is Depth.CLASS
        else f"{what}, counted apart as older (--fold folds them in)"
    )


def _parts(cell: Cell | None, *, compact: bool) -> list[tuple[str, str]]:
    """The lines of a cell, each with its style; `compact` puts status and evidence on one."""
    if cell is None:
        return [(UNTRIED, "dim")]
    head, foot = verdict(cell), ground(cell)
    style = STYLES.get(cell.status, "dim")
    first = [(f"{head}  {foot}", style)] if compact and foot else [(head, style), (foot, "dim")]
    return [(text, kind) for text, kind in [*first, *((part, "dim") for part in beside(cell))] if text]


def _title(place: Place) -> str:
    return line(" ".join(place))


def _name(label: Label) -> str:
    text = line("/".join(label[1:]) if len(label) > 1 else label[0])
    return text if len(text) <= _LABEL_WIDTH else f"{text[: _LABEL_WIDTH - 1]}…"


def _widths(matrix: Matrix, places: Sequence[Place], *, compact: bool) -> list[int]:
    found = []
    for place in places:
        cells = [matrix.cells.get((label, place)) for label in matrix.labels] + [matrix.totals.get(place)]
        texts = [text for cell in cells for text, _ in _parts(cell, compact=compact)]
        found.append(max(len(text) for text in [_title(place), *texts]))
    return found


def _label_column(matrix: Matrix) -> int:
    return max((len(_name(label)) + (len(label) > 1) * 2 for label in matrix.labels), default=0)


def _fits(matrix: Matrix, places: Sequence[Place], width: int, *, compact: bool) -> bool:
    return _label_column(matrix) + sum(size + _GAP for size in _widths(matrix, places, compact=compact)) + 2 <= width


def _blocks(matrix: Matrix, width: int, *, compact: bool) -> Iterator[list[Place]]:
    """The columns in groups that fit beside one another; a group has at least one."""
    block: list[Place] = []
    for place in matrix.places:
        if block and not _fits(matrix, [*block, place], width, compact=compact):
            yield block
            block = []
        block.append(place)
    if block:
        yield block


def _table(matrix: Matrix, places: Sequence[Place], *, compact: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    table.add_column(Text("" if matrix.depth is Depth.CATEGORY else matrix.depth), no_wrap=True)
    for place in places:
        table.add_column(Text(_title(place)), no_wrap=True)
    group = ""
    for number, label in enumerate(matrix.labels):
        if len(label) > 1 and label[0] != group:
            group = label[0]
            table.add_row(Text(line(group), style="bold"))
        last = number == len(matrix.labels) - 1
        indent = "  " if len(label) > 1 else ""
        cells = [_text(matrix.cells.get((label, place)), compact=compact) for place in places]
        table.add_row(Text(indent + _name(label)), *cells, end_section=last)
    if len(matrix.labels) > 1 and matrix.depth is not Depth.CLASS:
        cells = [_text(matrix.totals.get(place), compact=compact) for place in places]
        table.add_row(Text(whole(matrix), style="bold"), *cells)
    return table


def _text(cell: Cell | None, *, compact: bool) -> Text:
    from rich.text import Text

    return Text("\n").join(Text(text, style=style) for text, style in _parts(cell, compact=compact))


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], out: Console) -> None:
    """Prints rows of a query, every value as text: as a table, or as a block a row where a terminal is too narrow.

    Off a terminal a table is as wide as its content.
    """
    from rich.measure import Measurement
    from rich.text import Text

    table = _rows_table(columns, rows)
    width = Measurement.get(out, out.options.update(max_width=_WIDEST), table).maximum
    if width <= out.width or not out.is_terminal:
        out.width = max(width, out.width)
        out.print(table)
    else:
        for row in rows or [columns]:
            for name, value in zip(columns, row, strict=True):
                out.print(Text.assemble((f"{line(name)}: ", "bold"), _value(value) if rows else ""))
            out.print()
    out.print(Text(f"{len(rows):,} row{'' if len(rows) == 1 else 's'}", style="dim"))


def _rows_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for position, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float | None) for row in rows)
        table.add_column(Text(line(name)), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_value, row))
    return table


def _value(value: Any) -> Text:
    from rich.text import Text

    return Text("null", "dim") if value is None else Text(plain(str(value)))
