"""Keeps a sweep's results in the database, through a journal beside it that outlives any kill until all is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from archsweep.contract import Environment, Result, RunEnd, RunRecord, Status, Subject
from archsweep.errors import SettingsError
from archsweep.run import journal
from archsweep.run.findings import Ending
from archsweep.run.keeping import JournalKeeper, unfinished
from archsweep.run.reuse import Earlier

BATCH_S = 5.0
SUFFIX = ".journals"


def journals(database: Path) -> Path:
    """The folder of the journals of runs that are not whole in the database yet."""
    return database.with_name(database.name + SUFFIX)


def resumable(folder: Path, run: str | None) -> Path:
    """The journal of the named run, or of the newest unfinished one. Raises SettingsError."""
    found = {path.stem: path for path in sorted(folder.glob("*.jsonl")) if unfinished(path)}
    if not found:
        raise SettingsError("no unfinished run here to resume", "Start one with: archsweep run")
    if run is None:
        return found[max(found)]
    if run not in found:
        raise SettingsError(f"no unfinished run {run!r} here", f"Unfinished: {', '.join(found)}")
    return found[run]


class DatabaseKeeper:
    """Satisfies run.keeping.Keeper. The journal is written at once, the database every few seconds and at the end."""

    def __init__(self, database: Path, journal_path: Path | None = None) -> None:
        from archsweep.store.database import prepare

        if database.exists() or not database.absolute().parent.is_dir():
            prepare(database)  # raises what is wrong with it; a new one is made when the run begins
        self._database, self._journal_path = database, journal_path
        self._journal: JournalKeeper | None = None
        self._waiting: list[Result] = []
        self._stored_at = time.monotonic()

    def begin(self, record: RunRecord, environments: Sequence[Environment], subjects: Sequence[Subject]) -> None:
        from archsweep.store import append
        from archsweep.store.database import prepare

        prepare(self._database)
        path = self._journal_path or journals(self._database) / f"{record.run}.jsonl"
        self._journal = JournalKeeper(path, self.resumed())
        self._journal.begin(record, environments, subjects)
        append.begin_run(self._database, record)
        append.append(self._database, self._replayed(path), subjects, [*self._known(path), *environments])

    def add(self, results: Sequence[Result]) -> None:
        assert self._journal is not None, "begin comes first"
        self._journal.add(results)
        self._waiting.extend(results)
        if time.monotonic() - self._stored_at > BATCH_S:
            self._store()

    def end(self, end: RunEnd) -> None:
        """Everything is in the database now, so the journal beside it can go."""
        from archsweep.store import append

        self._store()
        append.finish_run(self._database, end)
        if self._journal is not None:
            self._journal.path.unlink(missing_ok=True)
            if not any(self._journal.path.parent.iterdir()):
                self._journal.path.parent.rmdir()

    def close(self) -> None:
        if self._journal is not None:
            self._store()
            self._journal.close()

    def durations(self) -> Mapping[str, float]:
        from archsweep.store import read

        return read.durations(self._database)

    def earlier(self) -> Mapping[str, Sequence[Earlier]]:
        from archsweep.store import read

        found: dict[str, list[Earlier]] = {}
        if not self._database.exists():
            return found
        columns = "n.\"case\", n.status, n.fingerprint, json_extract_string(r.details, '$.source')"
        sql = (
            f"select {columns} from newest n join results r on r.id = n.result order by n.finished_at desc, n.run desc"
        )
        for case, status, fingerprint, source in read.query(self._database, sql)[1]:
            found.setdefault(case, []).append(Earlier(status=Status(status), fingerprint=fingerprint, source=source))
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

    def _store(self) -> None:
        from archsweep.store import append

        append.append(self._database, self._waiting)
        self._waiting = []
        self._stored_at = time.monotonic()

    def _replayed(self, path: Path) -> list[Result]:
        """What a killed run had in its journal; the database ignores what it holds already."""
        return list(journal.read_results(path).values())

    def _known(self, path: Path) -> list[Environment]:
        return journal.read_context(path)[0]


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
    """Versions and results of a run: by name or `latest` out of the database, or out of a journal file."""
    import tempfile

    from archsweep import settings
    from archsweep.store import exchange

    if Path(run).is_file():
        return _read_journal(Path(run))
    place = settings.load({"db": database})["db"].value
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.jsonl"
        exchange.export_run(place, run, file)
        return _read_journal(file)


def _read_journal(path: Path) -> tuple[dict[str, str], list[Result]]:
    environments, _ = journal.read_context(path)
    versions = {name: version for item in environments for name, version in item.versions.items()}
    wanted = ("archsweep", "torch", "transformers")
    return {name: versions[name] for name in wanted if name in versions}, list(journal.read_results(path).values())
