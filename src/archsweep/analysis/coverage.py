"""How much of the universe is generated, executed and verified: judged from stored results, never from files.

The denominator is what transformers has. A model type is *generated* when a run collected its generated test file and
kept results of it, *executed* on a platform when its base class ran there to an answer, *verified* when every verifying
check passed there with tiny weights in the platform's default dtype. What is unavailable or unexecuted is neither.
Rows in, rows out; no I/O.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from archsweep.contract import PLANTING, TINY, VERIFYING, Evidence, Status
from archsweep.settings import DEFAULT_PLATFORM

Row = Mapping[str, Any]
RAN = frozenset({Status.PASS, Status.FAIL})
REAL = frozenset({Evidence.HARDWARE, Evidence.EMULATOR})


class Criterion(StrEnum):
    """What makes an architecture complete."""

    COLLECTS = "its test file compiles and is collected"
    RUNS = "it runs with the default model"
    DEVICE = "it says on which device"
    ERRORS = "planted faults are reported"
    CI = "it is part of the CI workflow"


class Judged(StrEnum):
    YES = "yes"
    NO = "no"
    NOT = "not judged"


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What stored results say of one model type."""

    model_type: str
    family: str
    category: str
    architecture: str
    phase: int
    criteria: Mapping[Criterion, Judged]
    generated: bool
    executed: tuple[str, ...]  # platforms
    verified: tuple[str, ...]
    reason: str = ""  # why it is not verified on the default platform

    @property
    def complete(self) -> bool:
        """Whether every criterion that can be judged is met."""
        return Judged.NO not in self.criteria.values()


@dataclass(frozen=True, kw_only=True)
class Count:
    """One line of a table of model types."""

    name: str
    total: int
    generated: int
    executed: int
    verified: int
    complete: int


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One check on one platform, over all mapped classes."""

    check: str
    platform: str
    total: int
    applicable: int
    verified: int
    inapplicable: int


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The whole picture, under one release of transformers. `older`: cells under others, which count for nothing."""

    transformers_version: str
    architectures: tuple[Completion, ...]
    checks: tuple[Checked, ...]
    platforms: tuple[str, ...]
    older: int = 0
    absent: Mapping[str, str] = field(default_factory=dict)  # of the roadmap, and in no transformers: why

    @property
    def whole(self) -> Count:
        return counted("all", self.architectures)

    @property
    def percent(self) -> float:
        """Verified model types in hundredths of all, on the default platform."""
        return 100 * self.whole.verified / max(1, self.whole.total)


def covered(
    subjects: Iterable[Row], cells: Iterable[Row], collected: Iterable[Row], transformers_version: str,
    absent: Mapping[str, str] | None = None,
) -> Coverage:  # fmt: skip
    """`subjects`: the mapped classes of the installed transformers; `cells`: the current rows of the database;
    `collected`: of each run of generated files, the `families` of its `files` and the `model_types` of its results."""
    known = list(subjects)
    rows = list(cells)
    fresh = [row for row in rows if row["transformers_version"] == transformers_version]
    current = [row for row in fresh if _plain(row)]
    by_type, real = _by_type(current), _by_type(row for row in fresh if row["weights"] != TINY and _usual(row))
    generated = {
        (family, model_type) for run in collected for family in run["families"] for model_type in run["model_types"]
    }
    bases = [subject for subject in known if subject["is_base"]]
    return Coverage(
        transformers_version=transformers_version,
        architectures=tuple(
            _completion(base, by_type[base["model_type"]], real[base["model_type"]], generated) for base in bases
        ),
        checks=tuple(_checks(current, len(known))),
        platforms=tuple(sorted({row["platform"] for row in current})),
        older=sum(row["transformers_version"] != transformers_version for row in rows),
        absent=dict(absent or {}),
    )


def _by_type(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["model_type"]].append(row)
    return found


def _plain(row: Row) -> bool:
    """Whether a cell is of tiny weights, in the default dtype, without options."""
    return row["weights"] == TINY and _usual(row)


def _usual(row: Row) -> bool:
    return row["dtype"] == row["default_dtype"] and row["options"] in ("{}", "", None)


