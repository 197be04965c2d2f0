"""The check that plants faults fails where one of them is not reported."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from archsweep.checks import reporting
from archsweep.contract import Status, Verdict

HONEST = "as it is"


def bench() -> Any:
    """One whose program is the module that it was compiled of."""
    module = SimpleNamespace(forward=lambda: ())
    return SimpleNamespace(reference=None, program=HONEST, model=lambda: module, compiled=lambda given: given)


def judging(monkeypatch: pytest.MonkeyPatch, honest: Status, planted: Status) -> Verdict:
    def judged(bench: Any, program: Any) -> Verdict:
        return Verdict(status=honest if program == HONEST else planted)

    monkeypatch.setattr(reporting, "_judged", judged)
    return reporting.run(bench())


def test_what_is_planted_and_not_reported_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judging(monkeypatch, Status.PASS, Status.PASS)
    assert found.status is Status.FAIL
    assert found.message == "planted and not reported: exception, NaN, wrong by 1 %"


def test_what_is_planted_and_reported_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judging(monkeypatch, Status.PASS, Status.FAIL)
    assert found.status is Status.PASS
    assert found.details["planted"] == dict.fromkeys(reporting.FAULTS, True)


def test_nothing_is_planted_into_a_model_that_does_not_pass_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judging(monkeypatch, Status.FAIL, Status.FAIL)
    assert found.status is Status.FAIL
    assert "planted" not in found.details
