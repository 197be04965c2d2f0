"""From subjects, platforms and checks to lots, heaviest first. Pure: starts nothing, reads nothing."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep import registry
from archsweep.archs.selection import Selection
from archsweep.contract import (
    TINY,
    Capabilities,
    Case,
    Environment,
    Evidence,
    Lot,
    Probe,
    Result,
    Stage,
    Status,
    Subject,
)
from archsweep.encoding import decode
from archsweep.errors import with_install
from archsweep.run import axes, endings, sentinels
from archsweep.settings import DEFAULT_PLATFORM

PRETRAINED = "pretrained"
LATEST = "main"  # the revision that is asked for; the details of a result name the commit that came


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run was asked for: everything that decides which cases it plans and how they end."""

    selection: Selection
    platforms: tuple[str, ...]
    checks: tuple[str, ...]
    dtypes: tuple[str, ...] = ()  # none: each platform's default
    chosen: axes.Chosen = ()  # options of the platforms and of the checks
    imports: tuple[str, ...] = ()
    trust_remote_code: bool = False
    timeout_s: float = 120.0
    memory_bytes: int = 3 * 2**30
    rules_alone: bool = False
    only: str | None = None
    cache: str = ""
    checkpoint: str = ""  # the folder of real weights, of the one class that is selected
    weights: str = TINY  # what a case calls them; PRETRAINED: each type's default checkpoint, by its own name


def decode_options(value: Any) -> Options:
    """The options of a run as its record holds them."""
    return decode(Options, value)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A platform as this machine has it."""

    name: str
    capabilities: Capabilities
    probe: Probe
    environment: Environment


def make_lots(options: Options, run: str, subjects: Sequence[Subject], grounds: Iterable[Ground]) -> list[Lot]:
    """One lot for each subject on each platform, with a case for each dtype, choice of options and check."""
    return [
        _lot(options, run, ground, subject, cases=_cases(options, ground, subject))
        for ground in grounds
        for subject in subjects
        if ground.name == DEFAULT_PLATFORM or subject.is_base or _named(options.selection)
    ]


def make_sentinels(options: Options, run: str, ground: Ground) -> list[Lot]:
    """The three sentinels of a platform."""
    made = []
    for subject, case, deadline in sentinels.cases(ground.name, ground.capabilities.dtypes[0]):
        lot = _lot(options, run, ground, subject, cases=(case,), timeout_s=deadline or 0.0)
        made.append(lot)
    return made


def _named(selection: Selection) -> bool:
    """Whether the user named subjects; otherwise platforms other than the default take the base types only."""
    return bool(selection.models or selection.families or selection.classes or selection.exported)


def _cases(options: Options, ground: Ground, subject: Subject) -> tuple[Case, ...]:
    variants = {
        check: axes.variants(
            options.dtypes, options.chosen, axes.widened(ground.capabilities, registry.load("checks", check))
        )
        for check in options.checks
    }
    return tuple(
        Case(
            subject=subject.id,
            platform=ground.name,
            check=check,
            dtype=dtype,
            default_dtype=ground.capabilities.dtypes[0],
            weights=_weights(options, subject),
            options=chosen,
        )
        for dtype, chosen in dict.fromkeys(itertools.chain.from_iterable(variants.values()))
        for check in options.checks
        if (dtype, chosen) in variants[check]
    )


def _weights(options: Options, subject: Subject) -> str:
    """What the subject's cases call their weights; PRETRAINED itself where no checkpoint is known."""
    if options.weights != PRETRAINED or not subject.checkpoint:
        return options.weights
    return f"{subject.checkpoint}@{LATEST}"


def _lot(
    options: Options,
    run: str,
    ground: Ground,
    subject: Subject,
    *,
    cases: tuple[Case, ...],
    timeout_s: float = 0.0,
) -> Lot:
    return Lot(
        id=f"{subject.id}:{ground.name}",
        subject=subject,
        platform=ground.name,
        cases=cases,
        run=run,
        fingerprint=ground.environment.id,
        evidence=ground.probe.evidence,
        timeout_s=timeout_s or options.timeout_s,
        memory_bytes=options.memory_bytes,
        folder="",
        cache=options.cache,
        rules_alone=options.rules_alone,
        checkpoint=options.checkpoint or (subject.checkpoint or "" if options.weights == PRETRAINED else ""),
    )


def without(lots: Iterable[Lot], done: Collection[str]) -> list[Lot]:
    """The lots less the cases in `done` (case ids), and less those that have none left."""
    left = []
    for lot in lots:
        cases = tuple(case for case in lot.cases if case.id not in done)
        if cases:
            left.append(dataclasses.replace(lot, cases=cases))
    return left


def heaviest_first(lots: Sequence[Lot], durations: Mapping[str, float]) -> list[Lot]:
    """By recorded seconds of their cases (by case id); what was never timed counts as the median, in given order."""
    if not durations:
        return list(lots)
    typical = statistics.median(durations.values())
    weights = {lot.id: sum(durations.get(case.id, typical) for case in lot.cases) for lot in lots}
    return sorted(lots, key=lambda lot: -weights[lot.id])


def predicts(ground: Ground) -> bool:
    """Whether a platform that is not here says all the same what it would probably do."""
    return not ground.probe.present and ground.probe.evidence is Evidence.PREDICTED


def unavailable(lots: Iterable[Lot], ground: Ground) -> list[Result]:
    """The endings of all cases on a platform that is not here: not tried."""
    message = with_install(ground.probe.reason, ground.probe.install)
    return [
        endings.result(lot, case, Status.UNAVAILABLE, Stage.BUILD, reached=False, wall_s=0.0, message=message)
        for lot in lots
        for case in lot.cases
    ]
