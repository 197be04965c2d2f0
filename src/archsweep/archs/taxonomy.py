"""Puts the rules together: facts in, one Subject for each class of each model type out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archsweep.archs import modality as modalities
from archsweep.archs import topology
from archsweep.archs.facts import LibraryFacts, TypeFacts
from archsweep.archs.modality import Modalities
from archsweep.archs.standing import standings
from archsweep.archs.topology import Kind, groups
from archsweep.contract import Architecture, Modality, Standing

# Conventions of this project, not facts: what is listened to or spoken is audio, also where text goes in beside it.
_AUDIO_ROLES = frozenset({"codec", "contrastive", "speech-synthesiser", "vocoder", "audio-generator"})
_TEXT_CATEGORIES = {
    Architecture.ENCODER_ONLY: "text-encoders",
    Architecture.DECODER_ONLY: "text-decoders",
    Architecture.ENCODER_DECODER: "text-encoder-decoders",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a model type stands in the taxonomy."""

    facts: TypeFacts
    modality: Modalities
    kind: Kind
    category: str
    standing: Standing


def places(library: LibraryFacts) -> dict[str, Place]:
    """The place of every model type."""
    types = {item.model_type: item for item in library.types}
    standing = standings(library.types)
    placed = {}
    for name, facts in types.items():
        leaf = standing[name] is not Standing.STAND_ALONE and not facts.parts
        inputs = modalities.of_type(facts, types, leaf)
        kind = topology.of_type(facts, inputs)
        if kind.role == "codec" and len(inputs) > 1:  # a codec turns signals into tokens; text needs none
            inputs -= {Modality.TEXT}
        category = category_of(facts, inputs, kind)
        placed[name] = Place(facts=facts, modality=inputs, kind=kind, category=category, standing=standing[name])
    wholes = [item for item in placed.values() if item.standing is Standing.STAND_ALONE]
    codecs = {item.facts.family: item.kind for item in wholes if item.kind.role == "codec"}
    for name, place in placed.items():  # a codec's halves are what they are in it, whatever their own signatures say
        if place.standing is Standing.SUB_MODEL and place.facts.family in codecs:
            placed[name] = replace(place, kind=codecs[place.facts.family])
    return placed


def category_of(facts: TypeFacts, modality: Modalities, kind: Kind) -> str:
    """One of the seven categories."""
    if modality & {Modality.PROTEIN, Modality.TIME_SERIES, Modality.OTHER}:
        return "other"
    several = groups(modality)
    mappings = topology.mappings_of(facts.classes)
    if "MASK_GENERATION" in mappings or several == {"visual"}:
        return "vision"
    if several <= {"text", "audio"} and (several == {"audio"} or kind.role in _AUDIO_ROLES):
        return "audio"
    if several == {"text", "audio"} and _transcribes(facts, mappings):
        return "audio"
    if several == {"text"} and kind.role != "fusion-encoder":
        return _TEXT_CATEGORIES.get(kind.architecture, "other")
    return "multimodal"


def _transcribes(facts: TypeFacts, mappings: frozenset[str]) -> bool:
    """Speech recognition and nothing else: text is only what comes out."""
    if {"CTC", "RNNT", "TDT"} & mappings:
        return True
    return "SPEECH_SEQ_2_SEQ" in mappings and facts.is_encoder_decoder and "SEQ_TO_SEQ_CAUSAL_LM" not in mappings
