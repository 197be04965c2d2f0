"""What goes into a model, from declarations where somebody made one and from the forward signature where not.

Matches whole parameter names and never parts of model names. Rules M1 to M9, each with the fault it mends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from archsweep.archs.facts import ClassFacts, TypeFacts
from archsweep.contract import Modality

Modalities = frozenset[Modality]

_DECLARED = {"time": Modality.TIME_SERIES, "state": Modality.OTHER, "action": Modality.OTHER}
_VISUAL = frozenset({Modality.IMAGE, Modality.VIDEO})
_NAMES = {
    Modality.TEXT: re.compile(r"(?!protein_|audio_)(\w+_)?input_ids|text_(inputs|embeds|features)|texts?|task_inputs"),
    Modality.IMAGE: re.compile(
        r"(\w+_)?pixel_values(?!_video)(_\w+)?|images?|flattened_patches|visual_(feats|embeds)|image_(embeds|patches)"
    ),
    Modality.VIDEO: re.compile(r"(\w+_)?pixel_values_videos?|videos?|frames?|inference_session|video_(embeds|inputs)"),
    Modality.AUDIO: re.compile(
        r"(\w+_)?(input_features|input_values|waveforms?|speech_inputs)|spectrograms?|"
        r"audio_(?!labels)\w+|padding_mask_audio|audios?"
    ),
    Modality.TIME_SERIES: re.compile(r"past_values"),
    Modality.PROTEIN: re.compile(r"protein_\w+"),
}
_PLAIN_INPUTS = re.compile(r"inputs_embeds|hidden_states|\w*latents|\w+_embeds|\w+_codes|")
_SEES = re.compile(
    r"(.*_)?(pixel|image|images|visual|vision|frame|frames|grid|mm_encoder|video|videos)(_.*)?|inference_session"
)
_READS = re.compile(r"(.*_)?(input_ids|inputs_embeds|text|texts)(_.*)?|task_inputs")
_VISION_PART = re.compile(r"(.*_)?(vision|visual|image|video|backbone)(_.*)?")
# heads whose inputs belong to the type even where the base model takes fewer
SPEAKING = frozenset({"TEXT_TO_WAVEFORM", "TEXT_TO_SPECTROGRAM"})
WIDENING = frozenset(
    {
        "CAUSAL_LM",
        "IMAGE_TEXT_TO_TEXT",
        "MULTIMODAL_LM",
        "MASKED_LM",
        "SEQ_TO_SEQ_CAUSAL_LM",
        "SPEECH_SEQ_2_SEQ",
        "TEXT_TO_WAVEFORM",
        "TEXT_TO_SPECTROGRAM",
        "MASK_GENERATION",
    }
)


def of_type(facts: TypeFacts, types: Mapping[str, TypeFacts], leaf: bool) -> Modalities:
    """The modalities of a model type. `leaf`: it is a part of another model and has no such parts itself."""
    base = next((item for item in facts.classes if item.is_base), next(iter(facts.classes), None))
    heads = [item for item in facts.classes if WIDENING.intersection(item.mappings) and item is not base]
    found: set[Modality] = set()
    if base is not None and not base.fault:
        found |= _of_base(base, leaf)
    if not leaf:
        for head in heads:
            found |= _stated(head)
    if not any(item.parameters for item in facts.classes):  # M9: only its parts take inputs
        found |= {item for part in _part_types(facts, types) for item in of_type(part, types, True)}
        if SPEAKING.intersection(name for item in facts.classes for name in item.mappings):
            found = {Modality.TEXT}  # the audio belongs to its codec, which comes after it
    found = set(_corrected(facts, types, found, [item for item in (base, *heads) if item is not None], leaf))
    if _counts_frames(facts, types):  # M5
        found = found - {Modality.IMAGE} | {Modality.VIDEO} if Modality.IMAGE in found else found
    if facts.proteins and found <= {Modality.TEXT}:  # M8
        found = {Modality.PROTEIN}
    if not found and base is not None and not base.fault and base.main_input not in ("", "input_ids"):
        found = set(_matching({base.main_input}))
    return frozenset(found or _by_place(facts, types, base))


def of_class(item: ClassFacts, facts: TypeFacts, types: Mapping[str, TypeFacts], whole: Modalities) -> Modalities:
    """The modalities of one class: the type's, less what this class cannot take."""
    if item.is_base or item.fault or not item.parameters:
        return whole
    own = _corrected(facts, types, set(_stated(item)), [item], True) or whole
    if Modality.VIDEO in whole and Modality.IMAGE not in whole and Modality.IMAGE in own:
        own = (own - {Modality.IMAGE}) | {Modality.VIDEO}
    if whole & {Modality.PROTEIN, Modality.OTHER} and own <= {Modality.TEXT}:
        return whole
    return frozenset(own)


def by_signature(item: ClassFacts) -> Modalities:
    """What the parameter names say, with the main input's when none says anything."""
    names = set(item.parameters)
    found = set(_matching(names))
    if not found and "inputs_embeds" in names:
        found.add(Modality.TEXT)
    return frozenset(found)


