"""The matrix as a page of its own: one HTML file without a script, for any browser, and for paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archsweep.analysis.matrix import Cell, Depth, Label, Matrix
from archsweep.render.page import page
from archsweep.render.terminal import footnotes
from archsweep.render.words import (
    EVIDENCE_SYMBOLS,
    SYMBOLS,
    UNTRIED,
    beside,
    ground,
    line,
    reading,
    symbol,
    verdict,
    whole,
)

_HEADS = {
    Depth.CATEGORY: "category", Depth.ARCHITECTURE: "model type", Depth.SUBJECT: "class", Depth.CLASS: "class",
}  # fmt: skip


def matrix_page(matrix: Matrix, notes: Sequence[Mapping[str, Any]], scope: str) -> str:
    """The whole document. `scope` says in words what is shown, and from where."""
    cells = matrix.cells.values()
    statuses = {name for cell in cells for name in (*cell.by_status, cell.status)}
    evidences = {cell.evidence for cell in cells if cell.applicable}
    folded = len(matrix.labels) > 1 and matrix.depth is not Depth.CLASS
    return page(
        "Compatibility matrix",
        "matrix.html.j2",
        styles=("matrix.css",),
        scope=line(scope),
        head=_HEADS[matrix.depth],
        places=[line(" ".join(place)) for place in matrix.places],
        groups=list(_groups(matrix)),
        untried=UNTRIED,
        whole=whole(matrix),
        totals=[_cell(matrix.totals.get(place)) for place in matrix.places] if folded else [],
        statuses=[(name, mark) for name, mark in SYMBOLS.items() if name in statuses],
        evidences=[(name, mark) for name, mark in EVIDENCE_SYMBOLS.items() if name in evidences],
        reading=reading(matrix),
        footnotes=list(footnotes(matrix, notes)),
    )


def _groups(matrix: Matrix) -> Iterator[tuple[str, list[tuple[str, list[Any]]]]]:
    """The lines of each category, below its name; of categories themselves, below none."""
    name = ""
    lines: list[tuple[str, list[Any]]] = []
    for label in matrix.labels:
        group = label[0] if len(label) > 1 else ""
        if lines and group != name:
            yield line(name), lines
            lines = []
        name = group
        lines.append((_name(label), [_cell(matrix.cells.get((label, place))) for place in matrix.places]))
    if lines:
        yield line(name), lines


def _name(label: Label) -> str:
    return line("/".join(label[1:]) if len(label) > 1 else label[0])


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    """Its word and what stands around it; None where nothing was tried."""
    if cell is None:
        return None
    word = symbol(cell)
    counts = verdict(cell).removesuffix(word).strip()
    rest = [ground(cell), " · ".join(beside(cell))]
    return {"counts": counts, "status": cell.status, "word": word, "rest": [part for part in rest if part]}
