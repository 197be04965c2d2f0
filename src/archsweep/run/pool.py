"""The pool: keeps a number of workers busy, enforces deadlines and memory bounds, and accounts for every case.

A worker runs one lot in a session of its own and shares with this process only a folder: it announces (case, stage,
time) in one small file and puts each finished result beside it. So nothing that a model does to its process, to its
standard output or to its children can block the pool or be mistaken for a hang. Three things can end a lot: the
worker finishes; the pool kills it (deadline of the case in hand, memory bound); it dies. In each case the finished
results are taken, the case in hand gets the ending that fits, and the cases after it go to a fresh worker; so do those
of a worker that leaves because a case may have spoiled its device. If the
zygote itself dies, nobody is to blame: what was in hand is started again, a bounded number of times.

Where starting a device takes longer than a lot (a browser, say), a worker lasts: it waits for the next lot of its
platform. What earlier lots may have done to it must never show. So a lot that ended badly in a worker which had run
others before is run once more in a fresh one: that ending counts. The first worker waits for it. If both end alike it
was right, and goes on with all that it holds (a browser's compiled shaders); if not, it goes home, as does every other
worker in which a lot ended badly.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archsweep.contract import Case, Failure, Lot, Result, Status
from archsweep.encoding import encode
from archsweep.run import endings, findings, handing, memory, reuse
from archsweep.run.findings import BAD, Ending
from archsweep.run.launch import START_DEADLINE_S, Ended, Launcher
from archsweep.run.tasks import OUTPUT_FILE
from archsweep.run.worker import LOT_FILE, Announced, read_results, read_stage

POLL_S, LASTING_POLL_S = 0.1, 0.03
WEIGH_S = 0.25  # between two looks at the memory of the workers, each of which reads a file for every thread
SAMPLE_S, SAMPLE_SHARE = 1.0, 0.05  # of the memory of the whole tree: how often at most, in what part of the time
OUTPUT_LIMIT = 256 * 1024  # bytes of captured output kept per lot
STARTS = 3  # of a lot whose launcher was lost
AGAIN = "+"  # at the end of a lot's name
LEAVE_S = 10.0  # for a worker that has been sent home


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one turn of the pool brought: finished results, and who is at work for how many seconds."""

    results: tuple[Result, ...]
    running: tuple[tuple[str, float], ...]
    peak_bytes: int


@dataclass
class _Work:
    lot: Lot
    folder: Path
    since: float
    worker: str  # what the launcher calls it: the first lot that it ran
    before: int = 0  # lots that it ran before this one
    killed: tuple[Status, str] | None = None
    starts: int = 1
    kills: int = field(default_factory=memory.kills)  # by the kernel, of any process, before this work began


