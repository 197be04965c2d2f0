"""How a worker that lasts gets its next lot, and how one goes home early: through small files in its lot's folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

POLL_S = 0.01
_IDLE_FILE, _NEXT_FILE, _LEFT_FILE = "idle", "next", "left"


def leave(folder: Path) -> None:
    """In the worker: say that it goes home before its lot is done, and another one is to do the rest."""
    (folder / _LEFT_FILE).touch()


def has_left(folder: Path) -> bool:
    """In the parent: whether the worker of the lot in `folder` went home of itself."""
    return (folder / _LEFT_FILE).exists()


def wait_for_next(folder: Path) -> Path | None:
    """In the worker: say that the lot in `folder` is done; the folder of the next one, None if there is none.

    The folder is gone afterwards. A worker whose parent has died gets nothing more.
    """
    parent = os.getppid()
    (folder / _IDLE_FILE).touch()
    handed = folder / _NEXT_FILE
    while not handed.exists():
        if os.getppid() != parent:
            return None
        time.sleep(POLL_S)
    name = handed.read_text()
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()
    return Path(name) if name else None


def is_idle(folder: Path) -> bool:
    """In the parent: whether the worker has finished the lot in `folder` and waits."""
    return (folder / _IDLE_FILE).exists()


def hand(folder: Path, following: Path | None) -> None:
    """In the parent: give the worker that waits in `folder` its next lot's folder; None sends it home."""
    partial = folder / f"{_NEXT_FILE}.partial"
    partial.write_text(str(following) if following else "")
    partial.rename(folder / _NEXT_FILE)
