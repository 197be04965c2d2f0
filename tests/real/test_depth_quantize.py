"""The check quantize for real: sound architectures pass on every toolchain that is here, wrong scales are found."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import depth
import pytest
import torch

from archsweep import registry
from archsweep.archs import rounding
from archsweep.contract import Case, Lot, Result, Status, Subject
from archsweep.encoding import encode
from archsweep.platforms import _nncf, _qdq, _torchao
from archsweep.run import worker
from requiring import absent

THREE = ("bert/BertModel", "vit/ViTModel", "t5/T5Model")
SOUND = (*THREE, "whisper/WhisperModel")
FACTOR = 1.5


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return depth.subjects()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """References and graphs, made once for all cases of a model."""
    return str(tmp_path_factory.mktemp("cache"))


def ended(folder: Path, cache: str, subject: Subject, platform: str, scheme: str = "") -> Result:
    """How the check ends on a platform, in its default dtype."""
    module: ModuleType = registry.load("platforms", platform)
    probe, able = module.probe(), module.capabilities
    if not probe.present:
        absent(platform, probe.reason)
    options = (("scheme", scheme),) if scheme and scheme != able.quantizes[0] else ()
    case = Case(
        subject=subject.id, platform=platform, check="quantize", dtype=able.dtypes[0], default_dtype=able.dtypes[0],
        options=options,
    )  # fmt: skip
    lot = Lot(
        id="one", subject=subject, platform=platform, cases=(case,), run="r1", fingerprint="f",
        evidence=probe.evidence, timeout_s=300, memory_bytes=2**33, folder=str(folder), cache=cache,
    )  # fmt: skip
    (folder / worker.LOT_FILE).write_text(json.dumps(encode(lot)))
    worker.work(folder)
    return worker.read_results(folder)[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("platform", "scheme", "id"),
    [
        *(("cpu", scheme, id) for scheme in ("a8w8", "w8") for id in SOUND),
        *(("openvino", "a8w8", id) for id in ("bert/BertModel", "vit/ViTModel")),
        *(("qualcomm", "a16w8", id) for id in ("vit/ViTModel", "t5/T5Model")),
        ("qualcomm", "a8w8", "bert/BertModel"),
    ],
)
def test_a_sound_architecture_passes(
    id: str, platform: str, scheme: str, known: dict[str, Subject], cache: str, tmp_path: Path
) -> None:
    result = ended(tmp_path, cache, known[id], platform, scheme)
    assert result.status is Status.PASS, result.message
    assert result.metrics["weights_quantized"] > 5
    assert result.metrics["bytes_after"] < result.metrics["bytes_before"]
    assert 10 < result.metrics["sqnr_db"] < 80, "it was rounded, and not to nothing"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", ["resnet/ResNetModel", "gpt2/GPT2Model"])
def test_without_a_layer_that_becomes_integers_nothing_passes(
    id: str, known: dict[str, Subject], cache: str, tmp_path: Path
) -> None:
    result = ended(tmp_path, cache, known[id], "cpu")
    assert result.status is Status.INAPPLICABLE
    assert "linear" in result.message


def wrong_tensor(made: Any) -> Any:
    """The last integer weight of a module gets another scale, and the control, which reads it, the right one."""
    named = [
        part
        for part in made.program.module.modules()
        if isinstance(part, torch.nn.Linear) and _torchao._parts(part.weight)
    ]
    scale = named[len(named) // 2].weight.scale
    scale.mul_(FACTOR)
    return made


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scheme", ["a8w8", "w8"])
@pytest.mark.parametrize("id", THREE)
def test_a_wrong_scale_in_a_tensor_of_torchao_is_found(
    id: str, scheme: str, known: dict[str, Subject], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there when the device runs, after the integers were read: the outputs alone have to tell."""
    honest = _torchao.quantized
    monkeypatch.setattr(_torchao, "quantized", lambda *given: wrong_tensor(honest(*given)))
    result = ended(tmp_path, cache, known[id], "cpu", scheme)
    assert result.status is Status.FAIL
    assert "dB" in result.message


def planted(change: Callable[[Any], None], honest: Callable[..., Any]) -> Callable[..., Any]:
    def changed(*given: Any) -> Any:
        model = honest(*given)
        change(model)
        return model

    return changed


def scaled(model: Any, weights: bool) -> None:
    """One scale of a QDQ graph: of a weight, or of what an operator gives."""
    from onnx import numpy_helper

    constants = {item.name: item for item in model.graph.initializer}
    kind = "DequantizeLinear" if weights else "QuantizeLinear"
    nodes = [node for node in model.graph.node if node.op_type == kind]
    if weights:
        nodes = [node for node in nodes if node.input[0] in constants and len(constants[node.input[0]].dims) == 2]
    scale = constants[nodes[len(nodes) // 2].input[1]]
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) / FACTOR**3, scale.name))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("weights", "id"), [*((True, id) for id in THREE), (False, THREE[0])])
def test_a_wrong_scale_in_a_graph_for_the_chip_is_found(
    id: str, weights: bool, known: dict[str, Subject], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_qdq, "_rounded", planted(lambda model: scaled(model, weights), _qdq._rounded))
    result = ended(tmp_path, cache, known[id], "qualcomm")
    assert result.status is Status.FAIL, result.message
    assert "dB" in result.message
    assert weights == result.message.startswith("weight ")


def stretched(model: Any) -> None:
    """The scale of one weight of an OpenVINO model."""
    import openvino

    found = [item for item in model.get_ops() if _nncf._WEIGHT.match(item.get_friendly_name())]
    multiply = found[len(found) // 2]
    scale = multiply.input_value(1).get_node()
    multiply.input(1).replace_source_output(openvino.opset13.constant(scale.data * FACTOR).output(0))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", THREE)
def test_a_wrong_scale_in_a_model_of_nncf_is_found(
    id: str, known: dict[str, Subject], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_nncf, "quantized", planted(stretched, _nncf.quantized))
    result = ended(tmp_path, cache, known[id], "openvino")
    assert result.status is Status.FAIL
    assert result.message.startswith("weight ")


def test_a_toolchain_that_is_not_here_is_not_tried(
    known: dict[str, Subject], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_torchao, "OLDEST", {"torchao-of-nowhere": (1,)})
    result = ended(tmp_path, cache, known["bert/BertModel"], "cpu")
    assert result.status is Status.UNAVAILABLE
    assert _torchao.INSTALL in result.message


def test_noise_is_measured_over_what_is_no_fill_value() -> None:
    exact = torch.tensor([1.0, -1.0, float("-inf"), -3e38], dtype=torch.float64)
    found = torch.tensor([1.1, -1.0, float("-inf"), -3e38])
    assert rounding.ratio(exact, found) == pytest.approx(23.01, abs=0.01)
    assert rounding.ratio(exact, torch.tensor([float("nan"), -1.0, 0.0, 0.0])) == -rounding.CLEAN


def test_a_bit_more_is_six_decibels_more() -> None:
    torch.manual_seed(0)
    value = torch.randn(1000)
    ratios = [rounding.ratio(value, rounding.rounded(value, bits)) for bits in (6, 7, 8, 9)]
    assert [after - before for before, after in itertools.pairwise(ratios)] == pytest.approx([6] * 3, abs=0.7)
    assert rounding.rounded(torch.tensor([1.0, float("-inf")]), 8)[1] == float("-inf")
