"""One sweep from options to outcome: plan, sentinels, lots, results to the keeper, findings. Knows no database."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import archsweep
from archsweep import registry
from archsweep.archs import catalog, chance, overrides, selection, specification_cache
from archsweep.contract import TINY, VERIFYING, Case, Lot, Result, RunEnd, RunRecord, Subject
from archsweep.encoding import encode
from archsweep.errors import EXIT_BROKEN, EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_OK, SettingsError
from archsweep.run import axes, endings, findings, plan, reuse, sentinels
from archsweep.run.findings import Ending
from archsweep.run.keeping import Keeper
from archsweep.run.plan import Ground, Options
from archsweep.run.progress import Progress
from archsweep.run.reuse import Earlier
from archsweep.run.session import Session, resolve_platforms

KEEP_EVERY_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a run is carried out and judged: nothing here changes how a case ends that is run."""

    jobs: int
    quiet: bool = False
    fail_fast: bool = False
    strict: bool = False
    baseline: Mapping[str, Ending] | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a sweep."""

    summary: Mapping[str, Any]
    findings: tuple[Result, ...]
    mended: tuple[Result, ...]
    broken: Mapping[str, Sequence[str]]  # platform -> what its sentinels did
    notes: tuple[str, ...]
    interrupted: bool
    stopped: bool = False  # at the first finding, because that was wanted

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return EXIT_INTERRUPTED
        if self.broken or "broken" in self.summary["by_status"]:
            return EXIT_BROKEN
        return EXIT_FINDINGS if self.findings else EXIT_OK


def validate(options: Options) -> Options:
    """The options with `all` and missing checks filled in. Raises UnknownName, SettingsError; starts nothing."""
    overrides.load()  # a malformed file is said once, here, and not as the ending of every case
    checks = options.checks or VERIFYING
    if "all" in checks:
        checks = tuple(registry.loadable("checks"))
    asked = [registry.load("checks", check) for check in checks]
    able = {
        name: axes.widened(platform.capabilities, *asked) for name, platform in registry.loadable("platforms").items()
    }
    for platform in options.platforms:
        if platform not in ("present", "auto"):
            registry.load("platforms", platform)
    wanted = tuple(able) if {"present", "auto"}.intersection(options.platforms) else options.platforms
    axes.check(options.dtypes, options.chosen, wanted, able)
    if options.only not in (None, *reuse.CHOICES):
        raise SettingsError(f"--only {options.only}: must be one of {', '.join(reuse.CHOICES)}")
    return dataclasses.replace(options, checks=tuple(dict.fromkeys(checks)))


def _named(wanted: Sequence[str]) -> tuple[str, ...]:
    """The platforms that may get lots."""
    return registry.names("platforms") if {"present", "auto"}.intersection(wanted) else tuple(wanted)


def sweep(options: Options, manner: Manner, keeper: Keeper) -> Outcome:
    """Run everything that the options ask for. Raises ArchsweepError before anything is written."""
    began = time.monotonic()
    options = validate(options)
    _make_folder(Path(options.cache))
    cache, trusted = Path(options.cache), options.trust_remote_code
    with contextlib.closing(keeper):
        universe = catalog.kept(cache=cache, imports=options.imports, trust_remote_code=trusted)
        if universe is not None:  # a name that is none is said before anything is started
            selection.choose(universe, options.selection)
        with (
            Progress(quiet=manner.quiet) as progress,
            Session(
                options.imports, trust_remote_code=trusted, platforms=_named(options.platforms), checks=options.checks
            ) as session,
        ):
            progress.stage("starting: torch and transformers are imported, architectures read")
            universe = universe or catalog.load(
                cache=cache, imports=options.imports, trust_remote_code=trusted, scan=session.scan
            )
            subjects = selection.choose(universe, options.selection)
            progress.stage("asking platforms what is here")
            grounds, reason = resolve_platforms(session, options.platforms)
            course = _prepare(options, subjects, grounds, keeper)
            notes = [note for note in (reason, *session.launcher.notes) if note]
            interrupted = _run(course, manner, session, keeper, progress)
        spent = time.monotonic() - began
        return _conclude(course, manner, keeper, notes=notes, interrupted=interrupted, wall_s=spent)


def _make_folder(cache: Path) -> None:
    """Said once, before anything begins, and not as the ending of every case."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise SettingsError(
            f"the cache {cache} cannot be written: {error.strerror}", "Another: --cache FOLDER"
        ) from error


