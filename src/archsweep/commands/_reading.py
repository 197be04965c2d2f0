"""What the verbs that read the database share: its path, and names that it knows. Imports nothing heavy."""

from __future__ import annotations

import contextlib
import datetime
import errno
import gc
import os
import time
from collections.abc import Iterable, Iterator, Sequence
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


def write_file(path: Path, text: str) -> None:
    """Writes a whole file: beside its place first, then moved there. Raises ArchsweepError, and then leaves nothing."""
    import tempfile

    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.absolute().parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            partial = Path(stream.name)
            try:
                stream.write(text)
                stream.close()
                partial.chmod(0o666 & ~_umask())
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ArchsweepError(f"{path} cannot be written: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def today() -> datetime.date:
    """The day of reading, UTC; with SOURCE_DATE_EPOCH, as reproducible builds set it, that one."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = float(epoch) if epoch.isdigit() else time.time()
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).date()


def installed(package: str) -> str:
    """The installed version of a package, without importing it; "" where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def count(number: int, word: str) -> str:
    """`1 result`, `2 results`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


Row = dict[str, Any]


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Nothing is collected meanwhile: making many thousand small objects without cycles would be looked through often.

    A third of the time of a matrix by class (`benchmarks/store.py`).
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
