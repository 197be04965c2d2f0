"""A step in a process of its own: what it must leave alone."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from archsweep.export import apart


class Held:
    """Something that its owner ends, as a compiled model ends its threads: elsewhere that would wait for ever."""

    def __init__(self, log: Path) -> None:
        self.log, self.itself = log, self

    def __del__(self) -> None:
        with self.log.open("a") as out:
            out.write(f"{os.getpid()}\n")


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="elsewhere a step runs in this process")
def test_garbage_of_the_parent_is_not_collected_in_the_child(tmp_path: Path) -> None:
    log = tmp_path / "ended"
    gc.collect()
    gc.disable()
    try:
        Held(log)
        child = apart.call(lambda: [os.getpid(), gc.collect()][0])
    finally:
        gc.enable()
    assert child != os.getpid()
    gc.collect()
    assert log.read_text().split() == [str(os.getpid())]