def _completion(base: Row, rows: Sequence[Row], real: Sequence[Row], generated: set[tuple[str, str]]) -> Completion:
    own = [row for row in rows if row["class_name"] == base["class_name"]]
    places = sorted({row["platform"] for row in own})
    verified = tuple(place for place in places if _verified(own, place))
    executed = tuple(place for place in places if any(_ran(row) for row in own if row["platform"] == place))
    ran = [row for row in own if _ran(row)]
    collects = (base["family"], base["model_type"]) in generated
    planted = [row for row in own if row["check"] in PLANTING]
    return Completion(
        model_type=base["model_type"], family=base["family"], category=base["category"], phase=base["phase"],
        architecture=base["architecture"], generated=collects, executed=executed, verified=verified,
        reason="" if DEFAULT_PLATFORM in verified else _reason(own),
        criteria={
            Criterion.COLLECTS: _judged(collects),
            Criterion.RUNS: _judged(DEFAULT_PLATFORM in verified and not any(map(_wrong, real))),
            Criterion.DEVICE: _judged(bool(ran) and all(row["device"] for row in ran)),
            Criterion.ERRORS: _judged(any(row["status"] == Status.PASS for row in planted)),
            Criterion.CI: Judged.NOT,
        },
    )  # fmt: skip


def _judged(met: bool) -> Judged:
    return Judged.YES if met else Judged.NO


def _ran(row: Row) -> bool:
    return row["check"] in VERIFYING and row["status"] in RAN and row["evidence"] in REAL


def _wrong(row: Row) -> bool:
    """Whether real weights were at hand, and a verifying check did not pass with them."""
    untried = (Status.PASS, Status.UNAVAILABLE, Status.INAPPLICABLE, Status.UNEXECUTED)
    return row["platform"] == DEFAULT_PLATFORM and row["check"] in VERIFYING and row["status"] not in untried


def _verified(rows: Sequence[Row], platform: str) -> bool:
    passed = {row["check"] for row in rows if row["platform"] == platform and row["status"] == Status.PASS}
    return passed.issuperset(VERIFYING)


def _reason(rows: Sequence[Row]) -> str:
    """How the first verifying check that is no pass ended on the default platform."""
    own = {row["check"]: row for row in rows if row["platform"] == DEFAULT_PLATFORM}
    for check in VERIFYING:
        if check not in own:
            return "not tried"
        if own[check]["status"] != Status.PASS:
            return f"{own[check]['status']} at {own[check]['stage']}: {own[check]['message']}"
    return ""


def _checks(rows: Sequence[Row], total: int) -> Iterable[Checked]:
    """Of each check and platform: how many classes it concerns, and how many pass; what was not tried is none."""
    places = sorted({(row["check"], row["platform"]) for row in rows})
    for check, platform in places:
        ended = Counter(row["status"] for row in rows if (row["check"], row["platform"]) == (check, platform))
        apart = ended[Status.INAPPLICABLE] + ended[Status.UNAVAILABLE] + ended[Status.UNEXECUTED]
        yield Checked(
            check=check, platform=platform, total=total, applicable=sum(ended.values()) - apart,
            verified=ended[Status.PASS], inapplicable=ended[Status.INAPPLICABLE],
        )  # fmt: skip


def counted(name: str, items: Iterable[Completion], platform: str = DEFAULT_PLATFORM) -> Count:
    """How many of some architectures are generated, and executed and verified on a platform."""
    chosen = list(items)
    return Count(
        name=name, total=len(chosen), generated=sum(item.generated for item in chosen),
        executed=sum(platform in item.executed for item in chosen),
        verified=sum(platform in item.verified for item in chosen), complete=sum(item.complete for item in chosen),
    )  # fmt: skip


def by(coverage: Coverage, key: Callable[[Completion], str | int]) -> list[Count]:
    """A line for each value of `key`, in its order."""
    groups: dict[str | int, list[Completion]] = {}
    for item in coverage.architectures:
        groups.setdefault(key(item), []).append(item)
    return [counted(str(name), items) for name, items in sorted(groups.items(), key=lambda pair: str(pair[0]))]


def by_platform(coverage: Coverage) -> list[Count]:
    """A line for each platform that has results."""
    return [counted(name, coverage.architectures, name) for name in coverage.platforms]


def met(coverage: Coverage) -> dict[Criterion, tuple[int, int]]:
    """Of each criterion: how many architectures meet it, and for how many it was judged."""
    return {
        criterion: (
            sum(item.criteria[criterion] is Judged.YES for item in coverage.architectures),
            sum(item.criteria[criterion] is not Judged.NOT for item in coverage.architectures),
        )
        for criterion in Criterion
    }
