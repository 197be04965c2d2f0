"""States how the tiny models of many classes are made and called: a worker for each model type.

Judges nothing. A worker that dies or hangs costs what its own model type is about.
"""

from __future__ import annotations

import collections
import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archsweep.archs.specification import Specification
from archsweep.contract import Subject
from archsweep.encoding import decode, encode
from archsweep.run import endings
from archsweep.run.session import Session
from archsweep.run.tasks import ANSWER_FILE

TASK = "specify"
DEADLINE_S = 120.0  # of each class
POLL_S = 0.1


@dataclass
class _Asked:
    subjects: Sequence[Subject]
    folder: Path
    began: float
    late: bool = False


def specifications(
    session: Session, groups: Sequence[Sequence[Subject]], jobs: int
) -> Iterator[tuple[Sequence[Subject], list[Specification]]]:
    """Each group of subjects with what its worker states of them, in the order in which they are done."""
    waiting, asked = collections.deque(groups), dict[str, _Asked]()
    while waiting or asked:
        while waiting and len(asked) < jobs:
            subjects = waiting.popleft()
            id = f"{TASK}-{subjects[0].model_type}"
            folder = session.folder / id
            folder.mkdir()
            argument = json.dumps([encode(subject) for subject in subjects])
            asked[id] = _Asked(subjects, folder, time.monotonic())
            session.launcher.start(TASK, id, folder, module=subjects[0].class_module, argument=argument)
            for following in list(waiting)[:jobs]:
                session.launcher.expect(following[0].class_module)
        for ended in session.launcher.wait(POLL_S):
            if (done := asked.pop(ended.id, None)) is not None:
                yield done.subjects, _answer(done, ended.wait_status)
        for id, work in asked.items():
            if time.monotonic() - work.began > DEADLINE_S * len(work.subjects) and not work.late:
                work.late = True
                session.launcher.kill(id)


def _answer(done: _Asked, wait_status: int | None) -> list[Specification]:
    """What the worker said; where it said nothing, why."""
    with contextlib.suppress(OSError, ValueError):
        return [decode(Specification, item) for item in json.loads((done.folder / ANSWER_FILE).read_text())]
    fault = "the zygote died" if wait_status is None else endings.death(wait_status)[1]
    lacks = f"no answer within {DEADLINE_S:g} s a class" if done.late else fault
    return [Specification(subject=subject.id, lacks=lacks, died=True) for subject in done.subjects]
