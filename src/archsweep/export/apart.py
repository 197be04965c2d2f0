"""A step in a process of its own: one that kills its process ends only itself. Knows nothing of graphs."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Died(RuntimeError):
    """The step ended its process."""


class GivenUp(Died):
    """The step's process was ended, because it took too long."""


def call(step: Callable[[], Any], processor_s: float | None = None) -> Any:
    """What `step` returns, as JSON values. Raises Died if it ends its process; it must raise nothing itself.

    `processor_s`: seconds of processor time, not of the clock, after which it is given up. Forks where a fork is safe;
    elsewhere the step runs here, unbounded.
    """
    if processor_s is not None and processor_s < 1:
        raise GivenUp("the exporter was not asked: the routes before it have used up the processor time")
    if sys.platform != "linux":
        return step()
    import resource

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        process = os.fork()
        if not process:
            if processor_s is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (int(processor_s), int(processor_s) + 1))
            _answer(step, answer)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status == -signal.SIGXCPU:
            raise GivenUp(f"the exporter was given up after {processor_s:.0f} s of processor time")
        if status < 0:
            raise Died(f"the exporter was killed by {signal.Signals(-status).name}")
        if not answer.exists():
            raise Died(f"the exporter ended its process with exit code {status}")
        return json.loads(answer.read_text())


def spent_s() -> float:
    """Processor time of this process and of those that it has ended and waited for, in seconds."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def _answer(step: Callable[[], Any], answer: Path) -> None:
    """Runs in the child, and never returns."""
    code = 1
    try:
        text = json.dumps(step())
        draft = answer.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(answer)
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
