"""The exporter's promise: a graph that has baked in what it was shown is no graph."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import time
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from archsweep import export  # noqa: E402
from archsweep.contract import Blame, Stage, Status  # noqa: E402
from archsweep.errors import Unsupported  # noqa: E402
from archsweep.export import control, folding, rewrites  # noqa: E402
from archsweep.run import endings  # noqa: E402


class Branching(torch.nn.Module):
    """Branches in Python on what its mask holds: a trace keeps the way that it was shown."""

    def forward(self, values, mask):
        return {"scaled": values * 3 if bool((mask == 0).any()) else values * 2}


class Lingering(Branching):
    """Takes three seconds of processor time before it branches, where torch's own exporter looks."""

    def forward(self, values, mask):
        began = time.process_time()
        while torch.compiler.is_exporting() and time.process_time() - began < 3:
            pass
        return super().forward(values, mask)


VALUES = torch.linspace(-1, 1, 8).reshape(2, 4)
FULL, PADDED = torch.ones(2, 4, dtype=torch.long), torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0]])


def bench(folder, second, key, model=Branching):
    return SimpleNamespace(
        announce=lambda stage, graph=False: None,
        cache=folder,
        reference=SimpleNamespace(key=key, seeded=False),
        inputs={"values": VALUES, "mask": FULL},
        second_inputs={"values": VALUES.flip(0), "mask": second},
        model=lambda: model().eval(),
    )


@pytest.mark.filterwarnings("ignore")
def test_what_a_trace_has_baked_in_shows_on_the_second_inputs(tmp_path):
    with pytest.raises(export.ExportFault, match="scaled is off by"):
        export.graph(bench(tmp_path, PADDED, "padded"))
    same = export.graph(bench(tmp_path, FULL, "full"))
    assert same.outputs == ("scaled",), "with the same mask nothing shows: it is the second inputs that tell"


class Doubling(torch.nn.Module):
    def forward(self, values, mask):
        return {"scaled": values * 2 + mask}


@pytest.mark.filterwarnings("ignore")
def test_the_fault_is_torchs_where_its_own_exporters_say_that_they_fail(tmp_path, monkeypatch):
    with pytest.raises(export.ExportFault) as baked:
        export.graph(bench(tmp_path, PADDED, "baked"))
    assert baked.value.package == "torch", "torch.export says that it cannot follow a branch on values"
    plain = [item for item in baked.value.details["attempts"] if item["plain"]]
    assert [(item["route"], item["exported"]) for item in plain] == [("dynamo", False)]
    status, _, failure = endings.classify(baked.value, Stage.EXPORT)
    assert endings._blame("openvino", status, Stage.EXPORT, False, failure) == (Blame.UPSTREAM, "torch")

    monkeypatch.setitem(export.BOUNDS, "dynamo", 1)
    with pytest.raises(export.ExportFault, match="given up after 1 s") as late:
        export.graph(bench(tmp_path, PADDED, "late", model=Lingering))
    assert late.value.package == "", "a deadline of ours is no proof"
    status, _, failure = endings.classify(late.value, Stage.EXPORT)
    assert endings._blame("openvino", status, Stage.EXPORT, False, failure) == (Blame.OURS, None)


@pytest.mark.parametrize("ended", [SystemExit(1), LookupError("ours")])
@pytest.mark.filterwarnings("ignore")
def test_an_error_of_the_wrapper_and_a_dead_process_prove_nothing(tmp_path, monkeypatch, ended):
    def wrap(*given):
        raise ended

    monkeypatch.setattr(export.wrapping, "wrap", wrap)
    with pytest.raises(export.ExportFault) as fault:
        export.graph(bench(tmp_path, FULL, "wrapper", model=Doubling))
    assert fault.value.package == ""


class Shifting(torch.nn.Module):
    """Calls its output otherwise once an exporter looks, which our wrapper then does not find."""

    def forward(self, values, mask):
        return {"other" if torch.compiler.is_exporting() else "scaled": values * 2 + mask}


@pytest.mark.filterwarnings("ignore")
def test_what_our_wrapper_raises_in_the_exporter_is_not_the_exporters(tmp_path):
    """torch.export says of whatever a forward pass raises that it has failed."""
    asked = bench(tmp_path, FULL, "shifting", model=Shifting)
    with pytest.raises(export.ExportFault) as fault:
        export.graph(asked, without=("torchscript", "torchscript, frozen", "flat, frozen"))
    plain = [item for item in fault.value.details["attempts"] if item["plain"]]
    assert [(item["error_class"], item["exported"]) for item in plain] == [("KeyError", False)]
    assert fault.value.package == ""
    status, _, failure = endings.classify(fault.value, Stage.EXPORT)
    assert endings._blame("openvino", status, Stage.EXPORT, False, failure) == (Blame.OURS, None)


def interrupted(*given):
    os.kill(os.getpid(), signal.SIGKILL)


def full_disk(*given):
    raise OSError(28, "No space left on device")


def no_memory(*given):
    raise MemoryError


