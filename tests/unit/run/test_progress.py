"""The display of a sweep: what it says, and that it fits every terminal."""

from __future__ import annotations

import io

import pytest
from making import case, result
from rich.console import Console

from archsweep.contract import Stage, Status
from archsweep.run.pool import Turn
from archsweep.run.progress import Progress, span

LONG = "a very long message\nover several lines \x1b[31m" + "x" * 300


def shown(progress: Progress, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(progress._picture())
    return captured.get().splitlines()


def filled() -> Progress:
    progress = Progress(quiet=True)
    bad = result(Status.ERROR, of=case("t5/T5Model"), error_class="KeyError", stage=Stage.RUN, message=LONG)
    progress.plan(10, [result()])
    progress.add([result(of=case(check="parity")), bad])
    progress.show(Turn(results=(), running=(("gpt2/GPT2Model:cpu", 42.0), ("vit/ViTModel:cpu", 1.0)), peak_bytes=0))
    return progress


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_the_terminal_one_line_for_each_thing(width: int) -> None:
    lines = shown(filled(), width)
    assert len(lines) == 4
    assert all(len(line) <= width for line in lines)
    assert not any("\x1b[31m" in line for line in lines)


def test_it_says_how_many_are_done_verified_failing_and_slow() -> None:
    lines = shown(filled(), 120)
    assert lines[1].startswith("3 of 10 cases, 1 verified on cpu, 1 failing, ")
    assert "left" in lines[1]
    assert lines[2].strip() == "slow 42 s gpt2/GPT2Model:cpu"
    assert lines[3].startswith("  error at run t5/T5Model:cpu:forward: a very long message over several lines")


def test_before_the_first_case_it_says_what_is_being_done() -> None:
    progress = Progress(quiet=True)
    progress.stage("reading")
    assert shown(progress, 80)[0].startswith("reading …")


def test_without_a_terminal_it_prints_plain_lines_and_when_quiet_nothing() -> None:
    for quiet in (False, True):
        stream = io.StringIO()
        with Progress(quiet=quiet, console=Console(file=stream, width=40)) as progress:
            progress.stage("a stage whose text is longer than forty columns are")
            progress.plan(2)
            progress._shown -= 1000.0
            progress.show(Turn(results=(), running=(), peak_bytes=0))
        lines = stream.getvalue().splitlines()
        assert len(lines) == (0 if quiet else 2)
        assert quiet or lines[1].startswith("0 of 2 cases, 0 verified, 0 failing, ")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99.4, "99 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 5 min")]
)
def test_spans_of_time_are_for_people(seconds: float, text: str) -> None:
    assert span(seconds) == text
