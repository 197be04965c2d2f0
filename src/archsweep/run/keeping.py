"""What a sweep needs from whoever keeps its results; and the keeper that is a journal alone, without any database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from archsweep.contract import Environment, Result, RunEnd, RunRecord, Subject
from archsweep.errors import ArchsweepError, SettingsError
from archsweep.run import journal
from archsweep.run.findings import Ending
from archsweep.run.reuse import Earlier


class Keeper(Protocol):
    """Keeps results, and remembers those of earlier runs. Everything given to it is safe when it returns."""

    def begin(
        self,
        record: RunRecord,
        environments: Sequence[Environment],
        subjects: Sequence[Subject],
        reused: Sequence[Earlier],
    ) -> None: ...
    def add(self, results: Sequence[Result]) -> None: ...
    def end(self, end: RunEnd) -> None: ...
    def close(self) -> None:
        """Write what is still held back; called on every way out."""
        ...

    def fault(self) -> ArchsweepError | None:
        """What keeps results from where they belong, with the next step; None if they are there."""
        ...

    def durations(self) -> Mapping[str, float]:
        """Seconds that each case took last, by case id."""
        ...

    def earlier(self) -> Mapping[str, Sequence[Earlier]]:
        """The newest ending of each case under each fingerprint, newest first, by case id."""
        ...

    def previous(self, record: RunRecord) -> Mapping[str, Ending] | None:
        """Endings of the run before this one with the same selection and platforms; None if there is none."""
        ...

    def resumed(self) -> tuple[RunRecord, Mapping[str, Result]] | None:
        """The unfinished run that is to go on, and its results by case id; None for a new run."""
        ...


class JournalKeeper:
    """One file, appended and synced. Knows no earlier runs."""

    def __init__(self, path: Path, resumed: tuple[RunRecord, Mapping[str, Result]] | None = None) -> None:
        folder = path.absolute().parent
        if not folder.is_dir():
            raise SettingsError(f"the journal {path} cannot be made: there is no folder {folder}")
        self.path, self._resumed = path, resumed
        self._journal: journal.Journal | None = None

    def begin(
        self,
        record: RunRecord,
        environments: Sequence[Environment],
        subjects: Sequence[Subject],
        reused: Sequence[Earlier] = (),
    ) -> None:
        self._journal = journal.Journal(self.path)
        if self._resumed is None:
            self._journal.append("run", [record])
        self._journal.append("environment", environments)
        self._journal.append("subject", subjects)

    def more(self, environments: Sequence[Environment], subjects: Sequence[Subject]) -> None:
        """What was not known yet when the run began."""
        assert self._journal is not None, "begin comes first"
        self._journal.append("environment", environments)
        self._journal.append("subject", subjects)

    def add(self, results: Sequence[Result]) -> None:
        assert self._journal is not None, "begin comes first"
        self._journal.append("result", results)

    def end(self, end: RunEnd) -> None:
        assert self._journal is not None, "begin comes first"
        self._journal.append("end", [end])

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def fault(self) -> ArchsweepError | None:
        return None

    def durations(self) -> Mapping[str, float]:
        return {}

    def earlier(self) -> Mapping[str, Sequence[Earlier]]:
        return {}

    def previous(self, record: RunRecord) -> Mapping[str, Ending] | None:
        return None

    def resumed(self) -> tuple[RunRecord, Mapping[str, Result]] | None:
        return self._resumed


def unfinished(path: Path) -> tuple[RunRecord, Mapping[str, Result]] | None:
    """The run in a journal and its results by case id, if it began and did not end."""
    from archsweep.encoding import decode

    run = journal.read_run(path)
    if run is None or journal.has_ended(path):
        return None
    return decode(RunRecord, run), journal.read_results(path)
