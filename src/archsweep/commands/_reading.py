"""What the verbs that read the database share: its path, and names that it knows. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from archsweep.errors import ArchsweepError, nearest

database_option = click.option(
    "--db", "database", metavar="FILE", help="The results database; default: archsweep.duckdb, or ARCHSWEEP_DB."
)


def database_path(given: str | None) -> Path:
    """The database that --db, the environment or the settings name."""
    from archsweep import settings

    return Path(settings.load({"db": given})["db"].value)


def check_names(kind: str, names: Sequence[str], known: Iterable[str], database: Path) -> None:
    """Raises ArchsweepError, with the nearest names, where `names` holds one that the database has no results of."""
    known = sorted(set(known))
    for name in names:
        if name not in known:
            near = nearest(name, known) or tuple(known[:12])
            hint = (
                f"Nearest: {', '.join(near)}." if nearest(name, known) else f"It has: {', '.join(near) or 'nothing'}."
            )
            raise ArchsweepError(f"{database} has no results of {kind} {name!r}", hint)


def check_words(kind: str, words: Sequence[str], known: Sequence[str]) -> None:
    """Raises ArchsweepError, with the nearest, where `words` holds one that is none of the known."""
    for word in words:
        if word not in known:
            near = nearest(word, known)
            hint = f"Nearest: {', '.join(near)}. " if near else ""
            raise ArchsweepError(f"unknown {kind} {word!r}", f"{hint}There are: {', '.join(known)}.")


def write(text: str) -> None:
    """Prints text as it is; a reader that went away (`| head`) ends it quietly."""
    click.echo(text, nl=not text.endswith("\n"))


def count(number: int, word: str) -> str:
    """`1 result`, `2 results`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


Row = dict[str, Any]
