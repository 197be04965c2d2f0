"""Makes a report of a run and puts it where it was asked for: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archsweep.commands._reading import Row
from archsweep.errors import ArchsweepError, SettingsError

if TYPE_CHECKING:
    from archsweep.analysis.report import Report

SUFFIXES = {
    "terminal": (".txt",),
    "markdown": (".md", ".markdown"),
    "html": (".html", ".htm"),
    "junit": (".xml",),
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "json": (".json",),
}
TOP = 20  # root causes that are shown
WIDTH = 100  # columns of a report for a terminal that goes into a file
_COPIED = ("jsonl", "parquet")  # formats that the database writes itself


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a run's results are. `named`: what `archsweep report` shows the run by; `told`: what --db would name."""

    database: Path
    run: str
    named: str
    told: str


def form_of(file: Path, given: str | None = None) -> str:
    """The format that was asked for, else that of the file's suffix. Raises SettingsError."""
    if given:
        return given
    for form, suffixes in SUFFIXES.items():
        if file.suffix.lower() in suffixes:
            return form
    known = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
    raise SettingsError(
        f"the suffix of {file} names no format of a report", f"Known: {known}. Or say it with --format."
    )


def check_place(file: Path) -> None:
    """Raises SettingsError where no file can be written, before any work is done."""
    folder = file.absolute().parent
    if file.is_dir():
        raise SettingsError(f"{file} is a folder", f"Name a file in it: {file / 'report.html'}")
    if file.exists() and not file.is_file():
        raise SettingsError(f"{file} is no regular file", "Leave --output out to print the report.")
    if not folder.is_dir():
        raise SettingsError(f"there is no folder {folder}", "Make it first, or name another file.")
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"the folder {folder} is read-only", "Name a file in another one.")


@contextlib.contextmanager
def source(run: str, database: Path) -> Iterator[Source]:
    """A run of the database by name, `latest` or `all`; or a journal, read through a database of the moment."""
    from archsweep.store import exchange, runs

    if Path(run).is_file():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.duckdb"
            (taken,) = exchange.import_files(path, [Path(run)])
            if not taken.runs:
                raise ArchsweepError(f"{run} holds no run", "Journals are written by: archsweep run --journal FILE")
            yield Source(database=path, run=taken.runs[-1], named=run, told="")
        return
    name = runs.record(database, run)["run"]
    yield Source(database=database, run=name, named=name, told=str(database))


def write(found: Source, form: str, top: int, file: Path | None) -> None:
    """Prints the report, or writes it to the file, which appears whole or not at all."""
    if form in _COPIED and file is None:
        with tempfile.TemporaryDirectory() as folder:
            partial = Path(folder) / "rows"
            _copy(found, form, partial)
            with partial.open("rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)
        return
    if file is None:
        _show(found, form, top)
        return
    check_place(file)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if form in _COPIED:
            _copy(found, form, partial)
        else:
            partial.write_text(_text(found, form, top), encoding="utf-8", newline="\n")
        partial.replace(file)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}", "Name another file.") from error
    finally:
        partial.unlink(missing_ok=True)


def _show(found: Source, form: str, top: int) -> None:
    if form == "terminal":
        from archsweep.render.report import screen
        from archsweep.render.terminal import console

        screen.show(made(found), top, console())
    else:
        click.echo(_text(found, form, top), nl=False)


def _text(found: Source, form: str, top: int) -> str:
    if form == "junit":
        from archsweep.render.report import junit
        from archsweep.store import runs

        rows = runs.rows(found.database, found.run, tracebacks=True)
        return junit.junit(_some(rows, found), runs.record(found.database, found.run)["started_at"])
    report = made(found)
    if form == "terminal":
        import io

        from archsweep.render.report import screen
        from archsweep.render.terminal import console

        stream = io.StringIO()
        screen.show(report, top, console(WIDTH, stream))
        return stream.getvalue()
    if form == "html":
        from archsweep.render.report import page

        return page.html(report, top)
    if form == "markdown":
        from archsweep.render.report import text

        return text.markdown(report, top)
    from archsweep.encoding import encode
    from archsweep.render.tabular import as_json

    return as_json(encode(report)) + "\n"


def _copy(found: Source, form: str, file: Path) -> None:
    from archsweep.store import runs

    if runs.copy(found.database, found.run, file, form) == 0:
        _some([], found)


def _some(rows: list[Row], found: Source) -> list[Row]:
    """The rows, of which there must be one."""
    if not rows:
        raise ArchsweepError(
            f"run {found.named} has no results yet", "Runs: archsweep query 'SELECT run, started_at FROM runs'"
        )
    return rows


def made(found: Source) -> Report:
    """What the database knows of the run, and how it differs from the run before it."""
    from archsweep.analysis import report
    from archsweep.store import read, runs

    path, run = found.database, found.run
    rows = _some(runs.rows(path, run), found)
    previous = None if run == runs.EVERY else runs.previous(path, run)
    return report.report(
        runs.record(path, run),
        rows,
        environments=read.environments(path),
        options=runs.options(path, {row["run"] for row in rows} | {run}),
        previous=previous or "",
        before=None if previous is None else runs.endings(path, previous),
        named=found.named,
        database=found.told,
    )


def check(files: Sequence[Path]) -> None:
    """Raises SettingsError for what `after` could not write."""
    for file in files:
        check_place(file)
        form_of(file)


def after(files: Sequence[Path], run: str, database: Path, journal: Path | None) -> None:
    """Writes a sweep's reports. What cannot be written is said, with the command that writes it: the sweep's exit code
    stands for its findings."""
    for file in files:
        try:
            with source(str(journal or run), database) as found:
                write(found, form_of(file), TOP, file)
            click.echo(f"report: {file}")
        except ArchsweepError as error:
            named = [str(journal)] if journal else [run, "--db", str(database)]
            again = shlex.join(["archsweep", "report", *named, "--output", str(file)])
            click.echo(f"no report: {error.message}. Make it with: {again}", err=True)
