"""States how the tiny models of many classes are made and called: a worker for a few model types, one after another.

To fork a worker takes as long as to state a class, so one states several types. A worker that dies or hangs costs what
the model type in its hands is about: the types after it go to another worker, and so does that type itself where the
worker had stated others before, which may have spoiled it. Judges nothing.
"""

from __future__ import annotations

import collections
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archsweep.archs.specification import Specification
from archsweep.contract import Subject
from archsweep.encoding import decode, encode
from archsweep.run import endings
from archsweep.run.session import Session
from archsweep.run.tasks import ASKED_FILE, answer_file

TASK = "specify"
DEADLINE_S = 120.0  # of each class
POLL_S = 0.1
MOST = 16  # model types that one worker states
SHARES = 4  # at least so many for each worker, so that all are done at about the same time
Group = Sequence[Subject]  # the classes of one model type


@dataclass
class _Asked:
    groups: Sequence[Group]
    folder: Path
    began: float  # with the model type in hand
    stated: int = 0  # model types
    late: bool = False

    @property
    def left(self) -> Sequence[Group]:
        return self.groups[self.stated :]


def specifications(session: Session, groups: Sequence[Group], jobs: int) -> Iterator[tuple[Group, list[Specification]]]:
    """Each group of subjects with what a worker states of them, in the order in which they are done."""
    waiting, asked = collections.deque(_shared(groups, jobs)), dict[str, _Asked]()
    number = 0
    while waiting or asked:
        while waiting and len(asked) < jobs:
            id, number = f"{TASK}-{number}", number + 1
            asked[id] = _start(session, id, waiting.popleft())
        ended = {item.id: item.wait_status for item in session.launcher.wait(POLL_S)}
        for id, work in list(asked.items()):
            yield from _answers(work)
            if id in ended:
                del asked[id]
                if work.left and not work.stated:
                    yield work.left[0], _unknown(work, ended[id])
                waiting.extendleft(reversed(_again(work)))
            elif not work.late and time.monotonic() - work.began > _patience(work):
                work.late = True
                session.launcher.kill(id)


def _patience(work: _Asked) -> float:
    """Seconds for the model type in hand."""
    return DEADLINE_S * max(map(len, work.left[:1]), default=1)


def _shared(groups: Sequence[Group], jobs: int) -> Iterable[Sequence[Group]]:
    size = max(1, min(MOST, len(groups) // (SHARES * jobs)))
    return (groups[start : start + size] for start in range(0, len(groups), size))


def _start(session: Session, id: str, groups: Sequence[Group]) -> _Asked:
    folder = session.folder / id
    folder.mkdir()
    (folder / ASKED_FILE).write_text(json.dumps([[encode(subject) for subject in group] for group in groups]))
    session.launcher.start(TASK, id, folder)
    return _Asked(groups, folder, time.monotonic())


def _answers(work: _Asked) -> Iterator[tuple[Group, list[Specification]]]:
    """What the worker has said since it was last asked."""
    while work.left:
        try:
            told = json.loads((work.folder / answer_file(work.stated)).read_text())
            found = [decode(Specification, item) for item in told]
        except (OSError, ValueError):
            return
        group = work.left[0]
        work.stated, work.began = work.stated + 1, time.monotonic()
        yield group, found


def _again(work: _Asked) -> list[Sequence[Group]]:
    """What is asked again of other workers, once this one has ended: the model type in hand by itself."""
    in_hand, after = work.left[:1], work.left[1:]
    return [groups for groups in (in_hand if work.stated else (), after) if groups]


def _unknown(work: _Asked, wait_status: int | None) -> list[Specification]:
    """Why nothing is known of the first model type of a worker."""
    fault = "the zygote died" if wait_status is None else endings.death(wait_status)[1]
    lacks = f"no answer within {DEADLINE_S:g} s a class" if work.late else fault
    return [Specification(subject=subject.id, lacks=lacks, died=True) for subject in work.left[0]]
