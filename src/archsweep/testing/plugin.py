"""The pytest plugin of generated test files: options, one test a case, a session of workers, results kept.

Touches no test but those that ask for the fixture `archsweep_case`.
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archsweep import registry, settings
from archsweep.errors import ArchsweepError
from archsweep.testing.planning import Asked, Planned, planned

if TYPE_CHECKING:
    from archsweep.contract import RunRecord
    from archsweep.run.findings import Ending
    from archsweep.testing.case import Case
    from archsweep.testing.running import Runner
    from archsweep.testing.saving import Saver

FIXTURE, DATA = "archsweep_case", "ARCHITECTURES"
ASKED = ("--platform", "--all-platforms", "--check", "--checkpoint")
FLAGS = (*ASKED, "--baseline", "--save-results")
HANDED = "archsweep"  # what the first process hands to the others
WHOLE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)  # of a run that nothing has cut short, but perhaps -x


@dataclass
class State:
    """What one process of pytest holds."""

    asked: Asked
    baseline: Mapping[str, Ending]
    runner: Runner
    saver: Saver
    begun: RunRecord
    journals: Path | None = None  # where the first process finds what all have kept
    database: Path | None = None


_STATE = pytest.StashKey[State]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("archsweep", "archsweep: generated tests of architectures")
    group.addoption("--platform", action="append", default=[], metavar="NAME", help="where to run; default: cpu")
    group.addoption(
        "--all-platforms", action="store_true", help="on every platform; those that are not here are skipped"
    )
    group.addoption(
        "--check",
        action="append",
        default=[],
        metavar="NAME",
        help="what to ask instead of what the files state; all: every check",
    )
    group.addoption("--checkpoint", metavar="ID_OR_PATH", help="real weights: a folder, or an id in the hub's cache")
    group.addoption("--baseline", metavar="FOLDER", help="failures that `archsweep accept` wrote down are expected")
    group.addoption("--save-results", metavar="DB", help="keep the results in this database of archsweep")


def pytest_sessionstart(session: pytest.Session) -> None:
    """What is wrong with a flag is said before anything is collected."""
    if any(session.config.getoption(flag) not in (None, False, []) for flag in FLAGS):
        _state(session.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if FIXTURE not in metafunc.fixturenames:
        return
    architectures = getattr(metafunc.module, DATA, ())
    cases = list(planned(architectures, _state(metafunc.config).asked))
    metafunc.parametrize(FIXTURE, cases, ids=[item.case.id for item in cases], indirect=True)


@pytest.fixture
def archsweep_case(request: pytest.FixtureRequest) -> Case:
    """The case of a generated test: `archsweep_case.verify()` runs and judges it."""
    from archsweep.encoding import encode
    from archsweep.testing.case import Case

    state = _state(request.config)
    tell = functools.partial(_tell, request.node)
    asked = encode(state.runner.options)
    return Case(
        planned=request.param, result=_result(state), tell=tell, baseline=state.baseline, asked=asked,
        again=_again(request.node),
    )  # fmt: skip


def _again(node: pytest.Item) -> str:
    """The shell command that runs this test again, as it was asked, from where pytest was called."""
    config = node.config
    place = os.path.relpath(node.path, config.invocation_params.dir)
    words = ["pytest", "::".join([Path(place).as_posix(), *node.nodeid.split("::")[1:]])]
    for flag in ASKED:
        value = config.getoption(flag)
        given = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        words += [flag] if value is True else [f"{flag}={text}" for text in given]
    return shlex.join(words)


def _tell(node: pytest.Item, name: str, text: str) -> None:
    node.user_properties.append((name, text))


def _result(state: State) -> Any:
    def result(item: Planned) -> Any:
        try:
            return state.runner.result(item)
        except ArchsweepError as error:
            pytest.fail(str(error), pytrace=False)

    return result


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is to be run of each lot, once all that is deselected has gone."""
    parametrized = [_parameters(item).get(FIXTURE) for item in session.items]
    found = [case for case in parametrized if isinstance(case, Planned)]  # pytest's own mark: of a file without cases
    if not found:
        return
    lots: dict[str, list[Planned]] = {}
    for case in found:
        lots.setdefault(case.lot, []).append(case)
    _state(session.config).runner.lots = lots


def _parameters(item: Any) -> Mapping[str, Any]:
    spec = getattr(item, "callspec", None)
    return spec.params if spec is not None else {}


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    state = session.config.stash.get(_STATE, None)
    if state is None:
        return
    state.runner.close()
    state.saver.close()
    if state.database is not None and state.journals is not None:
        from archsweep.testing import saving

        files = {Path(str(item.path)) for item in session.items if FIXTURE in _parameters(item)}
        whole = exitstatus in WHOLE and not (session.shouldfail or session.shouldstop)
        try:
            saving.store(state.database, state.journals, state.begun, files or _generated(session.config), whole=whole)
        except ArchsweepError as error:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            told = f"{error}\nThe results wait in {state.journals}: archsweep import {state.journals}/*.jsonl"
            session.config.get_terminal_writer().line(f"\narchsweep: {told}")