@dataclass
class Pool:
    """Runs lots on a launcher. `jobs` lots at a time, in the order given; those `aside` start at once beside them.

    `lasting` gives, for the platforms whose workers last, the number of lots after which one is replaced.
    """

    launcher: Launcher
    folder: Path
    jobs: int
    lasting: Mapping[str, int] = field(default_factory=dict)
    peak_bytes: int = 0
    _work: dict[str, _Work] = field(default_factory=dict)
    _idle: list[_Work] = field(default_factory=list)  # the last works of workers that wait
    _doubted: dict[str, tuple[_Work, list[Ending]]] = field(default_factory=dict)  # who waits for the lot's second run
    _leaving: dict[str, float] = field(default_factory=dict)  # workers that were sent home, and when
    _queue: collections.deque[Lot] = field(default_factory=collections.deque)
    _aside: set[str] = field(default_factory=set)
    _weighed: float = 0.0  # when the workers were
    _sampling: float = 0.0  # when the whole tree is to be

    def run(self, lots: Iterable[Lot], aside: Sequence[Lot] = ()) -> Iterator[Turn]:
        """Yields a turn at least every POLL_S seconds, until every case of every lot has a result."""
        self._queue.extend(lots)
        self._aside = {lot.id for lot in aside}
        for lot in aside:
            self._start(lot)
        while self._queue or self._work or self._leaving:
            while self._queue and self._busy() < self.jobs:
                self._start(self._queue.popleft())
            self._look_ahead()
            for work in () if self._queue else tuple(self._idle):
                self._send_home(work)
            ended = self.launcher.wait(LASTING_POLL_S if self.lasting else POLL_S)
            results = [result for item in ended for result in self._end(item)]
            results += [result for work in self._waiting() for result in self._finish(work)]
            self._watch()
            now = time.monotonic()
            running = tuple((work.lot.id, now - work.since) for work in self._work.values())
            yield Turn(results=tuple(results), running=running, peak_bytes=self.peak_bytes)

    def stop(self) -> None:
        """Kill every worker; finished results that were not yielded are lost."""
        waiting = (*self._idle, *(work for work, _ in self._doubted.values()))
        for worker in (*(work.worker for work in (*self._work.values(), *waiting)), *self._leaving):
            self.launcher.kill(worker)

    def _busy(self) -> int:
        return sum(id not in self._aside for id in self._work)

    def _look_ahead(self) -> None:
        """Let the launcher import what the next lots need, while the workers are at work."""
        for lot in itertools.islice(self._queue, self.jobs):
            self.launcher.expect(lot.subject.class_module)

    def _start(self, lot: Lot, starts: int = 1, *, fresh: bool = False) -> None:
        folder = self.folder / lot.id.replace("/", "+")
        folder.mkdir(parents=True, exist_ok=True)
        lot = dataclasses.replace(lot, folder=str(folder))
        (folder / LOT_FILE).write_text(json.dumps(encode(lot)))
        resting = None if fresh else next((work for work in self._idle if work.lot.platform == lot.platform), None)
        if resting:
            self._idle.remove(resting)
            handing.hand(resting.folder, folder)
            worker, before = resting.worker, resting.before + 1
        else:
            while len(self._idle) >= self.jobs:  # of other platforms
                self._send_home(self._idle[0])
            worker, before = lot.id, 0
            most = self.lasting.get(lot.platform, 1)
            self.launcher.start("lot", lot.id, folder, module=lot.subject.class_module, argument=str(most))
        self._work[lot.id] = _Work(lot, folder, time.monotonic(), worker, before, starts=starts)

    def _waiting(self) -> list[_Work]:
        """The works that are finished although their worker lives."""
        lasting = [work for work in self._work.values() if work.lot.platform in self.lasting]
        return [work for work in lasting if handing.is_idle(work.folder)]

    def _finish(self, work: _Work) -> list[Result]:
        """The results of a lot whose worker waits for another one."""
        del self._work[work.lot.id]
        found = read_results(work.folder)
        results = [found[index] for index in sorted(found)]
        suspect = any(result.status in BAD for result in results)
        if suspect and work.before:
            self._doubted[_name(work.lot)] = work, [findings.ending(result) for result in results]
            self._again(work.lot, list(work.lot.cases))
            return []
        self._clear_up(work.lot, results)
        self._idle.append(work)
        if suspect:
            self._send_home(work)
        return results

    def _clear_up(self, lot: Lot, results: Sequence[Result]) -> None:
        """What becomes of a worker in which this lot ended badly, now that it has been run in a fresh one."""
        if _name(lot) in self._doubted:
            work, before = self._doubted.pop(_name(lot))
            self._idle.append(work)
            if before != [findings.ending(result) for result in results]:
                self._send_home(work)

    def _send_home(self, work: _Work) -> None:
        self._idle.remove(work)
        self._leaving[work.worker] = time.monotonic()
        handing.hand(work.folder, None)

    def _end(self, ended: Ended) -> list[Result]:
        work = next((work for work in self._work.values() if work.worker == ended.id), None)
        if work is None:  # it had nothing in hand
            self._leaving.pop(ended.id, None)
            self._idle = [item for item in self._idle if item.worker != ended.id]
            self._doubted = {name: item for name, item in self._doubted.items() if item[0].worker != ended.id}
            return []
        lot = self._work.pop(work.lot.id).lot
        finished = read_results(work.folder)
        missing = [index for index in range(len(lot.cases)) if index not in finished]
        results = [finished[index] for index in sorted(finished)]
        if work.before and (missing or any(result.status in BAD for result in results)):
            self._clear(work)
            self._again(lot, list(lot.cases))
            return []
        self._clear_up(lot, [] if missing else results)
        if missing and finished and handing.has_left(work.folder):
            self._clear(work)
            self._again(lot, [lot.cases[index] for index in missing])
            return results
        if missing and ended.wait_status is None and work.starts < STARTS:
            self._clear(work)
            self._again(lot, [lot.cases[index] for index in missing], work.starts + 1)
            return results
        if missing:
            announced = read_stage(work.folder)
            in_hand = announced.index if announced and announced.index in missing else missing[0]
            results.append(self._ending(work, ended, lot.cases[in_hand]))
            missing.remove(in_hand)
        self._clear(work)
        if missing:
            self._again(lot, [lot.cases[index] for index in missing])
        return results

    def _again(self, lot: Lot, cases: list[Case], starts: int = 1) -> None:
        """The rest of a lot, in a fresh worker, next."""
        rest = dataclasses.replace(lot, id=f"{lot.id}{AGAIN}", cases=tuple(cases))
        if lot.id in self._aside:
            self._aside.add(rest.id)
        self._start(rest, starts, fresh=True)

    def _ending(self, work: _Work, ended: Ended, case: Case) -> Result:
        announced = read_stage(work.folder) or Announced(began=work.since)
        if work.killed:
            status, message = work.killed
            error_class = str(status)
        elif ended.wait_status is None:
            status, error_class, message = Status.BROKEN, "zygote", f"the zygote died {work.starts} times with this lot"
        else:
            status = Status.CRASH
            error_class, message = endings.death(ended.wait_status)
            if error_class == signal.SIGKILL.name and memory.kills() > work.kills:
                status, message = Status.OOM, "the kernel killed the worker for want of memory"
        failure = Failure(error_class=error_class, message=message, traceback=last_words(work.folder))
        return endings.result(
            work.lot,
            case,
            status,
            announced.stage,
            reached=announced.reached,
            graph=announced.graph,
            wall_s=time.monotonic() - announced.began,
            message=message,
            failure=failure,
            details={reuse.SOURCE: reuse.source_hash(work.lot.subject)},
        )

    def _watch(self) -> None:
        """Kill what is over its deadline or its memory; bound the captured output; sample the whole tree."""
        now = time.monotonic()
        weighed = now - self._weighed >= WEIGH_S
        for work in self._work.values():
            work.killed = work.killed or self._late(work, now) or (self._heavy(work) if weighed else None)
            if work.killed:
                self.launcher.kill(work.worker)
            _bound(work.folder / OUTPUT_FILE)
        for worker, since in self._leaving.items():
            if now - since > LEAVE_S:
                self.launcher.kill(worker)
        self._weighed = now if weighed else self._weighed
        if now >= self._sampling:
            tree = memory.family([os.getpid()])
            self.peak_bytes = max(self.peak_bytes, sum(memory.proportional(process) for process in tree))
            spent = time.monotonic() - now  # a browser's pages take tenths of a second to be counted
            self._sampling = now + max(SAMPLE_S, spent / SAMPLE_SHARE)

    def _late(self, work: _Work, now: float) -> tuple[Status, str] | None:
        """The ending and the message of a worker that takes more time than it may; None for the others."""
        lot, announced = work.lot, read_stage(work.folder)
        if announced is None:  # the launcher may still be starting, so the deadline of the case does not count yet
            if now - work.since > START_DEADLINE_S:
                return Status.TIMEOUT, f"the worker did not begin within {START_DEADLINE_S:g} s"
        elif now - announced.began > lot.timeout_s:
            return Status.TIMEOUT, f"over its deadline of {lot.timeout_s:g} s in stage {announced.stage}"
        return None

    def _heavy(self, work: _Work) -> tuple[Status, str] | None:
        """The same of a worker that takes more memory than it may."""
        bound, process = work.lot.memory_bytes, self.launcher.process(work.worker)
        own = memory.family([process]) if process is not None else []
        if sum(map(memory.resident, own)) > bound:
            held = sum(map(memory.proportional, own))
            if held > bound:
                return Status.OOM, f"{held / 2**20:.0f} MB of memory, over the bound of {bound / 2**20:.0f} MB"
        return None

    def _clear(self, work: _Work) -> None:
        for path in work.folder.iterdir():
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            work.folder.rmdir()


def _name(lot: Lot) -> str:
    """Of a lot, whether it is run again or not."""
    return lot.id.rstrip(AGAIN)


def last_words(folder: Path, limit: int = 4000) -> str:
    """The end of what the worker printed."""
    with contextlib.suppress(OSError), (folder / OUTPUT_FILE).open("rb") as output:
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - limit))
        return output.read().decode(errors="replace")
    return ""


def _bound(path: Path) -> None:
    """Cut captured output; the worker appends, so it goes on at the new end."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > OUTPUT_LIMIT:
            os.truncate(path, OUTPUT_LIMIT // 4)
