"""Architecture (topology) and role, two axes, of a type and of each of its classes. First rule that matches wins.

Reads mappings, signatures and outputs; never a model's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from archsweep.archs.facts import ClassFacts, TypeFacts
from archsweep.archs.modality import SPEAKING, Modalities
from archsweep.contract import Architecture, Modality


@dataclass(frozen=True)
class Kind:
    architecture: Architecture
    role: str


_DETECTION = frozenset({"OBJECT_DETECTION", "ZERO_SHOT_OBJECT_DETECTION"})
_SEGMENTATION = frozenset({"INSTANCE_SEGMENTATION", "UNIVERSAL_SEGMENTATION", "MASK_GENERATION", "IMAGE_SEGMENTATION"})
_KEYPOINTS = frozenset({"KEYPOINT_DETECTION", "KEYPOINT_MATCHING", "POSE_ESTIMATION"})
TRANSCRIPTION = frozenset({"CTC", "RNNT", "TDT", "SPEECH_SEQ_2_SEQ"})
_LANGUAGE = frozenset({"IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM"})
_PAIRS = re.compile(r"logits_per_\w+|logits_(text|image|audio|video|speech)_(text|image|audio|video|speech)")
_TOWERS = re.compile(r"(text|image|vision|video|audio|speech)_embeds")
_SOUND = re.compile(r"waveforms?|spectrograms?")
# What a class is for, where its mapping says so better than its type does.
_ROLES = {
    "OBJECT_DETECTION": "detector",
    "ZERO_SHOT_OBJECT_DETECTION": "detector",
    "INSTANCE_SEGMENTATION": "segmenter",
    "UNIVERSAL_SEGMENTATION": "segmenter",
    "IMAGE_SEGMENTATION": "segmenter",
    "SEMANTIC_SEGMENTATION": "segmenter",
    "MASK_GENERATION": "segmenter",
    "KEYPOINT_DETECTION": "keypoint-detector",
    "KEYPOINT_MATCHING": "keypoint-matcher",
    "POSE_ESTIMATION": "keypoint-detector",
    "DEPTH_ESTIMATION": "depth-estimator",
    "BACKBONE": "backbone",
    "RETRIEVAL": "retrieval",
    "CTC": "speech-recogniser",
    "RNNT": "speech-recogniser",
    "TDT": "speech-recogniser",
    "SPEECH_SEQ_2_SEQ": "speech-recogniser",
    "TEXT_TO_WAVEFORM": "speech-synthesiser",
    "TEXT_TO_SPECTROGRAM": "speech-synthesiser",
    "IMAGE_CLASSIFICATION": "classifier",
    "VIDEO_CLASSIFICATION": "classifier",
    "AUDIO_CLASSIFICATION": "classifier",
    "SEQUENCE_CLASSIFICATION": "classifier",
    "TOKEN_CLASSIFICATION": "token-classifier",
    "QUESTION_ANSWERING": "question-answering",
    "MULTIPLE_CHOICE": "multiple-choice",
    "DECISION": "decision-maker",
}


def groups(modality: Modalities) -> frozenset[str]:
    """Kinds of input, image and video being one."""
    return frozenset("visual" if item in (Modality.IMAGE, Modality.VIDEO) else str(item) for item in modality)


def mappings_of(classes: Iterable[ClassFacts]) -> frozenset[str]:
    return frozenset(name for item in classes for name in item.mappings)


def of_type(facts: TypeFacts, modality: Modalities) -> Kind:
    """Topology and role of a model type."""
    mapped = [item for item in facts.classes if item.mappings] or list(facts.classes)
    base = [item for item in mapped if item.is_base] or mapped
    mappings = mappings_of(mapped)
    outputs = {name for item in mapped for name in item.outputs}
    flat = Architecture.ENCODER_DECODER if facts.is_encoder_decoder else Architecture.ENCODER_ONLY
    if "RETRIEVAL" in mappings or _only_embeddings(base, modality):
        return Kind(flat, "retrieval")
    if _DETECTION & mappings or "pred_boxes" in outputs:
        return Kind(flat, "detector")
    if _SEGMENTATION & mappings or "pred_masks" in outputs:
        return Kind(flat, "segmenter")
    if _KEYPOINTS & mappings:
        return Kind(flat, "keypoint-detector")
    if Modality.TIME_SERIES in modality:
        return Kind(flat, "forecaster")
    if "AUDIO_TOKENIZATION" in mappings or any(_is_codec(item) for item in base):
        return Kind(Architecture.CODEC, "codec")
    if _has_towers(facts, modality, mappings, base, outputs):
        return Kind(Architecture.DUAL_ENCODER, "contrastive")
    if _synthesises(facts, modality, mappings, outputs):
        return _synthesis(facts, mapped, modality)
    if facts.is_encoder_decoder:
        return Kind(flat, _seq2seq_role(modality, mappings))
    return _single_stack(modality, mappings, mapped, base)


def of_class(item: ClassFacts, facts: TypeFacts, kind: Kind, modality: Modalities) -> Kind:
    """A class takes its type's topology, except where its own signature or mapping shows another."""
    architecture, role = kind.architecture, kind.role
    mappings = frozenset(item.mappings)
    for name in item.mappings:
        role = _ROLES.get(name, role) if not item.is_base else role
    if item.is_base or not item.parameters:
        return kind
    decodes = any(name.startswith("decoder_") for name in item.parameters)
    if architecture is Architecture.ENCODER_DECODER and kind.role not in ("detector", "segmenter", "forecaster"):
        if not decodes and facts.is_encoder_decoder and not _LANGUAGE & mappings - {"CAUSAL_LM"}:
            if "CAUSAL_LM" in mappings:
                return Kind(Architecture.DECODER_ONLY, "language-model")
            if not item.generates:
                return Kind(Architecture.ENCODER_ONLY, role if role != kind.role else "encoder")
    elif architecture is Architecture.ENCODER_ONLY and "CAUSAL_LM" in mappings:
        return Kind(Architecture.DECODER_ONLY, "language-model")
    elif architecture is Architecture.DUAL_ENCODER:
        if _LANGUAGE & mappings:
            return Kind(Architecture.DECODER_ONLY, "vision-language")
        if len(groups(modality)) < 2:  # one of the towers
            return Kind(Architecture.ENCODER_ONLY, role if role != kind.role else "encoder")
    return Kind(architecture, role)


