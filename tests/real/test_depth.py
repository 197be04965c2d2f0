"""The depth checks on real architectures: sound ones pass, and a fault planted in three of them is found each time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import depth
import pytest
import torch
from depth import kind_of
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from archsweep.checks import speed
from archsweep.contract import Status, Subject
from archsweep.platforms import _torch

THREE = ("bert/BertModel", "llama/LlamaModel", "vit/ViTModel")
TEXTS = ("bert/BertModel", "llama/LlamaModel", "t5/T5Model")


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return depth.subjects()


@pytest.mark.parametrize("check", ["save_load", "batch", "attention", "backward"])
@pytest.mark.parametrize("id", ["gpt2/GPT2Model", "whisper/WhisperModel", "clip/CLIPModel", "wav2vec2/Wav2Vec2Model"])
def test_a_sound_architecture_passes(check: str, id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], check)
    assert result.status is Status.PASS, result.message


def lost(state: dict[str, torch.Tensor]) -> None:
    """The last matrix is not written."""
    state.pop([name for name, value in state.items() if value.ndim > 1][-1])


def rounded(state: dict[str, torch.Tensor]) -> None:
    """... or only as far as half precision goes."""
    name = [name for name, value in state.items() if value.ndim > 1][-1]
    state[name] = state[name].half().float()


@pytest.mark.parametrize(("spoil", "words"), [(lost, "missing keys"), (rounded, "not the weights that were saved")])
@pytest.mark.parametrize("id", THREE)
def test_weights_that_are_not_all_saved_are_found(
    id: str, spoil: Callable[[Any], None], words: str, known: dict[str, Subject], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    honest = PreTrainedModel.save_pretrained

    def saved(model: Any, folder: str, **named: Any) -> None:
        state = dict(model.state_dict())
        spoil(state)
        honest(model, folder, state_dict=state, **named)

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", saved)
    result = depth.ended(tmp_path, known[id], "save_load")
    assert result.status is Status.FAIL
    assert words in result.message


@pytest.mark.parametrize("id", ["t5/T5Model", "bart/BartModel", "mbart/MBartModel"])
def test_a_tie_that_loading_forgets_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = PreTrainedModel.from_pretrained.__func__  # type: ignore[attr-defined]

    def untied(kind: Any, *given: Any, **named: Any) -> Any:
        model, told = honest(kind, *given, **named)
        model.encoder.embed_tokens.weight = torch.nn.Parameter(model.encoder.embed_tokens.weight.detach().clone())
        return model, told

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", classmethod(untied))
    result = depth.ended(tmp_path, known[id], "save_load")
    assert result.status is Status.FAIL
    assert "no longer tied" in result.message


def test_a_class_that_loads_in_its_own_way_and_tells_nothing_is_read_in_that_way(
    known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = depth.kind_of(known["gpt2/GPT2Model"])
    honest, seen = kind.from_pretrained.__func__, []

    def own(cls: Any, folder: str, **asked: Any) -> Any:
        assert "output_loading_info" not in asked
        seen.append(folder)
        return honest(cls, folder, **asked)

    monkeypatch.setattr(kind, "from_pretrained", classmethod(own))
    result = depth.ended(tmp_path, known["gpt2/GPT2Model"], "save_load")
    assert result.status is Status.PASS, result.message
    assert seen


def test_a_class_without_a_forward_pass_is_not_asked_what_needs_one(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path / "a", known["bark/BarkModel"], "backward")
    assert result.status is Status.INAPPLICABLE
    assert result.message.startswith("BarkModel has no forward pass")
    lot = depth.lot(tmp_path / "b", known["bark/BarkModel"], ("forward", "backward", "parity"))
    assert [item.status for item in lot] == [Status.ERROR, Status.INAPPLICABLE, Status.ERROR], "whatever came before"


def neighbours(outputs: Any) -> Any:
    """A hundredth of the row beside it leaks into each row."""
    hidden = outputs.last_hidden_state
    outputs.last_hidden_state = hidden + 0.01 * hidden.flip(0)
    return outputs


@pytest.mark.parametrize("id", THREE)
def test_a_row_that_leaks_into_another_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known[id])
    honest = kind.forward

    def leaking(model: Any, *given: Any, **named: Any) -> Any:
        return neighbours(honest(model, *given, **named))

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(leaking))
    result = depth.ended(tmp_path, known[id], "batch")
    assert result.status is Status.FAIL
    assert "a row alone differs" in result.message


@pytest.mark.parametrize("id", TEXTS)
def test_padding_that_leaks_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundredth of the mean over all places, padded ones too, is added to every place."""
    kind = kind_of(known[id])
    honest = kind.forward

    def leaking(model: Any, *given: Any, **named: Any) -> Any:
        outputs = honest(model, *given, **named)
        for name in ("encoder_last_hidden_state", "last_hidden_state"):
            hidden = getattr(outputs, name, None)
            if hidden is not None and hidden.shape[1] == named["input_ids"].shape[1]:
                setattr(outputs, name, hidden + 0.1 * hidden.mean(1, keepdim=True))
        return outputs

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(leaking))
    result = depth.ended(tmp_path, known[id], "batch")
    assert result.status is Status.FAIL
    assert "padding" in result.message or "hidden by" in result.message


