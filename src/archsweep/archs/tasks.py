"""Which tasks a class serves: pipelines inverted, gated where they promise too much, plus a table by mapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archsweep.archs.facts import ClassFacts, LibraryFacts
from archsweep.archs.modality import SPEAKING, Modalities
from archsweep.archs.taxonomy import Place
from archsweep.archs.topology import groups
from archsweep.contract import Architecture, Modality

# Mappings that no pipeline draws on, or that it should have drawn on. Names as on the Hub, where it has one.
_BY_MAPPING = {
    "AUDIO_FRAME_CLASSIFICATION": "audio-frame-classification",
    "AUDIO_TOKENIZATION": "audio-to-audio",
    "AUDIO_XVECTOR": "speaker-verification",
    "CAUSAL_IMAGE_MODELING": "unconditional-image-generation",
    "IMAGE_MATTING": "image-matting",
    "IMAGE_TO_IMAGE": "image-to-image",
    "INSTANCE_SEGMENTATION": "image-segmentation",
    "KEYPOINT_DETECTION": "keypoint-detection",
    "MASKED_IMAGE_MODELING": "masked-image-modeling",
    "MULTIPLE_CHOICE": "multiple-choice",
    "NEXT_SENTENCE_PREDICTION": "next-sentence-prediction",
    "NORMAL_ESTIMATION": "normal-estimation",
    "POINTMAP_ESTIMATION": "pointmap-estimation",
    "POSE_ESTIMATION": "keypoint-detection",
    "QUESTION_ANSWERING": "question-answering",
    "RETRIEVAL": "visual-document-retrieval",
    "RNNT": "automatic-speech-recognition",
    "SEQ_TO_SEQ_CAUSAL_LM": "text2text-generation",
    "TABLE_RECOGNITION": "table-recognition",
    "TEXT_RECOGNITION": "image-to-text",
    "TIME_SERIES_CLASSIFICATION": "time-series-classification",
    "TIME_SERIES_PREDICTION": "time-series-forecasting",
    "TIME_SERIES_REGRESSION": "time-series-regression",
    "UNIVERSAL_SEGMENTATION": "image-segmentation",
    "VISUAL_QUESTION_ANSWERING": "visual-question-answering",
}


def _text_only(item: ClassFacts, place: Place, modality: Modalities) -> bool:
    return modality == {Modality.TEXT} and place.category.startswith("text-") and "bbox" not in item.parameters


def _image_features(item: ClassFacts, place: Place, modality: Modalities) -> bool:
    return Modality.IMAGE in modality and groups(modality) == {"visual"}


def _two_towers(other: Modality) -> Callable[[ClassFacts, Place, Modalities], bool]:
    def gate(item: ClassFacts, place: Place, modality: Modalities) -> bool:
        return place.kind.architecture is Architecture.DUAL_ENCODER and {other, Modality.TEXT} <= modality

    return gate


def _generates_text(item: ClassFacts, place: Place, modality: Modalities) -> bool:
    return place.kind.architecture is Architecture.DECODER_ONLY and Modality.TEXT in modality


def _listens(item: ClassFacts, place: Place, modality: Modalities) -> bool:
    synthesises = place.kind.role == "speech-synthesiser" or SPEAKING.intersection(item.mappings)
    return Modality.AUDIO in place.modality and not synthesises


def _more_than_text(item: ClassFacts, place: Place, modality: Modalities) -> bool:
    return bool(set(item.produces) - {"text"})


def _decides(item: ClassFacts, place: Place, modality: Modalities) -> bool:
    return "DECISION" in item.mappings


_GATES: Mapping[str, Callable[[ClassFacts, Place, Modalities], bool]] = {
    "any-to-any": _more_than_text,
    "automatic-speech-recognition": _listens,
    "decision": _decides,
    "feature-extraction": _text_only,
    "fill-mask": _text_only,
    "image-feature-extraction": _image_features,
    "text-classification": _text_only,
    "text-generation": _generates_text,
    "token-classification": _text_only,
    "text2text-generation": _text_only,
    "zero-shot-audio-classification": _two_towers(Modality.AUDIO),
    "zero-shot-classification": _text_only,
}


def tasks_of(item: ClassFacts, place: Place, modality: Modalities, library: LibraryFacts) -> tuple[str, ...]:
    """The tasks of one class, sorted."""
    mappings = set(item.mappings)
    found = {task for task, drawn_on in library.tasks if mappings.intersection(drawn_on)}
    found.update(_BY_MAPPING[name] for name in mappings if name in _BY_MAPPING)
    found = {task for task in found if task not in _GATES or _GATES[task](item, place, modality)}
    if item.is_base and _two_towers(Modality.IMAGE)(item, place, modality):
        found.add("zero-shot-image-classification")
    if "SEQ_TO_SEQ_CAUSAL_LM" in mappings and place.kind.role == "audio-language":
        found.add("audio-text-to-text")
    return tuple(sorted(found))
