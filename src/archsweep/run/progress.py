"""What the user sees of a sweep as it goes, on standard error: a live display on a terminal, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from archsweep.contract import Result, Status
from archsweep.run import findings
from archsweep.run.pool import Turn

SLOW_S = 10.0
PLAIN_EVERY_S = 10.0


class Progress:
    """Use as a context manager; `show` each turn. `quiet` shows nothing."""

    def __init__(self, planned: int, *, quiet: bool = False) -> None:
        self._planned, self._quiet = planned, quiet
        self._endings: list[tuple[Any, Status]] = []
        self._failing: list[str] = []
        self._began = self._shown = time.monotonic()
        self._live: Any = None

    def __enter__(self) -> Progress:
        if not self._quiet:
            from rich.console import Console
            from rich.live import Live

            self._console = Console(stderr=True)
            if self._console.is_terminal:
                self._live = Live(console=self._console, auto_refresh=False, transient=True)
                self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, turn: Turn) -> None:
        now = time.monotonic()
        if self._quiet or (now - self._shown < (0.5 if self._live else PLAIN_EVERY_S)):
            return
        self._shown = now
        if self._live:
            from rich.text import Text

            self._live.update(Text("\n".join(self._lines(turn))), refresh=True)
        else:
            self._console.print(self._lines(turn)[0], highlight=False, markup=False)

    def add(self, results: Sequence[Result]) -> None:
        for result in results:
            self._endings.append((result.case, result.status))
            if result.status in findings.BAD:
                self._failing.append(f"{result.status} {result.case.id}: {result.message}")

    def _lines(self, turn: Turn) -> list[str]:
        done = len(self._endings)
        spent = time.monotonic() - self._began
        left = f"{spent / done * (self._planned - done):.0f} s left" if done else "starting"
        counts = findings.verified(self._endings)
        good = ", ".join(f"{count} verified on {name}" for name, count in sorted(counts.items())) or "0 verified"
        lines = [f"{done} of {self._planned} cases, {good}, {len(self._failing)} failing, {spent:.0f} s, {left}"]
        lines += [f"  slow: {id} ({seconds:.0f} s)" for id, seconds in turn.running if seconds > SLOW_S]
        width = self._console.width
        return lines + [f"  {line}"[: width - 1] for line in self._failing[-5:]]
