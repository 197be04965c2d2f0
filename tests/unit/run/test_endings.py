from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import pytest
from making import case, lot, result

from archsweep import errors
from archsweep.contract import Blame, Evidence, Stage, Status
from archsweep.run import endings, worker


@pytest.mark.parametrize(
    ("error", "status", "stage", "error_class"),
    [
        (ValueError("odd"), Status.ERROR, Stage.RUN, "ValueError"),
        (MemoryError(), Status.OOM, Stage.RUN, "MemoryError"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            Status.OOM,
            Stage.RUN,
            "RuntimeError",
        ),
        (errors.Unsupported("no such operator", ("Einsum",)), Status.UNSUPPORTED, Stage.RUN, "Unsupported"),
        (errors.Inapplicable("no such head"), Status.INAPPLICABLE, Stage.RUN, "Inapplicable"),
        (errors.Unavailable("no device", "a driver"), Status.UNAVAILABLE, Stage.RUN, "Unavailable"),
        (errors.ReferenceFault("it wavers"), Status.ERROR, Stage.REFERENCE, "ReferenceFault"),
        (errors.NoRecipe("nothing fits", "build", "KeyError", 7), Status.ERROR, Stage.BUILD, "KeyError"),
        (ModuleNotFoundError("No module named 'natten'", name="natten"), Status.UNAVAILABLE, Stage.RUN, None),
        (ModuleNotFoundError("No module named 'torch.odd'", name="torch.odd"), Status.ERROR, Stage.RUN, None),
        (ImportError("cannot import name 'x'"), Status.ERROR, Stage.RUN, "ImportError"),
    ],
)
def test_an_exception_becomes_status_stage_and_class(
    error: Exception, status: Status, stage: Stage, error_class: str | None
) -> None:
    found_status, found_stage, failure = endings.classify(error, Stage.RUN)
    assert (found_status, found_stage) == (status, stage)
    assert failure.error_class == (error_class or type(error).__name__)
    assert failure.message
    assert type(error).__name__ in failure.traceback


def test_a_missing_package_names_the_pip_command_even_behind_another_error() -> None:
    text = (
        "\nX requires the timm library but it was not found. You can install it with pip:\n`pip install timm`. Restart."
    )
    assert "pip install timm" in endings.classify(ImportError(text), Stage.BUILD)[2].message
    behind = RuntimeError("Could not import module")
    behind.__cause__ = ModuleNotFoundError("No module named 'detectron2'", name="detectron2")
    status, _, failure = endings.classify(behind, Stage.BUILD)
    assert status is Status.UNAVAILABLE
    assert failure.message.endswith("Install: pip install detectron2")


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("pip install -U natten", "natten"),
        ("python -m pip install 'git+https://github.com/a/b.git'", "git+https://github.com/a/b.git"),
        ("pip3 install --upgrade scipy>=1.14", "scipy>=1.14"),
    ],
)
def test_the_pip_command_is_read_from_the_message(command: str, package: str) -> None:
    failure = endings.classify(ImportError(f"please run `{command}`"), Stage.BUILD)[2]
    assert failure.message.endswith(f"Install: pip install {package}")


def test_death_names_the_signal_or_the_exit_code() -> None:
    assert endings.death(int(signal.SIGSEGV))[0] == "SIGSEGV"
    assert endings.death(3 << 8)[0] == "exit 3"


@pytest.mark.parametrize("stage", list(Stage))
def test_evidence_is_the_platforms_only_once_it_was_reached(stage: Stage) -> None:
    ended = endings.result(lot(), case(), Status.ERROR, stage, reached=True, wall_s=0.1)
    early = stage in (Stage.BUILD, Stage.INPUTS, Stage.REFERENCE, Stage.EXPORT)
    assert ended.evidence is (Evidence.NONE if early else Evidence.HARDWARE)
    in_search = endings.result(lot(), case(), Status.ERROR, stage, reached=False, wall_s=0.1)
    assert in_search.evidence is Evidence.NONE
    untried = endings.result(lot(), case(), Status.UNAVAILABLE, stage, reached=True, wall_s=0.1)
    assert untried.evidence is Evidence.NONE


def test_messages_are_one_bounded_line() -> None:
    assert endings.shorten("a\n  b\tc") == "a b c"
    assert len(endings.shorten("x" * 10_000)) == endings.MESSAGE_LIMIT


def test_a_repeated_ending_is_the_other_case_with_the_same_reason() -> None:
    again = endings.repeated(result(Status.ERROR, error_class="KeyError"), case(check="parity"))
    assert again.case.check == "parity"
    assert (again.status, again.failure and again.failure.error_class) == (Status.ERROR, "KeyError")


UPSTREAM = (Blame.UPSTREAM, "openvino")
OURS, NOBODY = (Blame.OURS, None), (None, None)


@pytest.mark.parametrize(
    ("platform", "status", "stage", "graph", "blame"),
    [
        ("openvino", Status.UNSUPPORTED, Stage.COMPILE, True, UPSTREAM),
        ("openvino", Status.CRASH, Stage.RUN, True, UPSTREAM),
        ("openvino", Status.FAIL, Stage.COMPARE, True, UPSTREAM),
        ("openvino", Status.FAIL, Stage.COMPARE, False, OURS),  # no graph that the CPU got right
        ("openvino", Status.UNSUPPORTED, Stage.EXPORT, False, OURS),
        ("openvino", Status.ERROR, Stage.RUN, True, OURS),  # who raised it is not known
        ("openvino", Status.TIMEOUT, Stage.COMPILE, True, OURS),
        ("openvino", Status.PASS, Stage.COMPARE, True, NOBODY),
        ("openvino", Status.UNAVAILABLE, Stage.BUILD, False, NOBODY),
        ("cpu", Status.FAIL, Stage.COMPARE, True, OURS),  # a platform that takes no exported graphs
    ],
)
def test_the_platforms_package_is_to_blame_for_what_the_cpu_gets_right(
    platform: str, status: Status, stage: Stage, graph: bool, blame: tuple[Blame | None, str | None]
) -> None:
    where = dataclasses.replace(lot(), platform=platform)
    ended = endings.result(where, case(), status, stage, reached=True, graph=graph, wall_s=0.1)
    assert (ended.blame, ended.blame_package) == blame


def test_an_error_is_the_packages_where_its_runtime_raised_it() -> None:
    _, _, failure = endings.classify(errors.RuntimeFault("Fail: no memory on the device"), Stage.RUN)
    where = dataclasses.replace(lot(), platform="openvino")
    ended = endings.result(
        where, case(), Status.ERROR, Stage.RUN, reached=True, graph=True, wall_s=0.1, failure=failure
    )
    assert (ended.blame, ended.blame_package) == UPSTREAM


def test_a_graph_counts_once_its_export_is_over(tmp_path: Path) -> None:
    announce = worker.Announcer(tmp_path / worker.STAGE_FILE, home=False)
    announce.begin(0)
    seen = {}
    for stage in (Stage.COMPILE, Stage.EXPORT, Stage.COMPILE, Stage.RUN, Stage.COMPARE):
        announce(stage)
        read = worker.read_stage(tmp_path)
        assert read is not None
        seen[stage] = read.graph
    assert seen == {Stage.COMPILE: True, Stage.EXPORT: False, Stage.RUN: True, Stage.COMPARE: True}
    announce.begin(1)
    again = worker.read_stage(tmp_path)
    assert again is not None
    assert not again.graph
