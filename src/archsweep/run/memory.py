"""How much memory processes hold: resident (cheap), and proportional (shared pages counted once; on Linux)."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Iterable
from pathlib import Path

import psutil

COUNTERS = Path("/proc/vmstat")  # of Linux
PAGE = mmap.PAGESIZE


def resident(process: int) -> int:
    """Bytes resident; 0 if the process is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    try:
        return int(psutil.Process(process).memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def proportional(process: int) -> int:
    """Bytes resident, each shared page divided by the number of its users; 0 if the process is gone."""
    try:
        listing = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return resident(process)
    for line in listing.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def kills() -> int:
    """How many processes the kernel has killed for want of memory since it started; 0 where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        counted = dict(line.split() for line in COUNTERS.read_text().splitlines())
        return int(counted.get("oom_kill", 0))
    return 0


def family(processes: Iterable[int]) -> list[int]:
    """The processes and all that descend from them, each once."""
    found: list[int] = []
    waiting = list(processes)
    while waiting:
        process = waiting.pop()
        if process in found:
            continue
        found.append(process)
        waiting.extend(_children(process))
    return found


def _children(process: int) -> list[int]:
    folder = Path(f"/proc/{process}/task")
    if folder.exists():
        found: list[int] = []
        with contextlib.suppress(OSError):
            for thread in folder.iterdir():
                found.extend(map(int, (thread / "children").read_text().split()))
        return found
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(process).children()]
    return []
