"""Carries results from one database to another: JSON Lines, gzip where the name ends in .gz. Reads journals alike.

Each line is one object with a `kind`, and beside it the fields of that kind's dataclass in `contract` as `encode` gives
them: `header` (format), `run` (RunRecord), `environment`, `subject`, `result`, `end` (RunEnd). A run and an environment
come before the results that name them. Unknown kinds are passed over and counted, so that a journal may hold more.
Nothing is merged across fingerprints, and importing twice changes nothing.
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from archsweep.contract import Environment, Result, RunEnd, RunRecord, Subject
from archsweep.encoding import decode, encode
from archsweep.errors import ArchsweepError
from archsweep.store import append, rows
from archsweep.store.database import Connection, prepare, reading, writing
from archsweep.store.runs import named

FORMAT = 1
_KINDS: dict[str, type[Any]] = {
    "run": RunRecord,
    "environment": Environment,
    "subject": Subject,
    "result": Result,
    "end": RunEnd,
}


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What one file brought."""

    file: Path
    runs: tuple[str, ...]
    results: int  # in the file
    added: int  # not in the database before
    ignored: dict[str, int]  # lines of kinds that are not results, by kind
    torn: bool  # the last line was cut off by a kill


@dataclass
class _Tally:
    runs: list[str] = field(default_factory=list)
    results: int = 0
    added: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    torn: bool = False


def import_files(path: Path, files: Sequence[Path]) -> list[Imported]:
    """Takes over every file's results, all in one transaction; makes the database if there is none.

    Raises ArchsweepError with file and line where one is malformed; nothing is then written, of the others neither.
    """
    for file in files:
        if not file.is_file():
            raise ArchsweepError(f"there is no file {file}")
        _check_start(file)
    for file in files:
        for _ in _items(file, _Tally()):  # every line is looked at before anything is written
            pass
    there = path.exists()
    prepare(path)
    try:
        with writing(path) as connection:
            return [_taken(connection, file) for file in files]
    except ArchsweepError:
        if not there:
            path.unlink(missing_ok=True)
        raise


def _taken(connection: Connection, file: Path) -> Imported:
    tally = _Tally()
    _take(connection, file, tally)
    return Imported(
        file=file,
        runs=tuple(tally.runs),
        results=tally.results,
        added=tally.added,
        ignored=dict(tally.ignored),
        torn=tally.torn,
    )


def _take(connection: Connection, file: Path, tally: _Tally) -> None:
    waiting: list[Result] = []
    environments: list[Environment] = []
    subjects: list[Subject] = []

    def flush() -> None:
        append.insert_environments(connection, environments)
        append.insert_subjects(connection, subjects, environments)
        subjects.clear()
        if waiting:
            tally.added += append.insert_results(connection, rows.batch(waiting))
            waiting.clear()

    for number, item in _items(file, tally):
        match item:
            case Result():
                tally.results += 1
                waiting.append(item)
            case RunRecord():
                tally.runs.append(item.run)
                append.insert_run(connection, item)
            case RunEnd():
                append.insert_end(connection, item)
            case Environment():
                environments.append(item)
            case Subject():
                subjects.append(item)
        if len(waiting) >= rows.BATCH:
            _located(file, number, flush)
    _located(file, None, flush)


def _located(file: Path, line: int | None, action: Any) -> None:
    try:
        action()
    except ArchsweepError as error:
        where = f"{file}, before line {line}" if line else str(file)
        raise ArchsweepError(f"{where}: {error.message}") from error


def _items(file: Path, tally: _Tally) -> Iterator[tuple[int, Any]]:
    """The decoded lines of a file with their numbers, checked."""
    with _opened(file) as stream:
        number = 0
        try:
            for number, line in enumerate(stream, start=1):
                try:
                    item = _item(line)
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    if not line.endswith(b"\n"):
                        tally.torn = True
                        return
                    raise ArchsweepError(f"{file}, line {number}: {_reason(error)}") from error
                if isinstance(item, str):
                    if item != "header":
                        tally.ignored[item] += 1
                else:
                    yield number, item
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArchsweepError(f"{file}, after line {number}: the compressed file is damaged: {error}") from error


def _item(line: bytes) -> Any:
    """One line decoded; of a kind that is not kept, the kind's name."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise AttributeError("kind")
    kind = value.pop("kind")
    if kind == "header" and value["format"] > FORMAT:
        raise ValueError(f"format {value['format']} was written by a newer archsweep; this one reads {FORMAT}")
    if kind not in _KINDS:
        return str(kind)
    item = decode(_KINDS[kind], value)
    if isinstance(item, Result):
        datetime.datetime.fromisoformat(item.finished_at)
        numbers = (item.wall_s, *item.metrics.values())
        texts = (item.run, item.fingerprint, item.message, item.device, item.case.subject, item.case.platform)
        if not all(isinstance(n, int | float) for n in numbers) or not all(isinstance(t, str) for t in texts):
            raise ValueError("a field of the result has the wrong type")
    return item


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | AttributeError):
        return "not a JSON object with a kind"
    return re.sub(r"^\w+\.__init__\(\) ", "", str(error))


def _check_start(file: Path) -> None:
    """Raises ArchsweepError unless the file begins as an export or a journal does."""
    try:
        with _opened(file) as stream:
            value = json.loads(stream.readline())
            known = isinstance(value, dict) and (value.get("kind") in _KINDS or value.get("kind") == "header")
    except (ValueError, OSError, EOFError, zlib.error):
        known = False
    if not known:
        raise ArchsweepError(
            f"{file} is neither an export nor a journal of archsweep",
            "Exports are made with: archsweep export RUN FILE",
        )


def _opened(file: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")


def export_run(path: Path, run: str, file: Path) -> int:
    """Writes one run with all that its results name; returns the number of results. `latest` names the newest run.

    The same run gives the same bytes. The file appears whole, or not at all.
    """
    if not file.absolute().parent.is_dir():
        raise ArchsweepError(f"there is no folder {file.absolute().parent}")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with reading(path) as connection, partial.open("wb") as raw:
            name = named(connection, run)
            if file.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                    count = _write(connection, name, packed)
            else:
                count = _write(connection, name, raw)
        partial.replace(file)
    except OSError as error:
        raise ArchsweepError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def reported(path: Path, run: str) -> tuple[list[Environment], list[Result]]:
    """What one run (or `latest`) reports: its own results and those that it took over, under their environments."""
    from archsweep.store.lines import environments_of, results_of

    with reading(path) as connection:
        name = named(connection, run)
        results = [decode(Result, value) for value in results_of(connection, name, reused=True)]
        environments = [decode(Environment, value) for value in environments_of(connection, name, reused=True)]
    return environments, results


def _write(connection: Connection, run: str, stream: Any) -> int:
    from archsweep.store.lines import ends, environments_of, results_of, runs_of, subjects_of

    def write(kind: str, value: Any) -> None:
        line = json.dumps({"kind": kind, **encode(value)}, ensure_ascii=False, separators=(",", ":"))
        stream.write(line.encode("utf-8") + b"\n")

    write("header", {"format": FORMAT})
    for record in runs_of(connection, run):
        write("run", record)
    for environment in environments_of(connection, run):
        write("environment", environment)
    for subject in subjects_of(connection, run):
        write("subject", subject)
    count = 0
    for result in results_of(connection, run):
        write("result", result)
        count += 1
    for end in ends(connection, run):
        write("end", end)
    return count
