"""What of a run deserves attention, judged against a baseline; and the run's summary. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.contract import TINY, VERIFYING, Case, Result, Status
from archsweep.settings import DEFAULT_PLATFORM

BAD = frozenset({Status.FAIL, Status.ERROR, Status.TIMEOUT, Status.CRASH, Status.OOM})
QUIET = frozenset({Status.UNSUPPORTED, Status.UNAVAILABLE, Status.UNEXECUTED, Status.INAPPLICABLE})


@dataclass(frozen=True)
class Ending:
    """What of a result a baseline remembers."""

    status: Status
    stage: str = ""
    error_class: str = ""


def ending(result: Result) -> Ending:
    if result.status is Status.PASS:
        return Ending(Status.PASS)
    return Ending(result.status, str(result.stage), result.failure.error_class if result.failure else "")


def findings(results: Iterable[Result], baseline: Mapping[str, Ending]) -> list[Result]:
    """Results that are worse than, or differently bad from, what the baseline holds for the case (by case id)."""
    found = []
    for result in results:
        before = baseline.get(result.case.id)
        changed = result.status in BAD and before != ending(result)
        lost = result.status in QUIET and before is not None and before.status is Status.PASS
        if changed or lost:
            found.append(result)
    return found


def mended(results: Iterable[Result], baseline: Mapping[str, Ending]) -> list[Result]:
    """Passes of cases that the baseline holds as bad."""
    return [
        result
        for result in results
        if result.status is Status.PASS and result.case.id in baseline and baseline[result.case.id].status in BAD
    ]


def verified(results: Iterable[tuple[Case, Status]]) -> dict[str, int]:
    """Subjects verified, by platform: every verifying check passed, in the default dtype, with tiny weights."""
    passed: dict[tuple[str, str], set[str]] = {}
    for case, status in results:
        plain = case.dtype == case.default_dtype and case.weights == TINY and not case.options
        if status is Status.PASS and plain:
            passed.setdefault((case.platform, case.subject), set()).add(case.check)
    return dict(collections.Counter(key[0] for key, checks in passed.items() if checks.issuperset(VERIFYING)))


def summary(
    *,
    run: str,
    planned: Sequence[Case],
    executed: int,
    results: Sequence[tuple[Case, Status]],
    found: int,
    reused: int,
    wall_s: float,
    peak_bytes: int,
) -> dict[str, Any]:
    """The object that `archsweep run --json` prints; `results` holds reused ones too."""
    counts = verified(results)
    platforms: dict[str, Any] = {}
    for name in sorted({case.platform for case in planned}):
        ended = collections.Counter(str(status) for case, status in results if case.platform == name)
        platforms[name] = {
            "planned": sum(case.platform == name for case in planned),
            "verified": counts.get(name, 0),
            "by_status": dict(sorted(ended.items())),
        }
    return {
        "run": run,
        "planned": len(planned),
        "executed": executed,
        "verified": counts.get(DEFAULT_PLATFORM, 0),
        "findings": found,
        "by_status": dict(sorted(collections.Counter(str(status) for _, status in results).items())),
        "by_platform": platforms,
        "reused": reused,
        "wall_s": round(wall_s, 2),
        "peak_mb": round(peak_bytes / 2**20),
    }
