"""What a lot's cases share: programs and their first outputs, refusals, and whom wrong numbers speak against."""

from __future__ import annotations

import dataclasses
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from archsweep.archs.reference import obtain  # noqa: E402
from archsweep.contract import Capabilities, Case, Evidence, Lot, Placement, Stage, Status, Verdict  # noqa: E402
from archsweep.errors import ReferenceFault, Unsupported  # noqa: E402
from archsweep.run import sentinels, worker  # noqa: E402
from archsweep.run.bench import LotBench  # noqa: E402
from archsweep.run.staged import StagedProgram  # noqa: E402


class Counting:
    def __init__(self) -> None:
        self.runs = 0

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        self.runs += 1
        return {"y": inputs["x"] * 2}

    def placement(self) -> Placement:
        return Placement(device="here", readable=True)


def test_a_later_case_takes_the_first_outputs_once_and_only_for_the_same_inputs() -> None:
    counting = Counting()
    program = StagedProgram(counting, lambda stage: None, False)
    given, other = {"x": torch.ones(3)}, {"x": torch.zeros(3)}
    program.run(given)["y"].fill_(7.0)  # what a check does to its outputs is its own affair
    program.run(given)
    assert counting.runs == 2, "a case that runs it twice compares two runs"
    program.begin()
    assert torch.equal(program.run(given)["y"], torch.full((3,), 2.0))
    assert counting.runs == 2
    program.run(given)
    assert counting.runs == 3
    program.begin()
    program.run(other)
    assert counting.runs == 4
    program.begin()
    torch.manual_seed(99)
    program.run(given)
    assert counting.runs == 5, "another seed is another run"


class Overflowing(torch.nn.Module):
    """Right in float32; in float16 what is in between is infinite."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, values: Any) -> dict[str, Any]:
        return {"scores": values * self.scale * self.scale / self.scale / self.scale}


class Source:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def find(self, announce: Any) -> Any:
        return {}

    def again(self, recipe: Any, seed: int) -> Any:
        return None

    def make_model(self, recipe: Any) -> Any:
        return Overflowing(self.scale).eval()

    def make_inputs(self, recipe: Any, draw: int | None = None) -> Any:
        return {"values": torch.linspace(1.0, 2.0, 8)}

    def obtain_reference(self, recipe: Any, inputs: Any) -> Any:
        return obtain(sentinels.subject("made"), recipe, lambda: self.make_model(recipe), inputs, None)


def bench(scale: float, tmp_path: Path, announced: list[tuple[Stage, bool]]) -> LotBench:
    subject = sentinels.subject("made")
    case = Case(subject=subject.id, platform="made", check="parity", dtype="float16", default_dtype="float16")
    lot = Lot(
        id="one", subject=subject, platform="made", cases=(case,), run="r", fingerprint="f", evidence=Evidence.EMULATOR,
        timeout_s=9, memory_bytes=2**30, folder=str(tmp_path), cache="",
    )  # fmt: skip
    platform = ModuleType("made")
    platform.capabilities = Capabilities(dtypes=("float16",))  # type: ignore[attr-defined]
    platform.asked = 0  # type: ignore[attr-defined]

    def compile(given: Any) -> Any:
        platform.asked += 1  # type: ignore[attr-defined]
        given.announce(Stage.EXPORT)
        given.announce(Stage.COMPILE, graph=True)
        raise Unsupported("no", ("Odd",))

    platform.compile = compile  # type: ignore[attr-defined]
    return LotBench(lot, platform, Source(scale), lambda stage, graph=False: announced.append((stage, graph)))


def test_a_refusal_is_remembered_with_the_way_that_led_to_it(tmp_path: Path) -> None:
    announced: list[tuple[Stage, bool]] = []
    made = bench(1.0, tmp_path, announced)
    ways = []
    for _ in range(2):
        announced.clear()
        with pytest.raises(Unsupported):
            _ = made.program
        ways.append([(stage, graph) for stage, graph in announced if stage in (Stage.EXPORT, Stage.COMPILE)])
    assert made._platform.asked == 1  # type: ignore[attr-defined]
    assert ways[0] == ways[1] == [(Stage.COMPILE, False), (Stage.EXPORT, False), (Stage.COMPILE, True)]


@pytest.mark.parametrize("graph", [True, False])
def test_a_program_that_a_case_finds_made_is_of_a_checked_graph_or_not_as_before(graph: bool) -> None:
    announced: list[tuple[Stage, bool]] = []
    program = StagedProgram(Counting(), lambda stage, graph=False: announced.append((stage, graph)), True, graph)
    program.again()
    assert announced == [(Stage.EXPORT, False), (Stage.COMPILE, graph)]


@pytest.mark.parametrize("asked", ["program", "reference"])
def test_what_is_raised_again_keeps_its_first_traceback(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disagree(*given: Any) -> Any:
        raise ReferenceFault("it wavers")

    made = bench(1.0, tmp_path, [])
    monkeypatch.setattr(made._source, "obtain_reference", disagree)
    ways = []
    for _ in range(3):
        with pytest.raises((Unsupported, ReferenceFault)) as caught:
            getattr(made, asked)
        ways.append([frame.name for frame in traceback.extract_tb(caught.value.__traceback__)])
    assert ways[0][-1] in ("compile", "disagree")
    assert ways[1] == ways[2] == ways[0]


@pytest.mark.parametrize(("scale", "doubted"), [(1.0, False), (3e3, True)])
def test_a_backend_is_not_to_blame_for_what_the_cpu_gets_wrong_in_the_same_dtype(
    scale: float, doubted: bool, tmp_path: Path
) -> None:
    made = bench(scale, tmp_path, [])
    _ = made.reference, made.inputs
    wrong = Verdict(status=Status.FAIL, message="far off")
    told = worker._doubt(wrong, made, True)
    assert ("on the CPU in float16" in told) is doubted
    assert worker._doubt(wrong, made, False) == ""  # nobody but us is blamed without a graph
    made.case = dataclasses.replace(made.case, dtype="float32")
    assert worker._doubt(wrong, made, True) == "", "the CPU is asked in float32 too, and is right there"


class Infinite(torch.nn.Module):
    """Promises numbers, and gives none: in any dtype, on any device."""

    def forward(self, values: Any) -> dict[str, Any]:
        return {"scores": values / 0}


def test_a_backend_is_not_to_blame_for_a_promise_that_the_cpu_breaks_too(tmp_path: Path) -> None:
    made = bench(1.0, tmp_path, [])
    made._source.make_model = lambda recipe: Infinite().eval()  # type: ignore[method-assign]
    made._source.obtain_reference = no_reference  # type: ignore[method-assign]
    made.case = dataclasses.replace(made.case, check="forward", dtype="float32", default_dtype="float32")
    _ = made.inputs
    told = worker._doubt(Verdict(status=Status.FAIL, message="scores: 8 of 8 elements are not finite"), made, True)
    assert "on the CPU in float32 it ends fail too" in told


def no_reference(recipe: Any, inputs: Any) -> Any:
    raise ReferenceFault("not finite")


def test_a_backend_that_cannot_say_where_it_computed_is_not_to_blame(tmp_path: Path) -> None:
    made = bench(1.0, tmp_path, [])
    made._used = [StagedProgram(Hidden(), lambda *told: None, True, True)]
    verdict = worker._earned(Verdict(status=Status.PASS), made)
    assert verdict.status is Status.FAIL
    assert "not known" in worker._doubt(verdict, made, True)


class Hidden(Counting):
    def placement(self) -> Placement:
        return Placement(device="here", readable=False)
