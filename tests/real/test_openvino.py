"""Whose fault it is what OpenVINO's own code raises, and what ours raises around it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from requiring import absent

torch = pytest.importorskip("torch")

from archsweep.contract import Blame, Stage, Status  # noqa: E402
from archsweep.errors import RuntimeFault  # noqa: E402
from archsweep.platforms import openvino  # noqa: E402
from archsweep.run import endings  # noqa: E402

VALUES = torch.linspace(-1, 1, 8).reshape(2, 4)


@pytest.fixture(autouse=True, scope="module")
def present():
    if not openvino.probe().present:
        absent("openvino", openvino.probe().reason)


class Doubling(torch.nn.Module):
    def forward(self, values):
        return {"doubled": values * 2}


def bench(folder, announced, **options):
    chosen = {"route": "onnx", "device": "CPU", **options}
    return SimpleNamespace(
        announce=lambda stage, graph=False: announced.append((stage, graph)),
        cache=folder,
        case=SimpleNamespace(dtype="float32"),
        option=chosen.__getitem__,
        reference=SimpleNamespace(key="doubling", seeded=False),
        inputs={"values": VALUES},
        second_inputs={"values": VALUES.flip(0)},
        model=lambda: Doubling().eval(),
    )


@pytest.mark.filterwarnings("ignore")
def test_what_the_runtime_raises_while_it_runs_is_its_own(tmp_path):
    announced = []
    program = openvino.compile(bench(tmp_path, announced))
    assert torch.equal(program.run({"values": VALUES})["doubled"], VALUES * 2)
    assert announced[-1] == (Stage.COMPILE, True), "a checked graph was handed out"
    with pytest.raises(RuntimeFault) as fault:
        program.run({"values": torch.ones(3, 5)})
    status, _, failure = endings.classify(fault.value, Stage.RUN)
    assert status is Status.ERROR
    assert endings._blame("openvino", status, Stage.RUN, True, failure) == (Blame.UPSTREAM, "openvino")


@pytest.mark.parametrize("route", ["torchscript", "exported_program"])
@pytest.mark.filterwarnings("ignore")
def test_a_converter_of_its_own_hands_out_no_checked_graph(tmp_path, route):
    announced = []
    program = openvino.compile(bench(tmp_path, announced, route=route))
    assert torch.equal(program.run({"values": VALUES})["doubled"], VALUES * 2)
    assert announced == [(Stage.EXPORT, False), (Stage.COMPILE, False)]


@pytest.mark.parametrize("where", ["repairs.repaired", "_onnxruntime.still_right"])
@pytest.mark.filterwarnings("ignore")
def test_an_error_of_our_repairs_is_no_refusal_of_openvinos(tmp_path, monkeypatch, where):
    def failing(*given):
        raise RuntimeError("conversion of type = Einsum failed at src/openvino")

    if where == "_onnxruntime.still_right":
        monkeypatch.setattr(openvino.repairs, "repaired", lambda *given: {"odd": 1})
    holder, _, name = where.partition(".")
    monkeypatch.setattr(getattr(openvino, holder), name, failing)
    with pytest.raises(RuntimeError, match="failed at src/openvino") as error:
        openvino.compile(bench(tmp_path, []))
    status, _, failure = endings.classify(error.value, Stage.COMPILE)
    assert status is Status.ERROR
    assert endings._blame("openvino", status, Stage.COMPILE, True, failure) == (Blame.OURS, None)


@pytest.mark.parametrize(
    "text",
    [
        "Exception from src/plugins/x.cpp: out of memory",
        "failed at src/a: std::bad_alloc",
        "while validating node 'MatMul' Exception from src/a: std::bad_alloc",
    ],
)
def test_no_memory_is_no_refusal_even_where_openvino_says_it(text):
    status, _, _ = endings.classify(openvino._refusal(RuntimeError(text)), Stage.COMPILE)
    assert status is Status.OOM