def pytest_unconfigure(config: pytest.Config) -> None:
    state = config.stash.get(_STATE, None)
    if state is not None:
        state.runner.close()
        state.saver.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Each process that pytest-xdist starts belongs to the run of the first one."""
    if not node.config.getoption("--save-results"):
        return
    from archsweep.testing import saving

    state = _state(node.config)
    node.workerinput[HANDED] = {"run": saving.told(state.begun), "journals": str(state.journals)}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Cases of one lot go to one process, which builds their model once; other tests are spread as ever."""
    if config.getoption("dist") != "load" or not _generated(config):
        return None
    from xdist.scheduler import LoadScopeScheduling

    class LotScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return lot_of(nodeid)

    return LotScheduling(config, log)


def lot_of(nodeid: str) -> str:
    """`…[bert/BertModel:cpu:parity]` without its check; another test's whole id."""
    name, bracket, case = nodeid.partition("[")
    subject, _, rest = case.partition(":")
    platform = rest.partition(":")[0]
    return f"{name}[{subject}:{platform}" if bracket and "/" in subject and platform else nodeid


def _generated(config: pytest.Config) -> list[Path]:
    """The generated files among what pytest was given."""
    places = [Path(str(config.invocation_params.dir), argument.partition("::")[0]) for argument in config.args]
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("test_*.py")))]
    return [path for path in files if _is_generated(path)]


def _is_generated(path: Path) -> bool:
    from archsweep.render.pytest_files import is_ours

    return is_ours(path.read_text(encoding="utf-8", errors="replace"))


def _state(config: pytest.Config) -> State:
    """What this process holds, made when the first generated test is met. Raises pytest.UsageError."""
    if config.stash.get(_STATE, None) is None:
        try:
            config.stash[_STATE] = _made(config)
        except ArchsweepError as error:
            raise pytest.UsageError(str(error)) from error
    return config.stash[_STATE]


def _made(config: pytest.Config) -> State:
    from archsweep.run import baseline
    from archsweep.run.plan import Options
    from archsweep.run.sweep import new_run, validate
    from archsweep.testing import running, saving

    database, accepted = _given(config, "--save-results"), _given(config, "--baseline")
    expected = baseline.read(Path(accepted)) if accepted else {}
    known = {name: item.value for name, item in settings.load().items()}
    weights = _weights(config, known["cache"])
    asked = Asked(platforms=_platforms(config), checks=_listed(config, "--check"), **weights)
    from archsweep.archs.selection import Selection

    options = Options(
        selection=Selection(), platforms=asked.platforms, checks=asked.checks, imports=known["imports"],
        timeout_s=known["timeout"], memory_bytes=known["memory"], cache=str(known["cache"].absolute()),
        checkpoint=asked.folder, weights=asked.weights,
    )  # fmt: skip
    options = validate(options)
    if asked.checks:
        asked = Asked(platforms=asked.platforms, checks=_usual(asked.checks, options.checks), **weights)
    handed = getattr(config, "workerinput", {}).get(HANDED)
    begun = saving.heard(handed["run"]) if handed else saving.record(new_run(), options)
    journals = Path(handed["journals"]) if handed else None
    if database and not handed:
        journals = saving.folder(Path(database).absolute(), begun.run)
    name = getattr(config, "workerinput", {}).get("workerid", "main")
    saver = saving.Saver(journals / f"{name}.jsonl" if journals else None, begun)
    return State(
        asked=asked, saver=saver, begun=begun, journals=journals,
        runner=running.Runner(options, begun.run, saver.keep),
        baseline=expected,
        database=Path(database).absolute() if database and not handed else None,
    )  # fmt: skip


def _usual(given: Iterable[str], all_checks: tuple[str, ...]) -> tuple[str, ...]:
    """The checks that were asked for; `all` leaves out those that are only asked by name."""
    given = tuple(given)
    if "all" not in given:
        return given
    return tuple(
        name for name in all_checks if name in given or not getattr(registry.load("checks", name), "costly", False)
    )


def _weights(config: pytest.Config, cache: Path) -> dict[str, str]:
    from archsweep.testing import running

    what = _given(config, "--checkpoint")
    if what is None:
        return {}
    name, subject, folder = running.checkpoint(what, cache)
    return {"weights": name, "subject": subject, "folder": folder}


def _platforms(config: pytest.Config) -> tuple[str, ...]:
    if config.getoption("--all-platforms"):
        return registry.names("platforms")
    named = _listed(config, "--platform")
    for name in named:
        registry.load("platforms", name)
    return named or (settings.DEFAULT_PLATFORM,)


def _given(config: pytest.Config, flag: str) -> str | None:
    """The value of a flag; None where it was not given. Raises pytest.UsageError where it names nothing."""
    given: str | None = config.getoption(flag)
    if given is not None and not given.strip():
        raise pytest.UsageError(f"{flag} is empty. Leave it out if you do not want it.")
    return given


def _listed(config: pytest.Config, flag: str) -> tuple[str, ...]:
    """The values of a flag, which may be repeated, and have commas. Raises pytest.UsageError where it names nothing."""
    given = config.getoption(flag)
    found = tuple(dict.fromkeys(name.strip() for value in given for name in value.split(",") if name.strip()))
    if given and not found:
        raise pytest.UsageError(f"{flag} is empty. Leave it out if you do not want to choose.")
    return found
