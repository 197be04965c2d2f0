"""How statuses and evidence look in every view: always a word and a symbol, never a colour alone.

Also makes text from outside (names, errors) harmless for a terminal: nothing in it can move the cursor or turn a line.
"""

from __future__ import annotations

from archsweep.analysis.matrix import INCOMPLETE, Age, Cell, Depth, Matrix
from archsweep.contract import Evidence, Status

SYMBOLS: dict[str, str] = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.CRASH: "‼",
    Status.OOM: "▲",
    Status.TIMEOUT: "◷",
    Status.ERROR: "!",
    Status.BROKEN: "?",
    Status.UNSUPPORTED: "⊘",
    Status.UNEXECUTED: "◇",
    Status.UNAVAILABLE: "○",
    Status.INAPPLICABLE: "–",
    INCOMPLETE: "…",
}
STYLES: dict[str, str] = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.CRASH: "bold red",
    Status.OOM: "red",
    Status.TIMEOUT: "red",
    Status.ERROR: "red",
    Status.BROKEN: "bold magenta",
    Status.UNSUPPORTED: "yellow",
    Status.UNEXECUTED: "cyan",
    Status.UNAVAILABLE: "dim",
    Status.INAPPLICABLE: "dim",
    INCOMPLETE: "cyan",
}
EVIDENCE_SYMBOLS: dict[str, str] = {
    Evidence.HARDWARE: "●",
    Evidence.EMULATOR: "◐",
    Evidence.COMPILER: "◔",
    Evidence.PREDICTED: "◌",
    Evidence.NONE: "∅",
}
UNTRIED = "· not tried"

_APART = (Status.UNEXECUTED, Status.UNAVAILABLE)


def plain(text: str, limit: int = 10_000) -> str:
    """`text` with control, format and unassigned characters written out, and cut at `limit`; newlines stay."""
    cut = text if len(text) <= limit else f"{text[:limit]} … ({len(text):,} characters)"
    return "\n".join(row if row.isprintable() else _rewritten(row) for row in cut.split("\n"))


def line(text: str, limit: int = 300) -> str:
    """`plain` on one line."""
    return " ".join(plain(text, limit).split())


def _rewritten(row: str) -> str:
    return "".join(letter if letter.isprintable() else _written(letter) for letter in row)


def _written(letter: str) -> str:
    return "    " if letter == "\t" else f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"


def verdict(cell: Cell) -> str:
    """The first half of a cell: `590/605 ✗ fail`, or for one case alone `✓ pass`."""
    counts = f"{cell.verified}/{cell.applicable} " if cell.applicable and not _alone(cell) else ""
    return f"{counts}{symbol(cell)}"


def symbol(cell: Cell) -> str:
    """`✗ fail`; "" where everything in the cell is older."""
    return f"{SYMBOLS[cell.status]} {cell.status}" if cell.status else ""


def ground(cell: Cell) -> str:
    """The second half: `● hardware`."""
    return f"{EVIDENCE_SYMBOLS[cell.evidence]} {cell.evidence}" if cell.applicable else ""


def beside(cell: Cell) -> list[str]:
    """What a cell shows apart: `7 unavailable`, `12 days old`, `+ 12 older`; for one case, that it is older."""
    alone = _alone(cell)
    counts = {} if alone else {name: cell.by_status.get(name, 0) for name in _APART}
    parts = [f"{count} {name}" for name, count in counts.items() if 0 < count < cell.applicable]
    if alone and cell.older:
        parts.append("(older)")
    if cell.age is not None:
        parts.append(f"{'partly ' if cell.age.partly else ''}{_days(cell.age.days)} old")
        parts += _under(cell.age)
    if cell.older and not alone:
        parts.append(f"+ {cell.older} older")
        if cell.older_age is not None:
            parts[-1] += f": {_days(cell.older_age.days)}"
            parts += _under(cell.older_age)
    return parts


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _under(age: Age) -> list[str]:
    return [f"transformers {line(age.transformers)}"] if age.transformers else []


def _alone(cell: Cell) -> bool:
    return len(cell.place) > 1 and cell.applicable <= 1


def whole(matrix: Matrix) -> str:
    """What the line is called that folds the others."""
    return "shown" if matrix.filtered else "all"


def reading(matrix: Matrix) -> str:
    """How a folded cell is read, by the example of the first that is not green; "" where none is folded."""
    cells = [matrix.cells.get((label, place)) for label in matrix.labels for place in matrix.places]
    folded = [cell for cell in cells if cell is not None and cell.applicable and not _alone(cell)]
    if not folded or matrix.depth is Depth.CLASS:
        return ""
    first = next((cell for cell in folded if not cell.green), folded[0])
    return (
        f"{first.verified}/{first.applicable}: verified of applicable; the word is the most severe ending among the "
        "rest, and after it comes what the passes stand on"
    )


def legend(matrix: Matrix) -> str:
    """The symbols that a matrix uses, in words."""
    cells = matrix.cells.values()
    statuses = {name for cell in cells for name in (*cell.by_status, cell.status)}
    evidences = {cell.evidence for cell in cells if cell.applicable}
    used = [f"{symbol} {name}" for name, symbol in SYMBOLS.items() if name in statuses]
    grounds = [f"{symbol} {name}" for name, symbol in EVIDENCE_SYMBOLS.items() if name in evidences]
    return f"{'  '.join(used)}, on evidence of: {'  '.join(grounds)}" if used else ""