def _matching(names: Iterable[str]) -> Modalities:
    kept = list(names)
    return frozenset(kind for kind, pattern in _NAMES.items() if any(pattern.fullmatch(name) for name in kept))


def _of_base(base: ClassFacts, leaf: bool) -> Modalities:
    if leaf and not base.own_modalities:  # M2: a part inherits its family's declaration, which is about the whole
        return by_signature(base) or _stated(base)
    return _stated(base)


def _stated(item: ClassFacts) -> Modalities:
    if item.modalities is None:  # M1
        return by_signature(item)
    return frozenset(_DECLARED.get(name) or _as_modality(name) for name in item.modalities)


def _as_modality(name: str) -> Modality:
    return Modality(name) if name in set(Modality) else Modality.OTHER


def _corrected(
    facts: TypeFacts, types: Mapping[str, TypeFacts], found: set[Modality], readers: list[ClassFacts], leaf: bool
) -> Modalities:
    """M3, M4, M6, M7: take away what no signature can hold, add what only the signature tells."""
    names = {name for item in readers for name in item.parameters}
    sees_by_part = not leaf and any(_VISION_PART.fullmatch(key) for key, _ in facts.parts)
    features = any("get_image_features" in item.methods for item in readers)
    if names and not (sees_by_part or features or any(_SEES.fullmatch(name) for name in names)):
        found -= _VISUAL  # M3
    if names and not _reads(facts, types, names, leaf):
        found.discard(Modality.TEXT)  # M4
    if not leaf and {Modality.TEXT, Modality.IMAGE} <= found and "video_processor" in facts.processors:
        found.add(Modality.VIDEO)  # M6
    if any(_NAMES[Modality.PROTEIN].fullmatch(name) for name in names):
        found.add(Modality.PROTEIN)  # M7
    for item in readers:
        known = any(pattern.fullmatch(item.main_input) for pattern in _NAMES.values())
        if item.main_input in item.parameters and not known and not _PLAIN_INPUTS.fullmatch(item.main_input):
            found.add(Modality.OTHER)  # M7
            if not any(pattern.fullmatch(name) for name in item.parameters for pattern in _NAMES.values()):
                found.discard(Modality.TEXT)
    return frozenset(found)


def _reads(facts: TypeFacts, types: Mapping[str, TypeFacts], names: set[str], leaf: bool) -> bool:
    """A text parameter; or a session, which holds prompts, where some part has a vocabulary. Points are no text."""
    if any(_READS.fullmatch(name) for name in names):
        return True
    return not leaf and "inference_session" in names and _has_vocabulary(facts, types)


def _has_vocabulary(facts: TypeFacts, types: Mapping[str, TypeFacts], depth: int = 4) -> bool:
    if "vocab_size" in facts.config_fields:
        return True
    return depth > 0 and any(_has_vocabulary(part, types, depth - 1) for part in _part_types(facts, types))


def _part_types(facts: TypeFacts, types: Mapping[str, TypeFacts]) -> Iterable[TypeFacts]:
    return [types[name] for _, name in facts.parts if name in types and types[name] is not facts]


def _counts_frames(facts: TypeFacts, types: Mapping[str, TypeFacts]) -> bool:
    if any("VIDEO_CLASSIFICATION" in item.mappings for item in facts.classes):
        return True
    seeing = [part for part in _part_types(facts, types) if part.family == facts.family]
    return any("num_frames" in item.config_fields for item in (facts, *seeing))


_PLACES = {
    Modality.IMAGE: re.compile(r"(.*_)?(vision|visual|image)(_.*)?"),
    Modality.AUDIO: re.compile(r"(.*_)?(audio|speech|acoustic)(_.*)?"),
    Modality.TEXT: re.compile(r"(.*_)?text(_.*)?"),
}


def _by_place(facts: TypeFacts, types: Mapping[str, TypeFacts], base: ClassFacts | None) -> Modalities:
    """The last resort, for a model fed with its parent's features or unreadable: where it is used, what it has."""
    mappings = {name for item in facts.classes for name in item.mappings}
    if "AUDIO_TOKENIZATION" in mappings:
        return frozenset({Modality.AUDIO})
    kinds = {
        "tokenizer": Modality.TEXT,
        "image_processor": Modality.IMAGE,
        "video_processor": Modality.VIDEO,
        "feature_extractor": Modality.AUDIO,
    }
    found = frozenset(kinds[name] for name in facts.processors if name in kinds)
    wholes = [item for item in types.values() if any(part == facts.model_type for _, part in item.parts)]
    keys = {key for item in wholes for key, part in item.parts if part == facts.model_type} | {facts.config_key}
    placed = frozenset(kind for kind, pattern in _PLACES.items() if any(pattern.fullmatch(key) for key in keys))
    inherited = base.modalities if base is not None else None
    if found or placed:
        return found or placed
    if inherited:
        return frozenset(_DECLARED.get(name) or _as_modality(name) for name in inherited)
    cached = base is not None and "past_key_values" in base.parameters
    return frozenset({Modality.TEXT if cached or "vocab_size" in facts.config_fields else Modality.OTHER})
