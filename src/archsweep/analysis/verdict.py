"""Judges how the checks of one subject ended on one platform: one status, on one evidence. No I/O.

A subject passes only when every verifying check did; what is worse is named, and what never concerned it stands apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from archsweep.analysis.grouping import Ending
from archsweep.contract import Evidence, Status

INCOMPLETE = "incomplete"  # nothing went wrong, but not every verifying check was run

SEVERITY: tuple[str, ...] = (
    Status.FAIL,
    Status.CRASH,
    Status.OOM,
    Status.TIMEOUT,
    Status.ERROR,
    Status.BROKEN,
    Status.UNSUPPORTED,
    Status.UNEXECUTED,
    Status.UNAVAILABLE,
    INCOMPLETE,
    Status.PASS,
)
WEAKNESS: tuple[str, ...] = (
    Evidence.NONE,
    Evidence.PREDICTED,
    Evidence.COMPILER,
    Evidence.EMULATOR,
    Evidence.HARDWARE,
)
SEVERE = {name: place for place, name in enumerate(SEVERITY)}
_WEAK = {name: place for place, name in enumerate(WEAKNESS)}


@dataclass(frozen=True, kw_only=True)
class Present:
    """What is current on the day of reading, so that a cell can say how old it is."""

    today: datetime.date
    versions: Mapping[tuple[str, str], str]  # transformers of each (platform, fingerprint)
    outdated: frozenset[tuple[str, str]] = frozenset()  # those whose transformers is not the current one


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a pattern of endings comes to on a platform."""

    status: str
    evidence: str
    used: tuple[int, ...]  # places of the endings that were looked at
    fingerprints: tuple[str, ...]
    older: bool
    outdated: str  # a transformers that is not current and stands under it, or ""


def judge(
    required: Sequence[str], newest: Mapping[str, str] | None, present: Present | None
) -> Callable[[tuple[Ending, ...], str], Judged]:
    """A function that judges a pattern of endings on a platform, each pattern once."""
    known: dict[tuple[tuple[Ending, ...], str], Judged] = {}

    def known_or_new(endings: tuple[Ending, ...], platform: str) -> Judged:
        found = known.get((endings, platform))
        if found is None:
            found = known[endings, platform] = _looked(endings, platform, required, newest, present)
        return found

    return known_or_new


def _looked(
    endings: tuple[Ending, ...],
    platform: str,
    required: Sequence[str],
    newest: Mapping[str, str] | None,
    present: Present | None,
) -> Judged:
    fresh = [place for place, item in enumerate(endings) if newest is None or newest.get(platform) == item.fingerprint]
    used = fresh or list(range(len(endings)))
    looked = [endings[place] for place in used]
    status = _status({item.check: item.status for item in looked}, required)
    names = sorted({item.fingerprint for item in looked})
    outdated = [] if present is None else [name for name in names if (platform, name) in present.outdated]
    return Judged(
        status=status,
        evidence=weakest(item.evidence for item in looked if status in (item.status, INCOMPLETE)),
        used=tuple(used),
        fingerprints=tuple(names),
        older=not fresh,
        outdated=present.versions[platform, outdated[0]] if present is not None and outdated else "",
    )


def _status(found: Mapping[str, str], required: Sequence[str]) -> str:
    """One status for the checks of a subject; `inapplicable` when it leaves the denominator."""
    live = {check: status for check, status in found.items() if status != Status.INAPPLICABLE}
    if not live:
        return Status.INAPPLICABLE
    worst = min(live.values(), key=SEVERITY.index)
    if worst != Status.PASS:
        return worst
    if any(check not in found for check in required):
        return INCOMPLETE
    return worst if len(live) == len(found) else Status.INAPPLICABLE


def weakest(evidences: Iterable[str]) -> str:
    return min(evidences, key=_WEAK.__getitem__, default=str(Evidence.NONE))