@pytest.mark.parametrize(
    ("id", "status"),
    [("xlnet/XLNetForSequenceClassification", Status.PASS), ("recurrent_gemma/RecurrentGemmaModel", Status.FAIL)],
)
def test_texts_are_padded_on_the_side_on_which_their_tokenizer_pads(
    id: str, status: Status, known: dict[str, Subject], tmp_path: Path
) -> None:
    """One reads the last place, where padding behind would stand; the other's recurrence reads padding in front."""
    result = depth.ended(tmp_path, known[id], "batch")
    assert result.status is status, result.message
    assert "row 1 without its padding by attention_mask" in str(result.details["padding"])


def test_hidden_codes_of_several_books_move_nothing(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known["kyutai_speech_to_text/KyutaiSpeechToTextModel"], "batch")
    assert result.status is Status.PASS, result.message
    assert "tokens hidden by attention_mask" in result.details["padding"]


@pytest.mark.parametrize("name", ["sdpa", "flex_attention"])
@pytest.mark.parametrize("id", ["bert/BertModel", "llama/LlamaModel", "whisper/WhisperModel"])
def test_an_attention_that_scales_otherwise_is_found(
    name: str, id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ALL_ATTENTION_FUNCTIONS[name]

    def wrong(module: Any, query: Any, *given: Any, **named: Any) -> Any:
        return honest(module, query * 1.01 if asked() == name else query, *given, **named)

    made: list[Any] = []
    kept = PreTrainedModel.set_attn_implementation

    def chosen(model: Any, implementation: str, **named: Any) -> None:
        made.append(implementation)
        kept(model, implementation, **named)

    def asked() -> str:
        return made[-1] if made else ""

    monkeypatch.setattr(PreTrainedModel, "set_attn_implementation", chosen)
    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._local_mapping, name, wrong)
    result = depth.ended(tmp_path, known[id], "attention")
    assert result.status is Status.FAIL, result.message
    assert result.message.startswith(f"{name}:")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda gradient: gradient * 1.01, "relative error"),
        (lambda gradient: gradient * float("nan"), "NaN"),
        (torch.zeros_like, "relative error"),
    ],
)
@pytest.mark.parametrize("id", THREE)
def test_a_gradient_that_is_lost_or_wrong_on_a_device_is_found(
    id: str, spoil: Callable[[Any], Any], words: str, known: dict[str, Subject], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    honest = _torch.compile_eager

    def planted(*given: Any) -> Any:
        program: Any = honest(*given)
        matrices = [value for value in program.module.parameters() if value.ndim == 2]
        matrices[-1].register_hook(spoil)
        return program

    monkeypatch.setattr(_torch, "compile_eager", planted)
    result = depth.ended(tmp_path, known[id], "backward")
    assert result.status is Status.FAIL
    assert words in result.message


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("id", ["bert/BertModel", "gpt2/GPT2Model", "clip/CLIPModel"])
def test_gradients_in_half_precision_pass_and_a_wrong_one_is_found(
    id: str, dtype: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = depth.ended(tmp_path / "sound", known[id], "backward", dtype=dtype)
    assert result.status is Status.PASS, result.message

    def spoil(module: Any) -> None:
        [value for value in module.parameters() if value.ndim == 2][-1].register_hook(lambda gradient: gradient * 2)

    depth.plant(monkeypatch, spoil)
    result = depth.ended(tmp_path / "spoilt", known[id], "backward", dtype=dtype)
    assert result.status is Status.FAIL
    assert "relative error" in result.message


@pytest.mark.parametrize("id", THREE)
def test_a_parameter_that_a_device_detaches_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = _torch.compile_eager

    def planted(*given: Any) -> Any:
        program: Any = honest(*given)
        matrices = [value for value in program.module.parameters() if value.ndim == 2]
        matrices[-1].requires_grad_(False)
        return program

    monkeypatch.setattr(_torch, "compile_eager", planted)
    result = depth.ended(tmp_path, known[id], "backward")
    assert result.status is Status.FAIL
    assert "no gradient reaches" in result.message


def tired(module: Any) -> None:
    """From its tenth run on it gives half of what it should."""
    honest, seen = module.forward, [0]

    def forward(*given: Any, **named: Any) -> Any:
        seen[0] += 1
        outputs = honest(*given, **named)
        if seen[0] > 10:
            for value in outputs.values():
                value.mul_(0.5)
        return outputs

    module.forward = forward


@pytest.mark.parametrize("id", THREE)
def test_runs_that_are_timed_and_wrong_are_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PAUSE_S", 0.0), ("TIME_S", 0.0), ("BATCHES", ())):
        monkeypatch.setattr(speed, name, value)
    assert depth.ended(tmp_path / "right", known[id], "speed").status is Status.PASS
    depth.plant(monkeypatch, tired)
    result = depth.ended(tmp_path / "wrong", known[id], "speed")
    assert result.status is Status.FAIL
    assert result.message.startswith("after ")
