"""How steady runs are sampled: what the spread means, and when there are enough."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from archsweep.checks import speed


class Program:
    """Takes the seconds that it is told to have taken."""

    def __init__(self, seconds: Iterator[float]) -> None:
        self._seconds, self.runs = seconds, 0

    def stepper(self, inputs: Mapping[str, Any]) -> Callable[[], float]:
        def step() -> float:
            self.runs += 1
            return next(self._seconds)

        return step


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "PAUSE_S", 0.0)


def test_even_samples_are_few_and_the_warm_ones_are_no_samples() -> None:
    program = Program(itertools.chain([9.0] * speed.WARM, itertools.repeat(1.0)))
    assert speed.sampled(program, {}) == [1.0] * speed.LEAST  # type: ignore[arg-type]
    assert program.runs == speed.WARM + speed.LEAST + speed.BLOCKS - 1  # one more after each pause


def test_uneven_samples_go_on_to_the_bound_and_all_are_kept() -> None:
    program = Program(itertools.cycle([1.0, 2.0]))
    assert len(speed.sampled(program, {})) == speed.MOST  # type: ignore[arg-type]


def test_the_spread_is_the_middle_half_over_the_root_of_their_number() -> None:
    middle, spread = speed.median([1.0, 2.0, 3.0, 4.0])
    assert middle == 2.5
    assert spread == pytest.approx(2.5 / 4**0.5)
    assert speed.median([2.0]) == (2.0, 0.0)


def test_blocks_that_differ_make_the_spread() -> None:
    even, uneven = speed.median([1.0, 2.0] * 12), speed.median([1.0] * 12 + [2.0] * 12)
    assert even[1] == pytest.approx(1.0 / 24**0.5)
    assert uneven[1] == pytest.approx(0.3**0.5)
