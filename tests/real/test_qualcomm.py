"""Qualcomm's HTP for real, in emulation where there is no chip: what it takes, what it refuses, real architectures."""

from __future__ import annotations

import dataclasses
import importlib.abc
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from archsweep import registry
from archsweep.archs import catalog
from archsweep.archs.selection import Selection
from archsweep.contract import Evidence, Outlook, Stage, Status
from archsweep.errors import Unsupported
from archsweep.platforms import _onnxruntime
from archsweep.run import plan, sentinels
from archsweep.run.session import Session

NAME = "qualcomm"
TYPES = ("bert", "gpt2", "resnet")
MEASURED = {"worst_relative", "float32_error", "outputs_compared", "elements", "undecided"}
platform = registry.load("platforms", NAME)


@pytest.fixture(scope="module")
def probe() -> Any:
    found = platform.probe()
    required = NAME in os.environ.get("ARCHSWEEP_REQUIRE", "").split(",")
    if not found.present and not required:
        pytest.skip(found.reason)
    assert found.present, found.reason
    return found


def graph(nodes: list[tuple[Any, ...]]) -> bytes:
    import onnx

    helper = onnx.helper
    edges = [helper.make_tensor_value_info(name, 1, [8, 8]) for name in ("x", "y")]
    made = [helper.make_node(kind, given, out, name=name) for name, kind, given, out in nodes]
    whole = helper.make_graph(made, "g", edges[:1], edges[1:])
    model: bytes = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


def test_it_says_what_it_is(probe: Any) -> None:
    assert probe.evidence in (Evidence.EMULATOR, Evidence.HARDWARE)
    assert "HTP" in probe.device
    assert probe.versions["onnxruntime-qnn"]


def test_what_the_chip_does_not_take_is_refused_by_name_and_not_left_to_the_cpu(probe: Any) -> None:
    model = graph([("a", "Relu", ["x"], ["z"]), ("odd", "Det", ["z"], ["d"]), ("b", "Add", ["z", "d"], ["y"])])
    with pytest.raises(Unsupported, match="Det") as refused:
        platform.open_session(model, {}, "69")
    assert refused.value.operators == ("Det",)


def test_floating_work_that_stays_on_the_cpu_shows_in_the_placement(probe: Any) -> None:
    model = graph([("a", "Relu", ["x"], ["z"]), ("odd", "Det", ["z"], ["d"]), ("b", "Add", ["z", "d"], ["y"])])
    session = platform._session(model, "69", fallback=True)
    placed = _onnxruntime.placement(session, platform.PROVIDER, "here", {"a": True, "odd": True, "b": True})
    assert placed.readable
    assert "Det" in placed.elsewhere
    shapes = _onnxruntime.placement(session, platform.PROVIDER, "here", {"a": True, "odd": False, "b": False})
    assert "Det" in shapes.shape_nodes


def test_a_chip_whose_emulation_is_not_to_be_believed_is_compiled_for_and_not_run(
    probe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if probe.evidence is not Evidence.EMULATOR:
        pytest.skip("there is a chip here")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    chosen = [item for item in catalog.load(cache=tmp_path).subjects if item.is_base and item.model_type == "resnet"]
    with Session() as session:
        ground = session.ground(NAME)
        options = plan.Options(
            selection=Selection(), platforms=(NAME,), checks=("forward", "parity"), cache=str(tmp_path),
            chosen=(("soc", "30"),),
        )  # fmt: skip
        lots = plan.make_lots(options, "r1", chosen, [ground])
        results = [result for turn in session.run(lots, [], 1, [ground]) for result in turn.results]
    assert len(results) == 2
    for result in results:
        assert (result.status, result.stage) == (Status.UNEXECUTED, Stage.COMPILE), result
        assert result.evidence is Evidence.COMPILER
        assert result.outlook is Outlook.LIKELY
        assert "bytes" in result.message
        assert result.blame is None


def test_a_missing_runtime_is_a_reason_and_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name == "onnxruntime_qnn":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, "onnxruntime_qnn", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    found = platform.probe()
    assert not found.present
    assert found.evidence is Evidence.NONE
    assert "onnxruntime_qnn" in found.reason or "onnx" in found.reason
    assert found.install == "pip install 'archsweep[qualcomm]'"


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_architectures_are_right_and_sentinels_noticed(
    probe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    chosen = [item for item in catalog.load(cache=tmp_path).subjects if item.is_base and item.model_type in TYPES]
    with Session() as session:
        ground = session.ground(NAME)
        options = plan.Options(selection=Selection(), platforms=(NAME,), checks=("parity",), cache=str(tmp_path))
        lots = plan.make_lots(options, "r1", chosen, [ground])
        aside = plan.make_sentinels(options, "r1", ground)
        results = [result for turn in session.run(lots, aside, 2, [ground]) for result in turn.results]
    apart = [result for result in results if sentinels.is_sentinel(result.case)]
    assert sentinels.faults(apart) == {}  # one of them is a graph whose weights are 1 % off
    own = {result.case.subject: result for result in results if result not in apart}
    assert len(own) == len(TYPES)
    for result in own.values():
        assert result.status is Status.PASS, dataclasses.asdict(result)
        assert result.case.dtype == "float16"
        assert result.evidence is probe.evidence
        assert set(result.metrics) == MEASURED, "no times from emulation"