def _is_codec(item: ClassFacts) -> bool:
    """Encodes and decodes; or encodes, and offers nothing else."""
    return "encode" in item.methods and ("decode" in item.methods or not (item.parameters or item.fault))


def _only_embeddings(base: list[ClassFacts], modality: Modalities) -> bool:
    ignored = {"loss", "past_key_values", "hidden_states", "attentions"}
    return len(groups(modality)) > 1 and any(
        set(item.outputs) - ignored and set(item.outputs) - ignored <= {"embeddings"} for item in base
    )


def _has_towers(
    facts: TypeFacts, modality: Modalities, mappings: frozenset[str], base: list[ClassFacts], outputs: set[str]
) -> bool:
    if len(groups(modality)) < 2 or "multimodal_embeddings" in outputs:
        return False
    own = {name for item in base for name in item.outputs}
    if any(_PAIRS.fullmatch(name) for name in own):
        return True
    towers = {name for name in own if _TOWERS.fullmatch(name)}
    return len(towers) >= 2 and not _LANGUAGE & mappings and not facts.is_encoder_decoder


def _synthesises(facts: TypeFacts, modality: Modalities, mappings: frozenset[str], outputs: set[str]) -> bool:
    if facts.is_encoder_decoder and Modality.AUDIO in modality and "SPEECH_SEQ_2_SEQ" not in mappings:
        return False  # continues music from a prompt
    if TRANSCRIPTION & mappings and Modality.AUDIO in modality:
        return bool(SPEAKING & mappings) and not facts.is_encoder_decoder
    produces = {name for item in facts.classes if item.mappings for name in item.produces} - {"text"}
    speaks = bool(SPEAKING & mappings) or (Modality.TEXT in modality and produces == {"audio"})
    return speaks or any(_SOUND.fullmatch(name) for name in outputs)


def _synthesis(facts: TypeFacts, mapped: list[ClassFacts], modality: Modalities) -> Kind:
    if facts.is_encoder_decoder:
        return Kind(Architecture.ENCODER_DECODER, "speech-synthesiser")
    if any(item.generates or "past_key_values" in item.parameters for item in mapped):
        return Kind(Architecture.DECODER_ONLY, "speech-synthesiser")
    return Kind(Architecture.GENERATOR, "speech-synthesiser" if Modality.TEXT in modality else "vocoder")


def _seq2seq_role(modality: Modalities, mappings: frozenset[str]) -> str:
    if Modality.AUDIO in modality:
        return "speech-recogniser" if TRANSCRIPTION & mappings else "audio-generator"
    if len(groups(modality)) > 1:
        return "vision-language"
    return "text-to-text" if Modality.TEXT in modality else "encoder-decoder"


def _single_stack(
    modality: Modalities, mappings: frozenset[str], mapped: list[ClassFacts], base: list[ClassFacts]
) -> Kind:
    cached = any("past_key_values" in (item.parameters or item.outputs) for item in base)
    several = groups(modality)
    if len(several) > 1:
        talks = {"IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "CAUSAL_LM"} & mappings and "MASKED_LM" not in mappings
        generates = any(item.generates for item in mapped)
        if talks or ((cached or generates) and "MASKED_LM" not in mappings):
            return Kind(Architecture.DECODER_ONLY, _language_role(several))
        return Kind(Architecture.ENCODER_ONLY, "fusion-encoder")
    if any("bbox" in item.parameters for item in base):
        return Kind(Architecture.ENCODER_ONLY, "fusion-encoder")
    if "MASKED_LM" in mappings or ("TEXT_ENCODING" in mappings and not cached):
        return Kind(Architecture.ENCODER_ONLY, "encoder")
    if {"CAUSAL_LM", "CAUSAL_IMAGE_MODELING"} & mappings or (cached and not several & {"audio", "visual"}):
        role = "language-model" if Modality.TEXT in modality else "decoder"
        return Kind(Architecture.DECODER_ONLY, role)
    if TRANSCRIPTION & mappings:
        return Kind(Architecture.ENCODER_ONLY, "speech-recogniser")
    if "BACKBONE" in mappings and mappings <= {"MODEL", "BACKBONE"}:
        return Kind(Architecture.ENCODER_ONLY, "backbone")
    return Kind(Architecture.ENCODER_ONLY, "encoder")


def _language_role(several: frozenset[str]) -> str:
    if {"visual", "audio"} <= several:
        return "omni-language"
    return "vision-language" if "visual" in several else "audio-language" if "audio" in several else "language-model"
