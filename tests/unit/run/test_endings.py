from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import pytest
from making import case, lot, result

from archsweep import errors
from archsweep.contract import Blame, Evidence, Failure, Stage, Status
from archsweep.run import endings, worker


def test_a_sentence_ends_once_before_the_command_that_mends_it() -> None:
    assert str(errors.Unavailable("no device.", "a driver")) == "no device. Install: a driver"
    error = ImportError("Natten needs an installation. pip install natten.")
    assert ".. Install" not in endings.classify(error, Stage.RUN)[2].message


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
    plain = ImportError("Pandas is required for the tokenizer.")
    assert endings.classify(plain, Stage.BUILD)[2].message.endswith("Install: pip install Pandas")
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


@pytest.mark.parametrize(("error_class", "blame"), [("SIGSEGV", UPSTREAM), ("exit 3", UPSTREAM), ("SIGKILL", OURS),
                                                    ("SIGTERM", OURS)])  # fmt: skip
def test_a_signal_that_others_send_proves_nothing(error_class: str, blame: tuple[Blame, str | None]) -> None:
    where = dataclasses.replace(lot(), platform="openvino")
    failure = Failure(error_class=error_class, message=f"the worker was killed by {error_class}")
    ended = endings.result(
        where, case(), Status.CRASH, Stage.RUN, reached=True, graph=True, wall_s=0.1, failure=failure
    )
    assert (ended.blame, ended.blame_package) == blame


NO_MEMORY = (
    "[E:onnxruntime] RuntimeException: BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer",
    "Error: out of memory",
    "Exception from src/inference/src/cpp/core.cpp:109: Check failed: out of memory",
    "std::bad_alloc",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "CUDA out of memory. Tried to allocate 20.00 MiB",
)
MISNAMED = (
    "Failed to finalize QNN graph. Error: QNN_COMMON_ERROR_MEM_ALLOC: Memory allocation related error., Code: 1002"
)


@pytest.mark.parametrize("kind", [RuntimeError, errors.RuntimeFault, errors.Unsupported])
@pytest.mark.parametrize("text", NO_MEMORY)
def test_what_an_allocator_said_is_oom_and_nobodys_fault_but_ours(kind: type[Exception], text: str) -> None:
    status, stage, failure = endings.classify(kind(text), Stage.RUN)
    assert status is Status.OOM
    where = dataclasses.replace(lot(), platform="openvino")
    ended = endings.result(where, case(), status, stage, reached=True, graph=True, wall_s=0.1, failure=failure)
    assert (ended.blame, ended.blame_package) == OURS


def test_a_refusal_that_names_operators_or_another_fault_is_no_oom() -> None:
    named = errors.Unsupported("out of memory for Einsum", ("Einsum",))
    assert endings.classify(named, Stage.COMPILE)[0] is Status.UNSUPPORTED
    assert endings.classify(errors.Unsupported(MISNAMED), Stage.COMPILE)[0] is Status.UNSUPPORTED
    assert endings.classify(errors.ReferenceFault("out of memory"), Stage.RUN)[0] is Status.ERROR


def test_a_graph_counts_from_where_it_is_handed_out_until_the_next_export(tmp_path: Path) -> None:
    announce = worker.Announcer(tmp_path / worker.STAGE_FILE, home=False)
    announce.begin(0)

    def seen(stage: Stage, graph: bool = False) -> bool:
        announce(stage, graph)
        read = worker.read_stage(tmp_path)
        assert read is not None
        return read.graph

    own_way = (Stage.COMPILE, Stage.EXPORT, Stage.COMPILE, Stage.RUN, Stage.COMPARE)  # of a converter of its own
    assert [seen(stage) for stage in own_way] == [False] * 5
    assert not seen(Stage.EXPORT)
    assert [seen(Stage.COMPILE, True), seen(Stage.RUN), seen(Stage.COMPARE)] == [True] * 3
    assert not seen(Stage.EXPORT)
    seen(Stage.COMPILE, True)
    announce.begin(1)
    again = worker.read_stage(tmp_path)
    assert again is not None
    assert not again.graph
