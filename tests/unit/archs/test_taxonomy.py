"""Rules over hand-written facts; no torch. Each case is a trap that a simpler rule falls into."""

from __future__ import annotations

import pytest
from made_facts import kind, klass

from archsweep.archs.facts import LibraryFacts, TypeFacts
from archsweep.archs.taxonomy import Place, places


def place(*types: TypeFacts) -> Place:
    return places(LibraryFacts(version="0", types=types))[types[0].model_type]


TEXT = "input_ids attention_mask"
CASES = {
    "masked language model": (
        kind("a", klass("A", TEXT, "MODEL"), klass("L", TEXT, "MASKED_LM"), klass("C", TEXT, "CAUSAL_LM")),
        "text-encoders encoder-only encoder text",
    ),
    "language model": (
        kind("a", klass("A", TEXT + " past_key_values", "MODEL"), klass("C", TEXT, "CAUSAL_LM")),
        "text-decoders decoder-only language-model text",
    ),
    "recurrent language model without a cache parameter": (
        kind("a", klass("A", TEXT + " state", "MODEL"), klass("C", TEXT, "CAUSAL_LM")),
        "text-decoders decoder-only language-model text",
    ),
    "translator": (
        kind("a", klass("A", TEXT + " decoder_input_ids", "MODEL"), is_encoder_decoder=True),
        "text-encoder-decoders encoder-decoder text-to-text text",
    ),
    "a name that contains another architecture's is no evidence": (
        kind("hubert", klass("HubertModel", "input_values attention_mask", "MODEL"), klass("C", "input_values", "CTC")),
        "audio encoder-only speech-recogniser audio",
    ),
    "speech recogniser whose decoder takes text": (
        kind(
            "a",
            klass("A", "input_features decoder_input_ids", "MODEL", modalities=("audio", "text")),
            klass("S", "input_features decoder_input_ids", "SPEECH_SEQ_2_SEQ"),
            is_encoder_decoder=True,
        ),
        "audio encoder-decoder speech-recogniser text+audio",
    ),
    "text in, speech out, though mapped as speech recognition": (
        kind(
            "a",
            klass("A", TEXT + " decoder_input_ids", "MODEL"),
            klass("S", TEXT + " decoder_input_ids", "SPEECH_SEQ_2_SEQ", produces=("audio",)),
            is_encoder_decoder=True,
        ),
        "audio encoder-decoder speech-synthesiser text",
    ),
    "detector is vision though it has a decoder": (
        kind(
            "a",
            klass("A", "pixel_values pixel_mask", "MODEL"),
            klass("D", "pixel_values", "OBJECT_DETECTION"),
            is_encoder_decoder=True,
        ),
        "vision encoder-decoder detector image",
    ),
    "open-vocabulary detector": (
        kind(
            "a",
            klass("A", "input_ids pixel_values", "MODEL"),
            klass("D", "pixel_values input_ids", "ZERO_SHOT_OBJECT_DETECTION"),
        ),
        "multimodal encoder-only detector text+image",
    ),
    "prompts of points are no text": (
        kind("a", klass("A", "pixel_values input_points", "MODEL", "MASK_GENERATION", modalities=("image", "text"))),
        "vision encoder-only segmenter image",
    ),
    "two towers": (
        kind("a", klass("A", "input_ids pixel_values", "MODEL", outputs=("logits_per_image", "logits_per_text"))),
        "multimodal dual-encoder contrastive text+image",
    ),
    "two towers of text and sound are audio": (
        kind("a", klass("A", "input_ids input_features", "MODEL", outputs=("text_embeds", "audio_embeds"))),
        "audio dual-encoder contrastive text+audio",
    ),
    "declared image that no signature takes": (
        kind("a", klass("A", TEXT + " past_key_values", "MODEL", "CAUSAL_LM", modalities=("image", "text"))),
        "text-decoders decoder-only language-model text",
    ),
    "vision-language": (
        kind(
            "a",
            klass("A", TEXT + " pixel_values past_key_values", "MODEL"),
            klass("G", "input_ids pixel_values", "IMAGE_TEXT_TO_TEXT"),
        ),
        "multimodal decoder-only vision-language text+image",
    ),
    "frames make a video": (
        kind("a", klass("A", "pixel_values", "MODEL"), klass("C", "pixel_values", "VIDEO_CLASSIFICATION")),
        "vision encoder-only encoder video",
    ),
    "codec": (
        kind("a", klass("A", "input_values", "MODEL", methods=("encode", "decode"))),
        "audio codec codec audio",
    ),
    "time series": (
        kind("a", klass("A", "past_values past_observed_mask", "MODEL")),
        "other encoder-only forecaster time-series",
    ),
    "proteins": (
        kind("a", klass("A", TEXT, "MODEL"), klass("L", TEXT, "MASKED_LM"), proteins=True),
        "other encoder-only encoder protein",
    ),
    "decisions": (
        kind("a", klass("A", "states actions rewards", "MODEL")),
        "other encoder-only encoder other",
    ),
    "layout": (
        kind("a", klass("A", TEXT + " bbox", "MODEL"), klass("L", TEXT + " bbox", "MASKED_LM")),
        "multimodal encoder-only fusion-encoder text",
    ),
    "vocoder": (
        kind("a", klass("A", "input_features", "MODEL", outputs=("waveforms",))),
        "audio generator vocoder audio",
    ),
    "class missing for want of a package": (
        kind("a", klass("A", "", "MODEL", "AUDIO_TOKENIZATION", fault="needs torchaudio", main_input="")),
        "audio codec codec audio",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_type_gets_its_place(name: str) -> None:
    facts, expected = CASES[name]
    found = place(facts)
    order = [str(item) for item in type(next(iter(found.modality)))]
    modality = "+".join(sorted(map(str, found.modality), key=order.index))
    assert f"{found.category} {found.kind.architecture} {found.kind.role} {modality}" == expected


def test_a_part_is_judged_by_its_own_signature_not_by_its_familys_declaration() -> None:
    whole = kind("a", klass("A", TEXT + " pixel_values", "MODEL"), parts=(("vision_config", "a_vision"),))
    declared = ("image", "text", "audio")
    part = kind("a_vision", klass("V", "pixel_values", "MODEL", modalities=declared), family="a", config="m:v")
    found = place(part, whole)
    assert (found.category, found.standing) == ("vision", "sub-model")


def test_a_part_with_a_head_of_its_own_is_both_and_a_default_of_another_family_is_neither() -> None:
    parts = (("text_config", "a_text"), ("vision_config", "b"))
    whole = kind("a", klass("A", TEXT + " pixel_values", "MODEL"), parts=parts)
    text = kind("a_text", klass("T", TEXT, "MODEL"), klass("C", TEXT, "CAUSAL_LM"), family="a", config="m:t")
    other = kind("b", klass("B", "pixel_values", "MODEL"))
    assert place(text, whole, other).standing == "both"
    assert place(other, whole, text).standing == "stand-alone"


def test_the_halves_of_a_codec_are_codecs() -> None:
    whole = kind("a", klass("A", "input_values", "MODEL", methods=("encode", "decode")))
    half = kind("a_decoder", klass("D", "hidden_states", "MODEL", main_input="input_values"), family="a", config="m:d")
    assert (place(half, whole).kind.architecture, place(half, whole).category) == ("codec", "audio")


def test_a_folder_that_differs_only_in_separators_is_the_types_own() -> None:
    assert place(kind("xclip", klass("X", "input_ids", "MODEL"), family="x_clip")).standing == "stand-alone"
