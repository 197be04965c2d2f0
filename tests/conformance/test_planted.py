"""Platforms that take exported graphs, for real, with faults planted in them: each ends as it must, and names itself.

One sweep over all of them that are here. ARCHSWEEP_REQUIRE (names, by comma) makes the absence of a platform a failure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from archsweep import registry
from archsweep.archs.selection import Selection
from archsweep.contract import Blame, Result, Stage, Status
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper
from archsweep.run.plan import Options
from archsweep.run.sweep import Manner, Outcome, sweep

HERE = Path(__file__).parent
TAKING = [name for name in registry.names("platforms") if hasattr(registry.load("platforms", name), "package")]
TYPES = ("planted_nothing", "planted_wrong", "planted_refused", "planted_crash_compiling", "planted_crash_running")


def swept(folder: Path, platforms: tuple[str, ...], models: tuple[str, ...]) -> tuple[Outcome, dict[str, Result]]:
    options = Options(
        selection=Selection(models=models), platforms=platforms, checks=("forward", "parity"), imports=("planting",),
        cache=str(folder / "cache"),
    )  # fmt: skip
    outcome = sweep(options, Manner(jobs=2, quiet=True), JournalKeeper(folder / "run.jsonl"))
    return outcome, journal.read_results(folder / "run.jsonl")


@pytest.fixture(scope="module", autouse=True)
def planted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE), prepend=":")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def ended(planted: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, dict[str, Result]]:
    return swept(tmp_path_factory.mktemp("planted"), tuple(TAKING), TYPES)


def ending(ended: tuple[Outcome, dict[str, Result]], platform: str, model_type: str, check: str = "parity") -> Result:
    found = [
        result
        for result in ended[1].values()
        if result.case.subject.startswith(f"{model_type}/")
        and (result.case.platform, result.case.check) == (platform, check)
    ]
    assert len(found) == 1
    if found[0].status is Status.UNAVAILABLE:
        if platform in os.environ.get("ARCHSWEEP_REQUIRE", "").split(","):
            pytest.fail(f"{platform} is required: {found[0].message}")
        pytest.skip(f"{platform}: {found[0].message}")
    return found[0]


@pytest.mark.parametrize("platform", TAKING)
def test_nothing_planted_passes(ended: tuple[Outcome, dict[str, Result]], platform: str) -> None:
    for check in ("forward", "parity"):
        result = ending(ended, platform, "planted_nothing", check)
        assert result.status is Status.PASS, result
        assert result.device


@pytest.mark.parametrize("platform", TAKING)
def test_an_operator_that_is_wrong_by_one_percent_fails(
    ended: tuple[Outcome, dict[str, Result]], platform: str
) -> None:
    result = ending(ended, platform, "planted_wrong")
    assert (result.status, result.stage) == (Status.FAIL, Stage.COMPARE), result
    told = re.search(r"relative error ([\d.e-]+)", result.message)
    assert told and 0.008 < float(told[1]) < 0.012, result.message
    package = registry.load("platforms", platform).package
    assert (result.blame, result.blame_package) == (Blame.UPSTREAM, package)
    assert ending(ended, platform, "planted_wrong", "forward").status is Status.PASS


@pytest.mark.parametrize("platform", TAKING)
def test_an_operator_that_is_left_to_another_device_is_unsupported_and_named(
    ended: tuple[Outcome, dict[str, Result]], platform: str
) -> None:
    for check in ("forward", "parity"):
        result = ending(ended, platform, "planted_refused", check)
        assert result.status is Status.UNSUPPORTED, result
        assert result.failure is not None
        assert any("Det" in name for name in result.failure.operators), result
        assert result.blame is Blame.UPSTREAM


@pytest.mark.parametrize("platform", TAKING)
@pytest.mark.parametrize(("model_type", "stage"), [("compiling", Stage.COMPILE), ("running", Stage.RUN)])
def test_a_crash_says_where_and_the_rest_goes_on(
    ended: tuple[Outcome, dict[str, Result]], platform: str, model_type: str, stage: Stage
) -> None:
    for check in ("forward", "parity"):
        result = ending(ended, platform, f"planted_crash_{model_type}", check)
        assert (result.status, result.stage) == (Status.CRASH, stage), result
        assert result.failure is not None
        assert result.failure.error_class == "SIGSEGV"
    assert len(ended[1]) == len(TAKING) * len(TYPES) * 2
