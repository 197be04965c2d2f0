"""What a signal that the pool did not send means: a crash, or the kernel's want of memory where its counter says so."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from pathlib import Path

import pytest
from making import case, lot

from archsweep.contract import Blame, Stage, Status
from archsweep.run import memory, pool, worker
from archsweep.run.launch import Ended, Spawning


def dead(number: signal.Signals) -> int:
    """The wait status of a process that the signal has ended."""
    process = os.fork()
    if not process:
        os.kill(os.getpid(), number)
        os._exit(0)
    return os.waitpid(process, 0)[1]


@pytest.mark.parametrize(
    ("number", "counted", "status", "blame"),
    [
        (signal.SIGKILL, 0, Status.CRASH, Blame.OURS),
        (signal.SIGKILL, 1, Status.OOM, Blame.OURS),
        (signal.SIGTERM, 1, Status.CRASH, Blame.OURS),
        (signal.SIGABRT, 1, Status.CRASH, Blame.UPSTREAM),
    ],
)
def test_a_death_on_a_checked_graph(
    number: signal.Signals, counted: int, status: Status, blame: Blame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters, folder = tmp_path / "vmstat", tmp_path / "lot"
    counters.write_text("nr_free_pages 9\noom_kill 4\n")
    monkeypatch.setattr(memory, "COUNTERS", counters)
    folder.mkdir()
    announce = worker.Announcer(folder / worker.STAGE_FILE, home=False)
    announce.begin(0)
    announce(Stage.COMPILE, True)
    announce(Stage.RUN)
    work = pool._Work(dataclasses.replace(lot(), platform="openvino"), folder, time.monotonic(), "one")
    counters.write_text(f"nr_free_pages 9\noom_kill {4 + counted}\n")
    waiting = pool.Pool(Spawning({}), tmp_path, 1)
    ended = waiting._ending(work, Ended(id="one", wait_status=dead(number)), case(platform="openvino"))
    assert (ended.status, ended.stage, ended.blame) == (status, Stage.RUN, blame)
    assert ("want of memory" in ended.message) is (status is Status.OOM)


def test_a_kernel_that_does_not_count_has_killed_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("nr_free_pages 9\n", "odd\n"):
        (tmp_path / "vmstat").write_text(text)
        monkeypatch.setattr(memory, "COUNTERS", tmp_path / "vmstat")
        assert memory.kills() == 0
    monkeypatch.setattr(memory, "COUNTERS", tmp_path / "none")
    assert memory.kills() == 0
