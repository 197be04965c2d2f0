"""The matrix as a Markdown table. Text from outside cannot end a cell or become markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archsweep.analysis.matrix import Cell, Depth, Matrix
from archsweep.render.terminal import footnotes
from archsweep.render.words import UNTRIED, beside, ground, legend, line, reading, verdict, whole

_SPECIAL = {letter: f"\\{letter}" for letter in "\\`*_{}[]()#|!~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def escape(text: str, limit: int = 300) -> str:
    """`text` on one line, as text: every character of Markdown and HTML that could be more is disarmed."""
    return "".join(_SPECIAL.get(letter, letter) for letter in line(text, limit))


def matrix_table(matrix: Matrix, notes: Sequence[Mapping[str, Any]]) -> str:
    """The whole matrix, its legend and footnotes."""
    return "\n".join(_lines(matrix, notes)) + "\n"


def _lines(matrix: Matrix, notes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = {Depth.CATEGORY: ["category"], Depth.ARCHITECTURE: ["category", "model type"]}
    heads = names.get(matrix.depth, ["category", "model type", "class"])
    yield _row([*heads, *(" ".join(place) for place in matrix.places)])
    yield "|" + " --- |" * (len(heads) + len(matrix.places))
    for label in matrix.labels:
        cells = [_cell(matrix.cells.get((label, place))) for place in matrix.places]
        yield _row(list(label), cells)
    if len(matrix.labels) > 1 and matrix.depth is not Depth.CLASS:
        cells = [f"**{_cell(matrix.totals.get(place))}**" for place in matrix.places]
        yield _row([], [f"**{whole(matrix)}**", *[""] * (len(heads) - 1), *cells])
    yield ""
    yield legend(matrix)
    yield ""
    if reading(matrix):
        yield reading(matrix)
        yield ""
    for text in footnotes(matrix, notes):
        yield f"- {escape(text)}"


def _row(texts: Sequence[str], ready: Sequence[str] = ()) -> str:
    return "| " + " | ".join([*(escape(text) for text in texts), *ready]) + " |"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return UNTRIED
    apart = ", ".join(beside(cell))
    return " · ".join(part for part in (verdict(cell), ground(cell), apart) if part)
