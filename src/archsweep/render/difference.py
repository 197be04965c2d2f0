"""What the library offers otherwise than files state and results know: for a terminal, and as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.analysis.universe import Changed, Difference, Gone, New, Renamed
from archsweep.encoding import encode
from archsweep.render.words import line

if TYPE_CHECKING:
    from rich.console import Console

MOST = 20  # lines of one kind
NAMES = 2  # names of classes in a line
Line = tuple[str, str, str, str]  # kind, model type, classes, what is so


def plain(found: Difference) -> dict[str, Any]:
    """As JSON values: lists by kind, and `counts`."""
    return {
        "new": encode(found.new),
        "gone": encode(found.gone),
        "renamed": [
            {
                "from": pair.gone.model_type, "to": pair.new.model_type, "shared": list(pair.shared),
                "same_source": pair.same_source, "files": list(pair.gone.files),
            }
            for pair in found.renamed
        ],
        "changed": encode(found.changed),
        "counts": found.counts,
    }  # fmt: skip


def show(found: Difference, left: Mapping[Path, str], out: Console) -> None:
    """Prints a line for each model type that differs, the counts, and the files that were left alone.

    What neither side knows comes first among what is new."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    new = sorted(found.new, key=lambda item: item.stated + item.known)
    kinds: tuple[Iterator[Line], ...] = (
        map(_new, new), map(_gone, found.gone), map(_renamed, found.renamed), map(_changed, found.changed)
    )  # fmt: skip
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in ("", "model type", "classes", ""):
        table.add_column(name, no_wrap=name == "model type", overflow="fold")
    for lines in map(list, kinds):
        for row in lines[:MOST]:
            table.add_row(*(Text(line(part)) for part in row))
        if len(lines) > MOST:
            table.add_row(Text(lines[0][0]), Text(f"… and {len(lines) - MOST} more, all named by --json", style="dim"))
    if table.rows:
        out.print(table)
        out.print()
    out.print(Text(", ".join(f"{number} {name}" for name, number in found.counts.items())))
    for path, reason in list(left.items())[:MOST]:
        out.print(Text(f"left alone: {line(str(path))}: {line(reason)}"), soft_wrap=True)
    if len(left) > MOST:
        out.print(Text(f"left alone: {len(left) - MOST} more files"))


def _new(item: New) -> Line:
    lacks = [text for has, text in ((item.stated, "no file"), (item.known, "no result")) if not has]
    return "new", item.model_type, _names(item.classes), ", ".join(lacks)


def _gone(item: Gone) -> Line:
    return "gone", item.model_type, _names(item.classes), "; ".join(_traces(item))


def _traces(item: Gone) -> Iterator[str]:
    """Where one that is gone is still spoken of."""
    if item.files:
        yield f"stated by {', '.join(item.files)}"
    if item.last:
        yield f"last results under transformers {item.last}"


def _renamed(pair: Renamed) -> Line:
    ground = [f"shares {_names(pair.shared)}"] if pair.shared else []
    ground += ["has the same source"] if pair.same_source else []
    names = f"{pair.gone.model_type} -> {pair.new.model_type}"
    return "renamed", names, _names(pair.new.classes), "; ".join([" and ".join(ground), *_traces(pair.gone)])


def _changed(item: Changed) -> Line:
    parts = [f"other source than under transformers {item.since}"] if item.edited else []
    parts += [f"added: {_names(item.added)}"] if item.added else []
    parts += [f"dropped: {_names(item.dropped)}"] if item.dropped else []
    return "changed", item.model_type, _names(item.edited), "; ".join(parts)


def _names(names: Sequence[str]) -> str:
    rest = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" and {rest} more" if rest > 0 else "")


def show_waiting(rows: Iterable[Any], out: Console) -> None:
    """Prints the model folders that come next, and why each does."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in ("next", "phase", "priority", "category", "classes", "why"):
        table.add_column(name, overflow="fold", justify="right" if name in ("phase", "classes") else "left")
    for row in rows:
        parts = (row.family, str(row.phase), row.priority, row.category, str(row.classes), row.why)
        table.add_row(*(Text(line(part)) for part in parts))
    out.print(table)
