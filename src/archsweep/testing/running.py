"""Runs the cases of generated files in workers of their own, a lot at a time, and remembers how they ended.

One session of workers for each process of pytest. Every platform's sentinels are run before its first lot: where they
do not end as they must, nothing that the platform says is believed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from archsweep import registry
from archsweep.archs import catalog
from archsweep.archs.selection import Selection
from archsweep.contract import Result, Subject
from archsweep.errors import SettingsError, UnknownName
from archsweep.run import plan, sentinels
from archsweep.run.plan import Ground, Options
from archsweep.run.session import Session
from archsweep.testing.planning import Planned


@dataclasses.dataclass
class Runner:
    """`keep` hears of every result as it ends, with its subject and the platform's ground; `close` ends the workers."""

    options: Options
    run: str
    keep: Callable[[Sequence[Result], Subject, Ground], None]
    lots: dict[str, list[Planned]] = dataclasses.field(default_factory=dict)  # what is to be run, by lot
    _ended: dict[Planned, Result] = dataclasses.field(default_factory=dict)
    _grounds: dict[str, Ground] = dataclasses.field(default_factory=dict)
    _faults: dict[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    _subjects: Mapping[str, Subject] = dataclasses.field(default_factory=dict)
    _session: Session | None = None

    def result(self, planned: Planned) -> Result:
        """How the case ended; runs all cases of its lot at its first one. Two files may state a class in two ways."""
        if planned not in self._ended:
            beside = [item for item in self.lots.get(planned.lot, ()) if item.architecture is planned.architecture]
            cases = beside if planned in beside else [planned]
            found = {result.case.id: result for result in self._run(cases)}
            self._ended |= {item: found[item.case.id] for item in cases}
        return self._ended[planned]

    def close(self) -> None:
        if self._session is not None:
            self._session.__exit__(None, None, None)
            self._session = None

    def _run(self, cases: Sequence[Planned]) -> list[Result]:
        first = cases[0]
        subject, ground = self._subject(first), self._ground(first.case.platform)
        stated = first.architecture.stated(first.class_name) if not self.options.checkpoint else None
        options = dataclasses.replace(self.options, selection=Selection(classes=(subject.id,)))
        (lot,) = plan.make_lots(options, self.run, [subject], [ground])
        lot = dataclasses.replace(lot, cases=tuple(item.case for item in cases), stated=stated)
        if not (ground.probe.present or plan.predicts(ground)):
            found = plan.unavailable([lot], ground)
        else:
            found = [
                sentinels.believed(result, self._faults.get(first.case.platform, ()))
                for turn in self._at_work().run([lot], [], 1, [ground])
                for result in turn.results
            ]
        self.keep(found, subject, ground)
        return found

    def _at_work(self) -> Session:
        if self._session is None:
            platforms = tuple(dict.fromkeys(item.case.platform for lot in self.lots.values() for item in lot))
            checks = tuple(dict.fromkeys(item.case.check for lot in self.lots.values() for item in lot))
            self._session = Session(self.options.imports, platforms=platforms, checks=checks).__enter__()
        return self._session

    def _subject(self, planned: Planned) -> Subject:
        if not self._subjects:
            universe = catalog.load(
                cache=Path(self.options.cache), imports=self.options.imports, scan=self._at_work().scan
            )
            self._subjects = {subject.id: subject for subject in universe.subjects}
        name = planned.case.subject
        if name not in self._subjects:
            raise UnknownName("class", name, list(self._subjects), "classes")
        return self._subjects[name]

    def _ground(self, platform: str) -> Ground:
        if platform not in self._grounds:
            registry.load("platforms", platform)
            ground = self._at_work().ground(platform)
            self._grounds[platform] = ground
            if ground.probe.present:
                lots = plan.make_sentinels(self.options, self.run, ground)
                ended = [item for turn in self._at_work().run([], lots, 1, [ground]) for item in turn.results]
                self._faults |= sentinels.faults(ended)
        return self._grounds[platform]


def checkpoint(what: str, cache: Path) -> tuple[str, str, str]:
    """(what cases call these weights, the id of their class, their folder). Raises CheckpointFault, SettingsError."""
    from archsweep.archs import weights

    found = weights.locate(what)
    subject = weights.subject(found, catalog.load(cache=cache))
    if not found.folder.is_dir():
        raise SettingsError(f"{what} lies in no folder")
    return found.name, subject.id, str(found.folder)
