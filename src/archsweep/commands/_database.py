"""Keeps a sweep's results in the database, through a journal beside it that outlives any kill until all is stored."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from archsweep.contract import Environment, Result, RunEnd, RunRecord, Status, Subject
from archsweep.errors import ArchsweepError, DatabaseError, SettingsError
from archsweep.run import journal
from archsweep.run.findings import Ending
from archsweep.run.keeping import JournalKeeper, unfinished
from archsweep.run.reuse import Earlier

BATCH_S = 5.0
MOMENT_S, RETRY_S = 0.2, 1.0  # how long a lock is waited for in mid-sweep, and when it is tried again
SUFFIX = ".journals"


def journals(database: Path) -> Path:
    """The folder of the journals of runs that are not whole in the database yet."""
    return database.with_name(database.name + SUFFIX)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise SettingsError(f"the folder {folder} of journals cannot be made: {error.strerror}") from error


def resumable(folder: Path, run: str | None) -> Path:
    """The journal of the named run, or of the newest unfinished one. Raises SettingsError."""
    named = f" {run!r}" if run else ""
    found = {path.stem: path for path in sorted(folder.glob("*.jsonl")) if unfinished(path)}
    if not found:
        raise SettingsError(f"no unfinished run{named} in {folder}, nor any other", "Start one with: archsweep run")
    if run is None:
        return found[max(found)]
    if run not in found:
        raise SettingsError(f"no unfinished run{named} in {folder}", f"Unfinished: {', '.join(found)}")
    return found[run]


@dataclass
class _Unstored:
    """What the database does not have yet."""

    run: RunRecord | None = None
    environments: list[Environment] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    reused: list[int] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


class DatabaseKeeper:
    """Satisfies run.keeping.Keeper. The journal is written at once, the database every few seconds and at the end.

    A database that cannot be written in mid-sweep holds nothing up: the batch waits for the next one, and at the end,
    if need be, in the journal, which `--resume` then takes over.
    """

    def __init__(self, database: Path, journal_path: Path | None = None) -> None:
        from archsweep.store.database import prepare

        if database.exists() or not database.absolute().parent.is_dir():
            prepare(database)  # raises what is wrong with it; a new one is made when the run begins
        self._database, self._journal_path = database, journal_path
        self._journal: JournalKeeper | None = None
        self._waiting = _Unstored()
        self._run = ""
        self._due = self._failing_since = 0.0  # monotonic times
        self._fault: ArchsweepError | None = None
        self._told = self._ended = False

    def begin(
        self,
        record: RunRecord,
        environments: Sequence[Environment],
        subjects: Sequence[Subject],
        reused: Sequence[Earlier],
    ) -> None:
        from archsweep.store.database import prepare

        prepare(self._database)
        path = self._journal_path or journals(self._database) / f"{record.run}.jsonl"
        _make_folder(path.parent)
        self._journal, self._run = JournalKeeper(path, self.resumed()), record.run
        self._journal.begin(record, environments, subjects)
        known, _ = journal.read_context(path)  # of a run that goes on
        self._waiting = _Unstored(
            run=record,
            environments=[*known, *environments],
            subjects=list(subjects),
            reused=[before.result for before in reused],
            results=list(journal.read_results(path).values()),  # what the database has already, it ignores
        )
        self._store()

    def add(self, results: Sequence[Result]) -> None:
        assert self._journal is not None, "begin comes first"
        self._journal.add(results)
        self._waiting.results.extend(results)
        if time.monotonic() > self._due:
            self._store(patience_s=MOMENT_S)

    def end(self, end: RunEnd) -> None:
        """Everything is in the database now, so the journal beside it can go."""
        self._ended = True
        if self._store(end=end) and self._journal is not None:
            self._journal.path.unlink(missing_ok=True)
            if not any(self._journal.path.parent.iterdir()):
                self._journal.path.parent.rmdir()

    def close(self) -> None:
        if self._journal is not None:
            if self._waiting.results and not self._ended:
                self._store()
            self._journal.close()

    def fault(self) -> ArchsweepError | None:
        return self._fault

    def durations(self) -> Mapping[str, float]:
        from archsweep.store import read

        return read.durations(self._database)

    def earlier(self) -> Mapping[str, Sequence[Earlier]]:
        from archsweep.store import read

        found: dict[str, list[Earlier]] = {}
        if not self._database.exists():
            return found
        columns = "n.\"case\", n.status, n.fingerprint, json_extract_string(r.details, '$.source'), n.result, "
        columns += "n.stage, n.error_class, n.message"
        sql = (
            f"select {columns} from newest n join results r on r.id = n.result order by n.finished_at desc, n.run desc"
        )
        rows = read.query(self._database, sql)[1]
        for case, status, fingerprint, source, result, stage, error_class, message in rows:
            before = Earlier(
                status=Status(status), fingerprint=fingerprint, source=source, result=result, stage=stage,
                error_class=error_class or "", message=message,
            )  # fmt: skip
            found.setdefault(case, []).append(before)
        return found

    def previous(self, record: RunRecord) -> Mapping[str, Ending] | None:
        from archsweep.store import read

        found: dict[str, Ending] = {}
        for platform in record.settings["platforms"] if self._database.exists() else ():
            before = read.previous_endings(self._database, platform, record.settings["selection"], record.run)
            found |= {case: remembered(*parts) for case, parts in before.items()}
        return found or None

    def resumed(self) -> tuple[RunRecord, Mapping[str, Result]] | None:
        return unfinished(self._journal_path) if self._journal_path else None

    def _store(self, *, patience_s: float | None = None, end: RunEnd | None = None) -> bool:
        """Try to bring the database up to date; whether that was possible. The user is told once that it is not."""
        from archsweep.store import append

        held = self._waiting
        try:
            append.append(
                self._database, held.results, held.subjects, held.environments, run=held.run, reused=held.reused,
                end=end, patience_s=patience_s,
            )  # fmt: skip
        except ArchsweepError as error:
            self._note(error)
            return False
        self._waiting, self._fault = _Unstored(), None
        self._due = time.monotonic() + BATCH_S
        return True

    def _note(self, error: ArchsweepError) -> None:
        now = time.monotonic()
        if self._fault is None:
            self._failing_since = now
        self._due = now + RETRY_S
        place = self._journal.path if self._journal else ""
        message = f"{error.message}. The results of run {self._run} wait in {place}"
        again = shlex.join(["archsweep", "run", "--resume", self._run, "--db", str(self._database)])
        self._fault = DatabaseError(message, f"Once that is mended, this brings them into the database: {again}")
        if not (self._told or self._ended) and now - self._failing_since > BATCH_S:
            self._told = True
            click.echo(f"{message}; the sweep goes on.", err=True)


def remembered(status: str, stage: str, error_class: str | None) -> Ending:
    if status == Status.PASS:
        return Ending(Status.PASS)
    return Ending(Status(status), stage, error_class or "")


def endings_in(database: Path, run: str | None = None) -> dict[str, Ending]:
    """Newest endings of all cases in a database, or those of one run."""
    from archsweep.store import read

    where = "where run = '{}'".format(run.replace("'", "''")) if run else ""
    sql = f"""select "case", status, stage, error_class from results r left join errors e on e.result = r.id {where}
        qualify row_number() over (partition by "case" order by finished_at desc, run desc) = 1"""
    return {case: remembered(*parts) for case, *parts in read.query(database, sql)[1]}


def results_of(run: str, database: str | None) -> tuple[dict[str, str], list[Result]]:
    """Versions and results of a run, with those that it took over: out of the database, or out of a journal file.

    `run` is a name, `latest` or a path. Raises ArchsweepError where there are none.
    """
    from archsweep import settings
    from archsweep.store import exchange

    if Path(run).is_file():
        environments, _ = journal.read_context(Path(run))
        results = list(journal.read_results(Path(run)).values())
    else:
        environments, results = exchange.reported(settings.load({"db": database})["db"].value, run)
    if not results:
        raise ArchsweepError(f"run {run} has no endings", "Runs: archsweep query 'SELECT run, started_at FROM runs'")
    versions = {name: version for item in environments for name, version in item.versions.items()}
    wanted = ("archsweep", "torch", "transformers")
    return {name: versions[name] for name in wanted if name in versions}, results
