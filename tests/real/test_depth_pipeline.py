"""The check of pipelines on real architectures: sound ones of many tasks pass, and planted faults are found."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import depth
import pytest
import torch
from depth import kind_of
from transformers.pipelines import PIPELINE_REGISTRY, _resolve_impl

from archsweep.archs.raw import tokenizer
from archsweep.contract import Status, Subject

SOUND = {
    "bert/BertForMaskedLM": "fill-mask",
    "gpt2/GPT2LMHeadModel": "text-generation",
    "vit/ViTForImageClassification": "image-classification",
    "wav2vec2/Wav2Vec2ForCTC": "automatic-speech-recognition",
    "clip/CLIPModel": "zero-shot-image-classification",
    "llava/LlavaForConditionalGeneration": "image-text-to-text",
    "detr/DetrForObjectDetection": "object-detection",
}
THREE = {
    "bert/BertForSequenceClassification": "text-classification",
    "vit/ViTForImageClassification": "image-classification",
    "wav2vec2/Wav2Vec2ForSequenceClassification": "audio-classification",
}
TEXTS = {
    "bert/BertForSequenceClassification": "text-classification",
    "roberta/RobertaForTokenClassification": "token-classification",
    "albert/AlbertForMaskedLM": "fill-mask",
    "modernbert/ModernBertForMaskedLM": "fill-mask",
}


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return depth.subjects()


def pipeline_of(task: str) -> Any:
    return _resolve_impl(PIPELINE_REGISTRY.check_task(task)[1]["impl"])


@pytest.mark.parametrize("id", SOUND)
def test_a_sound_pipeline_passes(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.PASS, result.message
    assert SOUND[id] in result.details["tasks"]


def louder(module: Any, given: Any, outputs: Any) -> Any:
    outputs.logits = outputs.logits * 1.01
    return outputs


@pytest.mark.parametrize("id", THREE)
def test_outputs_that_are_a_hundredth_too_large_on_the_platform_are_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth.plant(monkeypatch, lambda module: module.register_forward_hook(louder))
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.FAIL, result.message
    assert "relative error" in result.message


def shifted(module: Any) -> None:
    """Each token has the embedding of the one before it."""
    embeddings = module.get_input_embeddings()
    embeddings.weight.data = embeddings.weight.data.roll(1, 0)


@pytest.mark.parametrize("id", TEXTS)
def test_numbers_of_tokens_that_are_shifted_on_the_platform_are_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth.plant(monkeypatch, shifted)
    assert depth.ended(tmp_path, known[id], "pipeline").status is Status.FAIL


@pytest.mark.parametrize("id", TEXTS)
def test_a_mask_that_is_lost_between_tokenizer_and_model_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = pipeline_of(TEXTS[id])
    honest = kind._forward

    def forgetful(pipe: Any, model_inputs: Any, **named: Any) -> Any:
        model_inputs.pop("attention_mask")
        return honest(pipe, model_inputs, **named)

    monkeypatch.setattr(kind, "_forward", forgetful)
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.FAIL, result.message
    assert "not given the attention_mask" in result.message


def plain(made: Any) -> None:
    """The image's mean and standard deviation are taken back."""
    made["pixel_values"] = made["pixel_values"] * 0.5 + 0.5


@pytest.mark.parametrize(
    "id", ["vit/ViTForImageClassification", "swin/SwinForImageClassification", "resnet/ResNetForImageClassification"]
)
def test_images_that_are_not_normalised_are_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = pipeline_of("image-classification")
    honest = kind.preprocess

    def spoiled(pipe: Any, *given: Any, **named: Any) -> Any:
        made = honest(pipe, *given, **named)
        plain(made)
        return made

    monkeypatch.setattr(kind, "preprocess", spoiled)
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.FAIL, result.message
    assert "not given the pixel_values" in result.message


@pytest.mark.parametrize("id", THREE)
def test_a_model_that_ignores_what_it_is_given_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known[id])
    honest, name = kind.forward, kind.main_input_name

    def deaf(model: Any, *given: Any, **named: Any) -> Any:
        named[name] = torch.ones_like(named[name])
        return honest(model, *given, **named)

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(deaf))
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.FAIL, result.message
    assert "gives the same outputs" in result.message


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("transformers", "BertTokenizer"),
        ("transformers", "GPT2Tokenizer"),
        ("transformers", "T5Tokenizer"),
        ("transformers", "TokenizersBackend"),
        ("transformers", "SiglipTokenizer"),
        ("transformers", "CTRLTokenizer"),
    ],
)
def test_a_tokenizer_has_the_numbers_of_its_model(module: str, name: str) -> None:
    kind = getattr(importlib.import_module(module), name)
    made = tokenizer.built(
        kind, 400, {"pad_token": 5, "eos_token": 399, "image_token": 7}, {"image_token": "<picture>"}
    )
    encoded = made("A man is eating a bowl of soup.")["input_ids"]
    assert (made.pad_token_id, made.eos_token_id) == (5, 399)
    assert made.convert_tokens_to_ids("<picture>") == 7
    assert len(made) == 400
    assert len(set(encoded)) > 5
    assert max(encoded) < 400
