"""Every platform and every check, as the registry names them: the contract holds, and together they end as they may."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archsweep import registry, settings
from archsweep.archs.selection import Selection
from archsweep.contract import (
    Architecture,
    Capabilities,
    Evidence,
    Modality,
    Priority,
    Result,
    Standing,
    Status,
    Subject,
)
from archsweep.run import plan, sentinels
from archsweep.run.session import Session
from requiring import absent, required

PLATFORMS, CHECKS = registry.names("platforms"), registry.names("checks")
SUBJECT = Subject(
    model_type="bert",
    class_name="BertModel",
    class_module="transformers.models.bert.modeling_bert",
    config_class="transformers.models.bert.configuration_bert:BertConfig",
    is_base=True,
    mappings=("MODEL_MAPPING",),
    family="bert",
    architecture=Architecture.ENCODER_ONLY,
    role="encoder",
    modality=(Modality.TEXT,),
    category="text-encoders",
    tasks=("feature-extraction",),
    priority=Priority.CRITICAL,
    phase=1,
    standing=Standing.STAND_ALONE,
)
MAY_END = {Status.PASS, Status.UNSUPPORTED, Status.UNAVAILABLE, Status.UNEXECUTED, Status.INAPPLICABLE}


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_declares_what_the_contract_asks(name: str) -> None:
    platform = registry.load("platforms", name)
    assert platform.__doc__
    assert platform.title
    assert isinstance(platform.priority, Priority)
    assert isinstance(platform.capabilities, Capabilities)
    assert platform.capabilities.dtypes
    assert callable(platform.probe)
    assert callable(platform.compile)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_that_executes_says_with_what_code(name: str) -> None:
    platform = registry.load("platforms", name)
    if not platform.capabilities.executes:
        pytest.skip(f"{name} executes nothing")
    for language, text in platform.usage({}):
        assert language in ("python", "javascript")
        assert text.strip()


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_declares_what_the_contract_asks(name: str) -> None:
    check = registry.load("checks", name)
    assert check.__doc__
    assert check.question.endswith("?")
    assert "\n" not in check.question
    known = {field.name for field in dataclasses.fields(Capabilities)}
    assert known.issuperset(check.needs)
    reason = check.applies(SUBJECT)
    assert reason is None or reason
    assert callable(check.run)


def test_importing_every_plugin_imports_no_framework() -> None:
    code = (
        "import sys; from archsweep import registry; "
        "[registry.load(kind, name) for kind in registry.KINDS for name in registry.names(kind)]; "
        "h = {'torch', 'transformers', 'duckdb', 'openvino', 'onnxruntime'}; print(sorted(h.intersection(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        with Session() as opened:
            yield opened


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_probe_says_what_is_here_or_what_is_missing(session: Session, name: str) -> None:
    probe = session.ground(name).probe
    if probe.present:
        assert probe.evidence is not Evidence.NONE
        assert probe.device
    else:
        predicts = hasattr(registry.load("platforms", name), "predict")
        assert probe.evidence is (Evidence.PREDICTED if predicts else Evidence.NONE)
        assert probe.reason
        assert "did not answer" not in probe.reason


@pytest.mark.parametrize("name", required())
def test_a_platform_that_has_to_be_here_is_here(session: Session, name: str) -> None:
    probe = session.ground(name).probe
    assert probe.present, f"{probe.reason} {probe.install}"


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_that_is_not_here_is_predicted_or_not_tried(session: Session, name: str, tmp_path: Path) -> None:
    ground = session.ground(name)
    if not plan.predicts(ground):
        pytest.skip(f"{name} is here, or makes no predictions")
    options = plan.Options(selection=Selection(), platforms=(name,), checks=CHECKS, cache=str(tmp_path))
    lots = plan.make_lots(options, "r1", [SUBJECT], [ground])
    results = [result for turn in session.run(lots, [], 2, [ground]) for result in turn.results]
    assert len(results) == len(CHECKS)
    for result in results:
        assert result.status is Status.UNEXECUTED, result.message
        assert result.evidence is Evidence.PREDICTED
        assert result.outlook is not None and result.message


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_check_ends_as_it_may_and_every_sentinel_is_noticed(
    session: Session, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ground = session.ground(name)
    if not ground.probe.present:
        absent(name, ground.probe.reason)
    options = plan.Options(
        selection=Selection(), platforms=(name,), checks=CHECKS, cache=str(tmp_path_factory.mktemp("cache"))
    )
    lots = plan.make_lots(options, "r1", [SUBJECT], [ground])
    aside = plan.make_sentinels(options, "r1", ground)
    results = [result for turn in session.run(lots, aside, 2, [ground]) for result in turn.results]
    own = [result for result in results if not sentinels.is_sentinel(result.case)]
    assert sentinels.faults(result for result in results if sentinels.is_sentinel(result.case)) == {}
    assert sorted(result.case.check for result in own) == sorted(CHECKS)
    for result in own:
        assert result.status in MAY_END, result
        check_evidence(result, ground)


def check_evidence(result: Result, ground: plan.Ground) -> None:
    if result.status is Status.PASS:
        assert result.evidence is ground.probe.evidence
        assert result.device
        assert result.details["digest"]
    assert result.fingerprint == ground.environment.id


def test_spawned_workers_end_as_forked_ones_do(session: Session, tmp_path: Path) -> None:
    digests = []
    with Session(fork=False) as spawning:
        for opened in (session, spawning):
            ground = opened.ground(settings.DEFAULT_PLATFORM)
            options = plan.Options(
                selection=Selection(),
                platforms=(ground.name,),
                checks=("parity",),
                cache=str(tmp_path / str(len(digests))),
            )
            lots = plan.make_lots(options, "r1", [SUBJECT], [ground])
            (result,) = [result for turn in opened.run(lots, [], 1, [ground]) for result in turn.results]
            assert result.status is Status.PASS, result
            digests.append(result.details["digest"])
    assert digests[0] == digests[1]
