"""The exporter's promise: a graph that has baked in what it was shown is no graph."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from archsweep import export  # noqa: E402


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
