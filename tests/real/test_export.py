"""The exporter's promise: a graph that has baked in what it was shown is no graph."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from archsweep import export  # noqa: E402
from archsweep.errors import Unsupported  # noqa: E402


class Branching(torch.nn.Module):
    """Branches in Python on what its mask holds: a trace keeps the way that it was shown."""

    def forward(self, values, mask):
        return {"scaled": values * 3 if bool((mask == 0).any()) else values * 2}


VALUES = torch.linspace(-1, 1, 8).reshape(2, 4)
FULL, PADDED = torch.ones(2, 4, dtype=torch.long), torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0]])


def bench(folder, second, key):
    return SimpleNamespace(
        announce=lambda stage: None,
        cache=folder,
        reference=SimpleNamespace(key=key, seeded=False),
        inputs={"values": VALUES, "mask": FULL},
        second_inputs={"values": VALUES.flip(0), "mask": second},
        model=lambda: Branching().eval(),
    )


@pytest.mark.filterwarnings("ignore")
def test_what_a_trace_has_baked_in_shows_on_the_second_inputs(tmp_path):
    with pytest.raises(export.ExportFault, match="scaled is off by"):
        export.graph(bench(tmp_path, PADDED, "padded"))
    same = export.graph(bench(tmp_path, FULL, "full"))
    assert same.outputs == ("scaled",), "with the same mask nothing shows: it is the second inputs that tell"


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
def test_a_backend_that_refuses_every_graph_ends_with_its_first_word(tmp_path):
    seen = []

    def take(graph):
        seen.append(graph.way)
        raise Unsupported(f"not {graph.way}")

    with pytest.raises(Unsupported, match=r"^not torchscript$"):
        export.accepted(bench(tmp_path, FULL, "refused"), take)
    assert seen == ["torchscript", "torchscript, frozen", "flat, frozen"], "dynamo cannot follow a branch on values"