def _run(course: _Course, manner: Manner, session: Session, keeper: Keeper, progress: Progress) -> bool:
    """Carry the course out; returns whether it was interrupted. What has ended by then is with the keeper."""
    with _interruptible() as interrupted:
        progress.plan(len(course.results) + sum(len(lot.cases) for lot in course.lots), course.results)
        _carry_out(course, manner, session, progress=progress, keeper=keeper, interrupted=interrupted)
        _flush(course, keeper)
        return interrupted.is_set()


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a request to terminate sets: looked at between turns, so that no batch is cut in two.

    Who asks a second time is not kept waiting.
    """
    event = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class _Course:
    """The state of a sweep on its way."""

    record: RunRecord
    grounds: list[Ground]
    lots: list[Lot]
    planned: list[Case]
    kept: dict[str, tuple[Case, Earlier]]  # reused endings
    baseline: Mapping[str, Ending]
    results: list[Result] = field(default_factory=list)  # of this run, resumed ones included
    executed: int = 0
    held: dict[str, list[Result]] = field(default_factory=dict)  # until the platform's sentinels have ended
    judged: set[str] = field(default_factory=set)  # platforms whose sentinels have ended
    sentinels: list[Result] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    unkept: list[Result] = field(default_factory=list)
    kept_at: float = 0.0
    peak_bytes: int = 0
    stopped: bool = False


def _prepare(options: Options, subjects: Sequence[Subject], grounds: list[Ground], keeper: Keeper) -> _Course:
    resumed = keeper.resumed()
    if resumed:
        record, done = resumed
    else:
        selected: dict[str, Any] = {"subjects": encode(options.selection), "checks": list(options.checks)}
        selected |= {"weights": options.weights} if options.weights != TINY else {}
        settings = {
            "selection": selected,
            "platforms": [ground.name for ground in grounds],
            "options": encode(options),
        }
        record = RunRecord(run=new_run(), started_at=endings.now(), version=archsweep.__version__, settings=settings)
        done = {}
    lots = _leaving(plan.make_lots(options, record.run, subjects, grounds), options)
    planned = [case for lot in lots for case in lot.cases]
    earlier = keeper.earlier() if options.only else {}
    lots, kept = reuse.restrict(plan.without(lots, done), options.only, earlier)
    if options.only == "failed":
        planned = [outcome.case for outcome in done.values()] + [case for lot in lots for case in lot.cases]
        kept = {}
    if not resumed:  # how far a sweep is, those who look on can only say if it says how far it goes
        count = sum(len(lot.cases) for lot in lots)
        record = dataclasses.replace(record, settings={**record.settings, "planned": count})
    lots = plan.heaviest_first(lots, keeper.durations())
    baseline = keeper.previous(record) or {}
    reused = [before for _, before in kept.values()]
    keeper.begin(record, [ground.environment for ground in grounds], subjects, reused)
    course = _Course(record=record, grounds=grounds, lots=lots, planned=planned, kept=kept, baseline=baseline)
    course.results.extend(done.values())
    return course


def _leaving(lots: Sequence[Lot], options: Options) -> list[Lot]:
    """The lots, told where to leave what is found of tiny models, so that `generate` need not search again."""
    place = specification_cache.folder(
        Path(options.cache), options.imports, trust_remote_code=options.trust_remote_code
    )
    leaves = str(place), chance.words()
    return [dataclasses.replace(lot, leaves=leaves) for lot in lots]


def _carry_out(
    course: _Course,
    manner: Manner,
    session: Session,
    *,
    progress: Progress,
    keeper: Keeper,
    interrupted: threading.Event,
) -> None:
    options = plan.decode_options(course.record.settings["options"])
    present = [ground for ground in course.grounds if ground.probe.present]
    predicted = [ground for ground in course.grounds if ground not in present and plan.predicts(ground)]
    for ground in course.grounds:
        if ground not in present:
            course.judged.add(ground.name)  # it executes nothing, so it has no sentinels
        if ground not in (*present, *predicted):
            lots = [lot for lot in course.lots if lot.platform == ground.name]
            _take(course, plan.unavailable(lots, ground), progress)
    names = {ground.name for ground in (*present, *predicted)}
    lots = [lot for lot in course.lots if lot.platform in names]
    aside = (
        [lot for ground in present for lot in plan.make_sentinels(options, course.record.run, ground)] if lots else []
    )
    baseline = _baseline(course, manner)
    for turn in session.run(lots, aside, manner.jobs, course.grounds):
        course.peak_bytes = max(course.peak_bytes, turn.peak_bytes)
        taken = _take(course, turn.results, progress)
        progress.show(turn)
        if time.monotonic() - course.kept_at > KEEP_EVERY_S:
            _flush(course, keeper)
        course.stopped = manner.fail_fast and bool(findings.findings(taken, baseline))
        if interrupted.is_set() or course.stopped:
            return


def _take(course: _Course, results: Iterable[Result], progress: Progress) -> list[Result]:
    """Results on their way to the keeper; those of a platform wait until its sentinels have ended."""
    for result in results:
        if sentinels.is_sentinel(result.case):
            course.sentinels.append(result)
            _judge(course, result.case.platform)
        else:
            course.held.setdefault(result.case.platform, []).append(result)
    taken = []
    for platform in course.judged.intersection(course.held):
        taken += [sentinels.believed(result, course.broken.get(platform, ())) for result in course.held.pop(platform)]
    course.results += taken
    course.unkept += taken
    course.executed += len(taken)
    progress.add(taken)
    return taken


def _judge(course: _Course, platform: str) -> None:
    own = [result for result in course.sentinels if result.case.platform == platform]
    if len(own) == len(sentinels.EXPECTED):
        course.judged.add(platform)
        course.broken.update(sentinels.faults(own))


def _flush(course: _Course, keeper: Keeper) -> None:
    if course.unkept:
        keeper.add(course.unkept)
        course.unkept = []
    course.kept_at = time.monotonic()


def _baseline(course: _Course, manner: Manner) -> Mapping[str, Ending]:
    if manner.strict:
        return {}
    return course.baseline if manner.baseline is None else manner.baseline


def _conclude(
    course: _Course, manner: Manner, keeper: Keeper, *, notes: Sequence[str], interrupted: bool, wall_s: float
) -> Outcome:
    baseline = _baseline(course, manner)
    reused = [reuse.as_result(case, before) for case, before in course.kept.values()]
    found = findings.findings([*course.results, *reused], baseline)
    ended = [(result.case, result.status) for result in course.results] + [
        (case, before.status) for case, before in course.kept.values()
    ]
    summary = findings.summary(
        run=course.record.run,
        planned=course.planned,
        executed=course.executed,
        results=ended,
        found=len(found),
        reused=len(course.kept),
        wall_s=wall_s,
        peak_bytes=course.peak_bytes,
    )
    if not interrupted and not course.stopped:
        keeper.end(RunEnd(run=course.record.run, finished_at=endings.now(), summary=summary))
    return Outcome(
        summary=summary,
        findings=tuple(found),
        mended=tuple(findings.mended(course.results, baseline)),
        broken=course.broken,
        notes=tuple(notes),
        interrupted=interrupted,
        stopped=course.stopped,
    )


def new_run() -> str:
    """A name that sorts by time and is never given twice."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
