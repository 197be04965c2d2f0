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
# Each passes by one rule: what is named behind it.
FITTED = {
    "aya_vision/AyaVisionForConditionalGeneration": "the token that is written most has the model's number",
    "cohere2_vision/Cohere2VisionForConditionalGeneration": "a setting follows what the model counts",
    "ovis2/Ovis2ForConditionalGeneration": "tokens are read off the processor's code",
    "florence2/Florence2ForConditionalGeneration": "a text without a placeholder, which the processor writes",
    "blip-2/Blip2ForConditionalGeneration": "a tokenizer that leaves the placeholder to the processor",
    "mllama/MllamaForConditionalGeneration": "a tokenizer has the tokens that the processor asks it for",
    "eomt/EomtForUniversalSegmentation": "an image is filled up to the shape that the model takes",
    "gpt_neox_japanese/GPTNeoXJapaneseModel": "a file has the table that the tokenizer looks for",
    "xlnet/XLNetLMHeadModel": "what a generation is handed is compared",
    "layoutlm/LayoutLMForQuestionAnswering": "an image that nothing reads need not matter",
    "umt5/UMT5ForSequenceClassification": "an encoder's text ends with the token of its end",
    "git/GitForCausalLM": "a tokenizer makes the inputs that the model takes",
    "clap/ClapModel": "a setting decides how many channels a sound has",
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


@pytest.mark.parametrize("id", FITTED)
def test_what_is_built_offline_fits_the_tiny_model(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.PASS, result.message


def test_a_pipeline_that_asks_the_hub_for_a_file_was_not_tried(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known["speecht5/SpeechT5ForTextToSpeech"], "pipeline")
    assert result.status is Status.UNAVAILABLE
    assert result.message.startswith("text-to-audio loads a file that is not here")


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("pi0/PI0ForConditionalGeneration", "nothing but generate"),
        ("evolla/EvollaForProteinText2Text", "the processor has"),
        ("efficientloftr/EfficientLoFTRModel", "several images at once"),
        ("seamless_m4t/SeamlessM4TForTextToSpeech", "generate wants tgt_lang"),
    ],
)
def test_a_pipeline_that_a_class_cannot_serve_is_none_of_its(
    id: str, told: str, known: dict[str, Subject], tmp_path: Path
) -> None:
    result = depth.ended(tmp_path, known[id], "pipeline")
    assert result.status is Status.INAPPLICABLE
    assert told in result.message


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
