"""Keeps the results of generated files: at once in a journal beside the database, at the end in the database.

Each process of pytest has a journal of its own, and the first one, which others report to, stores them all as one run.
What a kill leaves behind is in the journals: `archsweep import` takes them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import archsweep
from archsweep.contract import Result, RunEnd, RunRecord, Subject
from archsweep.encoding import decode, encode
from archsweep.errors import SettingsError
from archsweep.run import endings, findings, journal
from archsweep.run.keeping import JournalKeeper
from archsweep.run.plan import Ground, Options

FOLDER = ".journals"  # behind the database's name


def record(run: str, options: Options) -> RunRecord:
    """The run of one call of pytest."""
    asked = {"subjects": "generated files", "checks": list(options.checks), "weights": options.weights}
    settings = {"selection": asked, "platforms": list(options.platforms), "options": encode(options)}
    return RunRecord(run=run, started_at=endings.now(), version=archsweep.__version__, settings=settings)


def folder(database: Path, run: str) -> Path:
    """The folder of the journals of a run, made. Raises SettingsError, DatabaseError for what cannot be written."""
    from archsweep.store.database import prepare

    prepare(database)
    made = database.with_name(database.name + FOLDER) / f"pytest-{run}"
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"the folder {made} of journals cannot be made: {error.strerror}") from error
    return made


@dataclasses.dataclass
class Saver:
    """One process's part: results into a journal. Does nothing without a path."""

    path: Path | None
    begun: RunRecord
    _keeper: JournalKeeper | None = None
    _known: set[str] = dataclasses.field(default_factory=set)

    def keep(self, results: Sequence[Result], subject: Subject, ground: Ground) -> None:
        if self.path is None:
            return
        environments = [] if ground.environment.id in self._known else [ground.environment]
        self._known.add(ground.environment.id)
        if self._keeper is None:
            self._keeper = JournalKeeper(self.path)
            self._keeper.begin(self.begun, environments, [subject])
        else:
            self._keeper.more(environments, [subject])
        self._keeper.add(results)

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None


def store(database: Path, journals: Path, begun: RunRecord, files: Iterable[Path], *, whole: bool) -> int:
    """All journals of a run into the database as one run; returns how many results. The journals go. Where nothing was
    run, there is no run.

    `files`: the test files that were collected; the run's settings name them, with their bytes hashed. Not `whole`: it
    was cut short, and has no end, as a sweep that was interrupted has none.
    """
    from archsweep.store.append import append

    paths = sorted(journals.glob("*.jsonl"))
    results = [result for path in paths for result in journal.read_results(path).values()]
    contexts = [journal.read_context(path) for path in paths]
    environments = {item.id: item for found, _ in contexts for item in found}
    subjects = {item.id: item for _, found in contexts for item in found}
    settings = {**begun.settings, "files": hashed(files)}
    begun = dataclasses.replace(begun, settings=settings)
    summary = {
        "by_status": _counted(results),
        "verified": findings.verified((item.case, item.status) for item in results),
    }
    end = RunEnd(run=begun.run, finished_at=endings.now(), summary=summary) if whole else None
    if results:
        append(database, results, list(subjects.values()), list(environments.values()), run=begun, end=end)
    for path in paths:
        path.unlink()
    for place in (journals, journals.parent):
        if not any(place.iterdir()):
            place.rmdir()
    return len(results)


def hashed(files: Iterable[Path]) -> dict[str, str]:
    """The first 16 hex digits of each file's hash, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(set(files))}


def _counted(results: Sequence[Result]) -> Mapping[str, int]:
    names = [str(item.status) for item in results]
    return {name: names.count(name) for name in sorted(set(names))}


def told(begun: RunRecord) -> dict[str, object]:
    """The record as plain values, for another process."""
    value: dict[str, object] = encode(begun)
    return value


def heard(value: object) -> RunRecord:
    """The inverse of `told`."""
    return decode(RunRecord, value)
