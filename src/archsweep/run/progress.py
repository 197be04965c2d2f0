"""What the user sees of a sweep as it goes, on standard error: a live display on a terminal, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from archsweep.contract import Case, Result, Status
from archsweep.run import findings
from archsweep.run.pool import Turn

SLOW_S = 10.0
PLAIN_EVERY_S = 10.0
MOST = 5  # failing or slow cases that are shown


class Progress:
    """Use as a context manager: `stage` while the sweep is prepared, then `plan`, and `show` each turn."""

    def __init__(self, *, quiet: bool = False, console: Any = None) -> None:
        self._quiet, self._console = quiet, console
        self._planned, self._earlier = 0, 0
        self._stage = ""
        self._endings: list[tuple[Case, Status]] = []
        self._failing: list[Result] = []
        self._running: tuple[tuple[str, float], ...] = ()
        self._began = self._shown = time.monotonic()
        self._live: Any = None

    def __enter__(self) -> Progress:
        if not self._quiet:
            from rich.console import Console
            from rich.live import Live

            self._console = self._console or Console(stderr=True)
            if self._console.is_terminal:
                self._live = Live(
                    console=self._console, refresh_per_second=4, transient=True, get_renderable=self._picture
                )
                self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        if self._live:
            self._live.stop()

    def stage(self, text: str) -> None:
        """Say what is being done before the first case."""
        self._stage = text
        if not (self._quiet or self._live):
            self._print(text)

    def plan(self, planned: int, earlier: Iterable[Result] = ()) -> None:
        """From here on cases are counted: `planned` in all, the `earlier` ones of a resumed run among them."""
        self.add(list(earlier))
        self._planned, self._earlier = planned, len(self._endings)
        self._began = self._shown = time.monotonic()

    def show(self, turn: Turn) -> None:
        """Note who is at work; without a terminal, a line now and then."""
        self._running = turn.running
        now = time.monotonic()
        if not (self._quiet or self._live) and now - self._shown >= PLAIN_EVERY_S:
            self._shown = now
            self._print(self._counts())

    def add(self, results: Sequence[Result]) -> None:
        self._endings += [(result.case, result.status) for result in results]
        self._failing += [result for result in results if result.status in findings.BAD]

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _counts(self) -> str:
        done = len(self._endings)
        spent = time.monotonic() - self._began
        fresh = done - self._earlier
        left = f"about {span(spent / fresh * (self._planned - done))} left" if fresh else "starting"
        counts = findings.verified(self._endings)
        good = ", ".join(f"{count} verified on {name}" for name, count in sorted(counts.items())) or "0 verified"
        return f"{done} of {self._planned} cases, {good}, {len(self._failing)} failing, {span(spent)}, {left}"

    def _picture(self) -> Any:
        from rich.console import Group
        from rich.padding import Padding
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        if not self._planned:
            return Text(f"{self._stage} … {span(time.monotonic() - self._began)}", style="dim")
        lines: list[Any] = [
            Padding(ProgressBar(total=self._planned, completed=len(self._endings)), 0),  # on a line of its own
            Text(self._counts(), no_wrap=True, overflow="ellipsis"),
        ]
        slow = sorted((item for item in self._running if item[1] > SLOW_S), key=lambda item: -item[1])
        for id, seconds in slow[:MOST]:
            lines.append(_line(f"  slow {span(seconds)} ", "yellow", id))
        for result in self._failing[-MOST:]:
            message = " ".join(result.message.split())
            lines.append(_line(f"  {result.status} at {result.stage} ", "red", f"{result.case.id}: {message}"))
        return Group(*lines)


def _line(head: str, style: str, text: str) -> Any:
    """One line of the display, cut at the width of the terminal."""
    from rich.text import Text

    line = Text(head, style=style, no_wrap=True, overflow="ellipsis")
    return line.append("".join(character if character.isprintable() else "?" for character in text), style="default")


def span(seconds: float) -> str:
    """A length of time for people: `48 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
