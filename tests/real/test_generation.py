"""How classes want to be asked for text: rules that serve each, and faults that are found all the same."""

from __future__ import annotations

from pathlib import Path

import depth
import pytest
import torch
from depth import kind_of
from transformers import GPT2Config, GPT2LMHeadModel

from archsweep.archs import generation, prompts
from archsweep.contract import Status, Subject

SERVED = {
    "blip/BlipForQuestionAnswering": "an encoder reads the prompt, padded behind",
    "janus/JanusForConditionalGeneration": "leaves out the processors that lead it",
    "voxtral_realtime/VoxtralRealtimeForConditionalGeneration": "the text is as long as the sound",
    "musicgen_melody/MusicgenMelodyForCausalLM": "several codebooks a row",
    "musicgen/MusicgenForConditionalGeneration": "gives out sound, not tokens",
    "qwen2_audio/Qwen2AudioForConditionalGeneration": "one placeholder for a whole sound",
    "molmo2/Molmo2ForConditionalGeneration": "places counted through all images",
}
UNASKED = {
    "pop2piano/Pop2PianoForConditionalGeneration": "generate wants composer_to_feature_token",
    "pocket_tts/PocketTTSForConditionalGeneration": "generate gives no logits",
    "speecht5/SpeechT5ForTextToSpeech": "generate gives no logits",
    "clvp/ClvpModelForConditionalGeneration": "generate gives no logits",
    "diffusion_gemma/DiffusionGemmaForBlockDiffusion": "generate gives no logits",
}
DRAWING = "vibevoice_asr/VibeVoiceAsrForConditionalGeneration"


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return depth.subjects()


@pytest.mark.parametrize("id", SERVED)
def test_what_is_asked_as_it_wants_to_be_passes(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.PASS, result.message
    assert {"greedy", "without a cache", "row 0 alone", "row 1 alone"} <= {*result.details["compared"]}
    assert result.details["steps"] == result.details["agreed"] == 10


@pytest.mark.parametrize("id", UNASKED)
def test_what_gives_no_tokens_is_inapplicable(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.INAPPLICABLE
    assert UNASKED[id] in result.message


def test_what_draws_random_numbers_draws_the_same_in_every_step(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[DRAWING], "generate")
    assert result.status is Status.PASS, result.message
    assert result.details["compared"] == ["greedy", "without a cache"]
    assert result.details["untried"] == ["rows alone: it draws random numbers, other ones for other rows"]


@pytest.mark.parametrize("id", ["janus/JanusForConditionalGeneration", "musicgen/MusicgenForConditionalGeneration"])
def test_a_cache_that_is_off_by_one_is_found_in_what_is_not_led(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth.shift_caches(monkeypatch)
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.FAIL
    assert result.message.startswith("without a cache:")


def test_a_sound_that_only_a_generation_takes_is_wanted(known: dict[str, Subject]) -> None:
    kind = kind_of(known["kyutai_speech_to_text/KyutaiSpeechToTextForConditionalGeneration"])
    assert prompts.wanted(kind, {"input_ids": 0}) == ("input_values",)
    assert prompts.wanted(kind, {"input_values": 0}) == ()
    assert prompts.wanted(kind_of(known["gpt2/GPT2LMHeadModel"]), {}) == ()


def test_what_generates_within_a_model_keeps_its_own_cache(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known["csm/CsmForConditionalGeneration"], "generate")
    assert "too many indices" not in result.message, "the inner decoder raises without a cache"


def test_a_token_that_stands_for_something_else_is_never_generated() -> None:
    config = GPT2Config(n_embd=8, n_head=2, n_layer=1, vocab_size=16, n_positions=32, bos_token_id=0, eos_token_id=15)
    model = GPT2LMHeadModel(config).eval()
    prompt = {"input_ids": torch.tensor([[1, 2, 3]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}

    def written(never: tuple[int, ...]) -> set[int]:
        with torch.no_grad(), generation.told(model, never):
            tokens = model.generate(**prompt, max_new_tokens=6, do_sample=False)
        return {*tokens[0, 3:].tolist()}

    first = written(())
    assert not first & written(tuple(first))
    assert model.generation_config.suppress_tokens is None
