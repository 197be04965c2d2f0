"""What changed between two sets of endings: each case is counted once, and in one place."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.analysis.diff import changes


def row(status: str = "pass", case: str = "pear/PearModel:cpu:parity", **other: Any) -> dict[str, Any]:
    subject, platform, check = case.split(":")
    model_type, _, class_name = subject.partition("/")
    known = {
        "case": case, "model_type": model_type, "class_name": class_name, "platform": platform, "check": check,
        "status": status, "stage": "compare", "error_class": None, "message": "", "finished_at": "2026-11-22T10:00:00Z",
    }  # fmt: skip
    return known | other


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (row("error"), row(), "gained"),
        (row("unavailable"), row(), "gained"),
        (row(), row("fail"), "lost"),
        (row(), row("broken"), "lost"),
        (row("fail"), row("crash"), "moved"),
        (row("error", stage="run"), row("error", stage="export"), "moved"),
        (row("error", error_class="KeyError"), row("error", error_class="ValueError"), "moved"),
        (row("unexecuted"), row("error"), "moved"),
        (row(), row("unavailable"), "untried"),
        (row("fail"), row("inapplicable"), "untried"),
        (row("unavailable"), row("unexecuted"), "untried"),
    ],
)
def test_a_change_has_its_kind(before: dict[str, Any], after: dict[str, Any], kind: str) -> None:
    found = changes([before], [after])
    kinds = {name: len(getattr(found, name)) for name in ("gained", "lost", "moved", "untried", "new", "gone")}
    assert kinds == dict.fromkeys(kinds, 0) | {kind: 1}
    assert (found.alike, found.none) == (0, False)
    (change,) = getattr(found, kind)
    assert (change.before.status, change.after.status) == (before["status"], after["status"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (row(), row(stage="run", message="other words")),
        (row("error", message="3 of 4"), row("error", message="4 of 4")),
        (row("unavailable", stage="build"), row("unavailable", stage="compile", error_class="Unavailable")),
    ],
)
def test_what_ended_alike_is_counted(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = changes([before], [after])
    assert (found.alike, found.none) == (1, True)


def test_cases_come_and_go() -> None:
    found = changes([row(case="fig/Fig:cpu:parity")], [row("fail"), row(case="apple/Apple:cpu:parity")])
    assert [change.case for change in found.new] == ["apple/Apple:cpu:parity", "pear/PearModel:cpu:parity"]
    (gone,) = found.gone
    assert (gone.model_type, gone.after) == ("fig", None)


def test_of_several_rows_of_a_case_the_newest_counts() -> None:
    older = row("fail", finished_at="2026-11-21T10:00:00Z")
    assert changes([row(), older], [older, row()]).none