@pytest.mark.parametrize("route", [interrupted, full_disk, no_memory])
@pytest.mark.filterwarnings("ignore")
def test_what_tells_nothing_of_the_model_is_not_kept(tmp_path, monkeypatch, route):
    asked = bench(tmp_path, FULL, "passing", model=Doubling)
    with monkeypatch.context() as patch:
        for name in export.routes.ROUTES:
            patch.setitem(export.routes.ROUTES, name, route)
        with pytest.raises(export.ExportFault) as fault:
            export.graph(asked)
    told = {full_disk: "No space left on device", interrupted: "SIGKILL", no_memory: "MemoryError"}[route]
    assert str(fault.value).count(told) == 3, "each way tells what it met"
    assert fault.value.package == ""
    assert export.graph(asked).way == "torchscript"


@pytest.mark.filterwarnings("ignore")
def test_without_the_control_nothing_is_tried_and_nothing_kept(tmp_path, monkeypatch):
    asked = bench(tmp_path, FULL, "control", model=Doubling)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(ModuleNotFoundError) as missing:
            export.graph(asked)
    status, _, failure = endings.classify(missing.value, Stage.EXPORT)
    assert status is Status.UNAVAILABLE
    assert failure.message.endswith("pip install onnxruntime")
    assert export.graph(asked).way == "torchscript"


@pytest.mark.filterwarnings("ignore")
def test_wrong_numbers_alone_do_not_prove_a_fault_of_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(control, "deviation", lambda wanted, found: (0.5, "scaled"))
    with pytest.raises(export.ExportFault, match="dynamo, frozen, plain: scaled is off by") as off:
        export.graph(bench(tmp_path, FULL, "off", model=Doubling))
    assert off.value.package == ""


def test_a_model_larger_than_an_onnx_file_can_hold_is_refused_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "LARGEST", 99)
    with pytest.raises(Unsupported, match="larger than the 2 GB"):
        export.graph(bench(tmp_path, FULL, "large", model=lambda: torch.nn.Linear(5, 5)))
    assert not list(tmp_path.rglob("*.onnx*")), "nothing was written"


@pytest.mark.filterwarnings("ignore")
def test_a_backend_that_refuses_one_graph_is_offered_another(tmp_path):
    seen = []

    def take(graph):
        seen.append(graph.way)
        if len(seen) == 1:
            raise Unsupported("not this one")
        return graph.file.exists()

    graph, taken = export.accepted(bench(tmp_path, FULL, "offered"), take)
    assert taken
    assert seen == ["torchscript", "torchscript, frozen"]
    assert graph.frozen == ("mask",)
    assert graph.facts()["refused"] == {"torchscript": "not this one"}


@pytest.mark.filterwarnings("ignore")
def test_each_way_is_gone_once_whatever_was_refused_before(tmp_path, monkeypatch):
    gone, honest = [], export._attempt

    def counted(material, way, file):
        gone.append(way.attempt.way)
        return honest(material, way, file)

    monkeypatch.setattr(export, "_attempt", counted)
    monkeypatch.setattr(export.apart, "call", lambda step, bound_s: step())
    asked = bench(tmp_path, FULL, "once")
    for refused in ((), ("torchscript",), ("torchscript", "torchscript, frozen"), (), ("torchscript, frozen",)):
        assert export.graph(asked, without=refused).way not in refused
    assert gone == ["torchscript", "torchscript, frozen", "flat, frozen"]

    monkeypatch.setattr(export.control, "deviation", lambda wanted, found: (0.5, "scaled"))
    asked = bench(tmp_path, FULL, "never")
    for _ in range(2):
        gone.clear()
        with pytest.raises(export.ExportFault):
            export.graph(asked)
    assert not gone, "what did not work is kept as well"


@pytest.mark.filterwarnings("ignore")
def test_a_backend_that_refuses_every_graph_ends_with_its_first_word(tmp_path):
    seen = []

    def take(graph):
        seen.append(graph.way)
        raise Unsupported(f"not {graph.way}")

    with pytest.raises(Unsupported, match=r"^not torchscript$"):
        export.accepted(bench(tmp_path, FULL, "refused"), take)
    assert seen == ["torchscript", "torchscript, frozen", "flat, frozen"], "dynamo cannot follow a branch on values"


class Placing(torch.nn.Module):
    """Says where each value stands by looking at the mask in Python, as models with images among their tokens do."""

    def places(self, mask, step: int = 1):
        rows = [[sum(row[:index]) * step for index in range(len(row))] for row in mask.tolist()]
        return torch.tensor(rows), None

    def forward(self, values, mask):
        return {"placed": values + self.places(mask, step=2)[0]}


@pytest.mark.filterwarnings("ignore")
def test_integers_made_by_reading_values_are_inputs_of_the_graph(tmp_path):
    made = bench(tmp_path, PADDED, "placing")
    made.model = lambda: Placing().eval()
    graph = export.graph(made)
    assert graph.facts()["beside"] == ["places"]
    assert "places.0.0" in graph.inputs
    for mask in (FULL, PADDED):
        given = {"values": VALUES, "mask": mask}
        found = control.run(graph.file, graph.outputs, graph.leaves(given))["placed"]
        torch.testing.assert_close(found, Placing()(**given)["placed"])


