"""The journal: every result on disk, one JSON object a line, before anything else hears of it.

Kinds: run, environment, subject, result, end. A torn last line, left by a kill, is ignored. Knows no database.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from archsweep.contract import Environment, Result, Subject
from archsweep.encoding import decode, encode
from archsweep.errors import SettingsError

T = TypeVar("T")


class Journal:
    """Appends batches to one file; each batch is on disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        try:
            _mend(path)
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"the journal {path} cannot be written: {error.strerror}") from error
        self.path = path

    def append(self, kind: str, values: Iterable[Any]) -> None:
        lines = [json.dumps({"kind": kind, **encode(value)}, ensure_ascii=False) for value in values]
        if lines:
            self._file.write("\n".join(lines) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> Iterator[tuple[str, Any]]:
    """(kind, JSON value) of each whole line. Raises SettingsError, with the line, if the file is no journal."""
    with _opened(path) as lines:
        for number, line in enumerate(_unpacked(path, lines), start=1):
            if not line.endswith("\n"):
                return
            try:
                entry = json.loads(line)
                yield entry.pop("kind"), entry
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SettingsError(f"{path}, line {number}: not a line of a journal") from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")
    return path.open(encoding="utf-8", errors="replace")


def _unpacked(path: Path, lines: IO[str]) -> Iterator[str]:
    try:
        yield from lines
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SettingsError(f"{path}: the compressed file is damaged: {error}") from error


def is_one(path: Path) -> bool:
    """Whether a file begins as a journal or an export does."""
    try:
        with _opened(path) as lines:
            return "kind" in json.loads(lines.readline())
    except (OSError, EOFError, zlib.error, ValueError, TypeError):
        return False


def read_run(path: Path) -> Mapping[str, Any] | None:
    """The journal's `run` entry; None if the file is missing or was torn before it."""
    if not path.exists():
        return None
    return next((value for kind, value in read(path) if kind == "run"), None)


def read_results(path: Path) -> dict[str, Result]:
    """The results by case id, each case once (the first one written)."""
    found: dict[str, Result] = {}
    for kind, value in read(path):
        if kind == "result":
            outcome = _decoded(path, Result, value)
            found.setdefault(outcome.case.id, outcome)
    return found


def read_context(path: Path) -> tuple[list[Environment], list[Subject]]:
    """The environments and subjects that the results refer to."""
    environments, subjects = [], []
    for kind, value in read(path):
        if kind == "environment":
            environments.append(_decoded(path, Environment, value))
        elif kind == "subject":
            subjects.append(_decoded(path, Subject, value))
    return environments, subjects


def _decoded(path: Path, kind: type[T], value: Any) -> T:
    try:
        return decode(kind, value)
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path}: a line of kind {kind.__name__.lower()!r} is not whole ({error})") from error


def has_ended(path: Path) -> bool:
    return any(kind == "end" for kind, _ in read(path))


def _mend(path: Path) -> None:
    """Cut a torn last line, so that the next batch begins on a line of its own."""
    if not path.exists():
        return
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
