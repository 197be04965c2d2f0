"""Inputs for any class, from its forward signature, its declared modalities and its configuration.

Every input that the class treats as meaningful is made, with real padding in a batch of two; what goes with what is
read from parameter names. Where several layouts are possible, `hints` says which; a search over hints is the recipe's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archsweep.archs.inputs import audio, extra, heads, image, placeholders, series, session, text
from archsweep.archs.inputs.facts import Facts, signature
from archsweep.contract import Modality, Subject

MODALITIES: dict[str, tuple[str, ...]] = {
    "text": ("input_ids", "decoder_input_ids", "langs"),
    "image": (*image.IMAGES, "flattened_patches", "visual_feats"),
    "video": (*image.VIDEOS, "video"),
    "audio": (
        "input_features",
        "input_values",
        "audio_values",
        "audio_features",
        "input_audio",
        "audio_input_features",
        "waveform",
    ),
    "time-series": ("past_values",),
    "protein": ("protein_input_ids",),
    "boxes": ("bbox", "input_boxes", "input_points"),
}


def draw(
    subject: Subject, kind: type, config: Any, hints: Mapping[str, Any], seed: int = 0, model: Any = None
) -> dict[str, Any]:
    """Tensors by parameter name for the class `kind` with `config`; the same on every machine.

    `model`, an instance, is asked how many features an image or a sound gives where no hint says it; what it answers
    is kept in `hints` (if that is a dict), so that the same inputs can be drawn again without a model.
    """
    facts = Facts(
        subject=subject,
        kind=kind,
        model=model,
        config=config,
        parameters=signature(kind),
        hints=hints if isinstance(hints, dict) else dict(hints),
        seed=seed,
    )
    made: dict[str, Any] = session.session_inputs(facts)
    for part in (image.image_inputs, image.video_inputs, audio.audio_inputs, series.series_inputs, text.text_inputs):
        for name, value in part(facts).items():
            made.setdefault(name, value)
    made.update(text.decoder_inputs(facts))
    for name, value in extra.extra_inputs(facts, made).items():
        made.setdefault(name, value)
    placeholders.place(facts, made)
    extra.sighted(facts, made)
    heads.reshape_for_head(facts, made)
    if facts.hints.get("true_masks"):
        made.update({name: value.bool() for name, value in made.items() if name.endswith("attention_mask")})
    dropped = {*facts.hints.get("drop", ()), *facts.hints.get("ignored", ())}
    rows = facts.hints.get("rows")  # fewer rows than usual, for a class that takes one at a time
    kept = {name: value for name, value in made.items() if name not in dropped}
    return {name: value[:rows] for name, value in kept.items()} if rows else kept


def modalities(inputs: Mapping[str, Any], declared: Sequence[Modality] = ()) -> tuple[str, ...]:
    """Which modalities a set of inputs feeds: by names, and where those say nothing by what the subject reads first:
    patches, samples and latents go by many names."""
    fed = {*inputs, *(name for value in inputs.values() if isinstance(value, Mapping) for name in value)}
    found = tuple(kind for kind, names in MODALITIES.items() if fed & set(names))
    numbers = any(hasattr(value, "is_floating_point") and value.is_floating_point() for value in inputs.values())
    plain = [str(kind) for kind in declared if kind not in (Modality.OTHER, Modality.TEXT)]
    return found or (tuple(plain[:1]) if numbers else ())
