"""One test of a generated file: how its case ended, in pytest's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from archsweep.analysis import repeat
from archsweep.contract import TINY, Result, Status
from archsweep.run.findings import BAD, Ending, ending
from archsweep.testing.planning import Planned

SKIPPED = frozenset({Status.UNAVAILABLE, Status.INAPPLICABLE, Status.UNEXECUTED})
EXPECTED = BAD | {Status.UNSUPPORTED}  # what a baseline may hold of a case that is no pass
LAST = 12  # lines of a traceback


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case to be verified. `result` runs it; `tell` hears (name, text) of what a report is to carry; `asked`: the
    options of the run; `again`: the shell command that runs this test of this file again."""

    planned: Planned
    result: Callable[[Planned], Result]
    tell: Callable[[str, str], None]
    baseline: Mapping[str, Ending]
    asked: Mapping[str, Any] = field(default_factory=dict)
    again: str = ""

    def verify(self) -> None:
        """Pass if the case passes, skip with the reason if it was not tried or does not apply, else fail.

        What the baseline has ending alike is an expected failure.
        """
        __tracebackhide__ = True
        found = self.result(self.planned)
        for name, text in properties(found).items():
            self.tell(name, text)
        if found.status is Status.PASS:
            if strange := unlike(self.planned, found):
                pytest.fail(strange, pytrace=False)
            return
        if found.status in SKIPPED:
            pytest.skip(f"{found.status}: {found.message}")
        if found.status in EXPECTED and self.baseline.get(self.planned.case.id) == ending(found):
            pytest.xfail(f"as in the baseline: {found.status} at {found.stage}: {found.message}")
        pytest.fail(told(found, self.asked, self.again), pytrace=False)


def properties(found: Result) -> dict[str, str]:
    """What JUnit's report carries of a result."""
    named = {"status": found.status, "stage": found.stage, "evidence": found.evidence, "device": found.device,
             "blame": found.blame or "", "message": found.message}  # fmt: skip
    return {name: str(value) for name, value in named.items() if value}


def unlike(planned: Planned, found: Result) -> str:
    """What is wrong with the data of a file whose model is called otherwise than it states; nothing if it is right.

    Real weights are called with what their own tokenizer and processor give.
    """
    if planned.case.weights != TINY:
        return ""
    stated, called = planned.architecture.called(planned.class_name), found.details.get("recipe", {}).get("called")
    if not stated or called is None or dict(stated) == called:
        return ""
    apart = sorted(name for name in {*stated, *called} if stated.get(name) != called.get(name))
    lines = [f"  {name}: {stated.get(name, 'none')}, now {called.get(name, 'none')}" for name in apart]
    family = planned.case.subject.partition("/")[0]
    return "\n".join(
        [f"{planned.case.subject} passes, and is called otherwise than this file states:", *lines,
         f"Write the file anew: archsweep generate {family}"]
    )  # fmt: skip


def told(found: Result, asked: Mapping[str, Any], again: str) -> str:
    """The report of a failure: what, how far, on what evidence, the end of the traceback, how to repeat it: with what
    the file states, and without the file, with what archsweep makes itself, which may differ from an edited file's."""
    lines = [f"{found.case.id}: {found.status} at {found.stage} (evidence: {found.evidence})", found.message]
    if found.failure and found.failure.traceback:
        lines += ["", *found.failure.traceback.rstrip().splitlines()[-LAST:], ""]
    if found.status not in BAD:
        lines.append(f"{found.status} is no pass: it was not run as a whole where it should have been.")
    lines += [f"Repeat it: {again}"] if again else []
    return "\n".join([*lines, f"Without this file: {repeat.command(found.case, '', asked)}"])