class Drawing(torch.nn.Module):
    def forward(self, values):
        return {"noisy": values + torch.randn_like(values.T).T + torch.empty(4).normal_()}


@pytest.mark.filterwarnings("ignore")
def test_what_a_model_draws_is_a_constant_of_its_graph(tmp_path):
    made = bench(tmp_path, FULL, "drawing")
    made.model = lambda: Drawing().eval()
    made.inputs, made.second_inputs = {"values": VALUES}, {"values": VALUES.flip(0)}
    graph = export.graph(made)
    assert graph.route == "flat"
    assert max(graph.attempts[-1].deviations) < 1e-6


@pytest.mark.filterwarnings("ignore")
def test_a_pass_of_the_optimizer_that_is_wrong_does_not_condemn_a_graph(tmp_path):
    """ONNX Runtime 1.31 takes the zeros around an image for minus infinities once it has fused them into a pool."""

    class Pooled(torch.nn.Module):
        def forward(self, image):
            return {"pooled": torch.nn.functional.max_pool2d(torch.nn.functional.pad(image, (1, 1, 1, 1)), 3)}

    made = bench(tmp_path, FULL, "pooled")
    made.model = lambda: Pooled().eval()
    image = -torch.rand(1, 2, 7, 7)
    made.inputs, made.second_inputs = {"image": image}, {"image": image.flip(2)}
    graph = export.graph(made)
    assert graph.route == "torchscript"
    folding.fold(graph.file, tmp_path / "folded.onnx")
    wanted = Pooled()(image)["pooled"]
    found = control.run(tmp_path / "folded.onnx", graph.outputs, {"image": image})["pooled"]
    torch.testing.assert_close(found, wanted)


class CountingModel(torch.nn.Module):
    """Asks how many arguments one of its own methods takes, as transformers does before it calls one in chunks."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def doubled(self, x):
        return x * 2

    def forward(self, x):
        assert len(inspect.signature(self.doubled).parameters) == 1
        return {"y": self.doubled(self.layer(x))}


def test_a_watched_method_shows_its_own_signature():
    from archsweep.export import beside

    calls, wanted = beside.found(CountingModel().eval(), {"x": torch.rand(2, 4)}, {"x": torch.rand(2, 4)})
    assert (calls, len(wanted)) == ((), 2)


def test_fillings_with_booleans_however_they_are_said():
    wanted = torch.ones(2, 3, dtype=torch.bool)
    with rewrites.active():
        ways = [torch.full((2, 3), True), torch.full(size=(2, 3), fill_value=True), torch.full_like(wanted, True)]
        assert torch.full((2,), 0.5).tolist() == torch.full(size=(2,), fill_value=0.5).tolist() == [0.5, 0.5]
    for found in ways:
        assert torch.equal(found, wanted)


def test_a_boolean_scattered_among_booleans_and_numbers():
    places = torch.tensor([[1], [2]])
    with rewrites.active():
        marked = torch.zeros(2, 3, dtype=torch.bool).scatter(-1, places, True)
        numbers = torch.ones(2, 3).scatter(-1, places, value=False)
        assert torch.ones(2, 3).scatter(1, places, 0.5).sum() == 5
    assert marked.tolist() == [[False, True, False], [False, False, True]]
    assert numbers.tolist() == [[1, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize("name", ["and", "or", "xor"])
def test_bits_of_booleans_and_of_numbers(name):
    numbers, bits = torch.tensor([-3, -2, 0, 1, 2, 7]), torch.tensor([1, 0, 1, 1, 0, 0]).bool()
    sides = [(bits, bits.flip(0)), (numbers, bits), (bits, numbers), (numbers, numbers.flip(0)), (numbers, 3)]
    plain, inplace = getattr(torch.Tensor, f"__{name}__"), getattr(torch.Tensor, f"__i{name}__")
    for left, right in sides:
        wanted = plain(left, right)
        with rewrites.active():
            found = [plain(left, right), inplace(left.clone(), right)]
        for item in found:
            assert torch.equal(item, wanted)


class Marking(torch.nn.Module):
    """Marks tokens, and joins marks and numbers in place: no exporter of torch's takes all of it as it is."""

    def forward(self, values, mask):
        chosen = (mask > 1).scatter(-1, values.topk(2, -1).indices, True)
        marks = mask.clone()
        marks |= chosen
        return {"chosen": values * chosen, "marks": marks}


@pytest.mark.filterwarnings("ignore")
def test_scattered_marks_joined_in_place_are_traced(tmp_path):
    graph = export.graph(bench(tmp_path, PADDED, "marks", model=Marking))
    assert graph.way == "torchscript"


@pytest.mark.filterwarnings("ignore")
def test_what_is_said_of_a_graph_tells_nothing_of_the_cache(tmp_path, monkeypatch):
    def cut(wrapped, file):
        file.write_bytes(b"no graph")

    monkeypatch.setitem(export.routes.ROUTES, "torchscript", cut)
    graph = export.graph(bench(tmp_path, FULL, "cut", model=Doubling))
    told = graph.attempts[0].error
    assert "graph.onnx" in told and str(tmp_path) not in told and ".draft" not in told
