"""Runs and their endings as scripts that the page of comparisons loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archsweep.analysis.overview import RunRow
from archsweep.analysis.snapshot import Row
from archsweep.contract import Status
from archsweep.render.site.matrix_data import text
from archsweep.render.site.names import slug
from archsweep.render.words import SYMBOLS, line


def listed(runs: Sequence[RunRow]) -> str:
    """The runs to choose from, the newest first."""
    rows = [
        {"run": line(run.run, 80), "page": slug(run.run), "started": run.started, "what": line(run.what, 80)}
        for run in runs
    ]
    both = f"{{ runs: {text(rows)}, symbols: {text(SYMBOLS)} }}"
    return f"window.ARCHSWEEP = Object.assign(window.ARCHSWEEP || {{}}, {both});\n"


def endings(page: str, rows: Iterable[Row]) -> str:
    """Status, stage and error class of each case of one run; what passed has its status alone."""
    found = {line(row["case"], 400): _ending(row) for row in rows}
    return (
        "window.ARCHSWEEP = window.ARCHSWEEP || {}; window.ARCHSWEEP.endings = "
        f"Object.assign(window.ARCHSWEEP.endings || {{}}, {{ {text(page)}: {text(found)} }});\n"
    )


def _ending(row: Row) -> list[str]:
    if row["status"] == Status.PASS:
        return [row["status"]]
    return [row["status"], row["stage"], line(row["error_class"] or "", 120)]
