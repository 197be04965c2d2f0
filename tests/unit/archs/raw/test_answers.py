"""Answers of pipelines: numbers within them are compared, and what is no number is none."""

from __future__ import annotations

from archsweep.archs.raw import answers


def test_what_is_missing_beside_numbers_is_not_a_number_that_is_not_finite() -> None:
    assert not list(answers.faults({"index": [(0, None)]}, {"index": [(0, None)]}, "float32"))
    assert list(answers.faults({"index": [(0, None)]}, {"index": [(0, 3)]}, "float32"))
    assert list(answers.faults([[0.5, 0.25]], [[0.5, float("nan")]], "float32"))
