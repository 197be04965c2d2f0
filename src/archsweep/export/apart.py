"""A step in a process of its own: one that kills its process ends only itself. Knows nothing of graphs."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ANSWERED, RAISED = "answered", "raised"


class Died(RuntimeError):
    """The step ended its process."""


class Killed(Died):
    """Another process, or the kernel for want of memory, has killed the step's."""


class GivenUp(Died):
    """The step's process was ended, because it took too long."""


class NotAsked(GivenUp):
    """There was no processor time left to begin with."""


class Raised(Died):
    """The step raised what it should have made an answer of; `kinds` are the names of its class and of that one's."""

    def __init__(self, text: str, kinds: tuple[str, ...]) -> None:
        super().__init__(f"{kinds[0]}: {text}" if text else kinds[0])
        self.kinds = kinds


def call(step: Callable[[], Any], processor_s: float | None = None) -> Any:
    """What `step` returns, as JSON values. Raises Died if it ends its process, or raises anything.

    `processor_s`: seconds of processor time, not of the clock, after which it is given up. Forks where a fork is safe;
    elsewhere the step runs here, unbounded.
    """
    if processor_s is not None and processor_s < 1:
        raise NotAsked("the exporter was not asked: the routes before it have used up the processor time")
    if sys.platform != "linux":
        return step()
    import resource

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        process = os.fork()
        if not process:
            gc.freeze()  # or the collector ends what has threads in the parent, and waits for them for ever
            if processor_s is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (int(processor_s), int(processor_s) + 1))
            _answer(step, answer)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status == -signal.SIGXCPU:
            raise GivenUp(f"the exporter was given up after {processor_s:.0f} s of processor time")
        if status < 0:
            kind = Killed if status == -signal.SIGKILL else Died
            raise kind(f"the exporter was killed by {signal.Signals(-status).name}")
        if not answer.exists():
            raise Died(f"the exporter ended its process with exit code {status}")
        told = json.loads(answer.read_text())
        if RAISED in told:
            raise Raised(told["text"], tuple(told[RAISED]))
        return told[ANSWERED]


def spent_s() -> float:
    """Processor time of this process and of those that it has ended and waited for, in seconds."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def _answer(step: Callable[[], Any], answer: Path) -> None:
    """Runs in the child, and never returns."""
    code = 1
    try:
        _write(answer, {ANSWERED: step()})
        code = 0
    finally:
        error = sys.exc_info()[1]
        try:
            if error is not None:
                _write(answer, {RAISED: [kind.__name__ for kind in type(error).__mro__], "text": str(error)})
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _write(answer: Path, told: Any) -> None:
    draft = answer.with_suffix(".draft")
    draft.write_text(json.dumps(told))
    draft.replace(answer)
