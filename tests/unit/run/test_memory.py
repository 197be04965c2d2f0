"""What processes hold, and how much of the time is spent on counting it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from archsweep.run import memory, pool
from archsweep.run.launch import Spawning


def test_what_a_process_holds_is_what_the_system_says() -> None:
    held = psutil.Process().memory_info().rss
    assert memory.resident(os.getpid()) == pytest.approx(held, rel=0.1)
    assert 0 < memory.proportional(os.getpid()) <= 1.1 * held
    assert memory.resident(2**22 + 1) == memory.proportional(2**22 + 1) == 0  # of no process


def test_the_longer_counting_takes_the_less_often_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(process: int) -> int:
        time.sleep(0.2)
        return 7

    watching = pool.Pool(Spawning({}), tmp_path, 1)
    monkeypatch.setattr(memory, "proportional", slow)
    monkeypatch.setattr(memory, "family", lambda processes: [1])
    before = time.monotonic()
    watching._watch()
    assert watching.peak_bytes == 7
    assert watching._sampling >= before + 0.2 / pool.SAMPLE_SHARE
    monkeypatch.setattr(memory, "proportional", lambda process: 9)
    watching._watch()
    assert watching.peak_bytes == 7, "not before its time"
