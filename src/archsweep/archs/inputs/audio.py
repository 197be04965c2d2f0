"""Waveforms, log-mel features and their masks. Knows field names, never architectures."""

from __future__ import annotations

import math
from typing import Any

from archsweep.archs.inputs.facts import BATCH, Facts

AUDIO = ("audio", "speech", "encoder", "acoustic")
SAMPLES, STEPS = 3200, 96


def mel_bins(facts: Facts) -> int:
    found = facts.find(
        "num_mel_bins", "n_mels", "n_mel_bins", "mel_bins", "input_feat_per_channel", "feature_projection_input_dim", "num_mel_channels",
        "input_feat_size", "feature_size", "input_channels", "input_dim", "mel_dim", "in_channels", within=AUDIO,
    )  # fmt: skip
    return int(found) if isinstance(found, int) and found > 1 else 80


def steps(facts: Facts) -> int:
    """Frames of a feature sequence: what the configuration fixes, else a short one."""
    if "steps" in facts.hints:
        return int(facts.hints["steps"])
    positions = facts.find("max_source_positions", within=AUDIO)
    fixed = vars(facts.config).get("max_length")
    if isinstance(fixed, int) and 16 <= fixed <= 1024 and facts.find("patch_size"):
        return fixed
    if isinstance(positions, int) and positions <= 1500 and facts.find("conv_kernel_sizes") is None:
        return 2 * positions
    return STEPS


def samples(facts: Facts) -> int:
    """Raw samples: a few frames of whatever stride the configuration implies."""
    if "samples" in facts.hints:
        return int(facts.hints["samples"])
    strides = [
        math.prod(value)
        for _, node in facts.nodes()
        for name, value in vars(node).items()
        if ("stride" in name or "ratio" in name)
        and isinstance(value, list | tuple)
        and value
        and all(type(item) is int for item in value)
    ]
    hop = facts.find("hop_length")
    return max([SAMPLES, *(8 * stride for stride in strides), 8 * hop if isinstance(hop, int) else 0])


def audio_inputs(facts: Facts) -> dict[str, Any]:
    """input_features or input_values in the layout hinted at, with masks whose second row is shorter."""
    made: dict[str, Any] = {}
    for name in ("input_features", "audio_features", "audio_input_features"):
        if facts.wants(name) and wants_audio(facts, name):
            length = steps(facts)
            shape = (
                (BATCH, length, mel_bins(facts)) if facts.hints.get("time_first") else (BATCH, mel_bins(facts), length)
            )
            if facts.hints.get("feature_rank") == 4:
                shape = (BATCH, 1, length, mel_bins(facts))
            made[name] = facts.normal(name, *shape)
            _feature_masks(facts, made, length)
            break
    for name in (
        "input_values",
        "audio_values",
        "input_audio",
        "waveform",
        "audio",
        "audio_input_values",
        "speech_values",
    ):
        if facts.wants(name) and wants_audio(facts, name):
            made[name] = _waveform(facts, name)
            _wave_masks(facts, made, name)
            break
    return made


def wants_audio(facts: Facts, name: str) -> bool:
    declared = getattr(facts.kind, "input_modalities", None) or ()
    declared = (declared,) if isinstance(declared, str) else tuple(declared)
    return (
        bool(facts.hints.get("all"))
        or name in facts.hints.get("also", ())
        or facts.main_input == name
        or facts.required(name)
        or "audio" in declared
        or not declared
    )


def _waveform(facts: Facts, name: str) -> Any:
    layout = facts.hints.get("wave")
    length = samples(facts)
    if (
        layout is None
        and facts.find("num_mel_bins")
        and facts.find("patch_size", "max_length")
        and not facts.find("conv_dim", "hop_length")
    ):
        layout = "mel"
    if layout == "channel" or (layout is None and facts.find("audio_channels") is not None):
        found = facts.find("audio_channels")
        return facts.normal(name, BATCH, int(found) if isinstance(found, int) else 1, length)
    if layout == "mel":
        return facts.normal(name, BATCH, steps(facts), mel_bins(facts))
    if layout == "image":
        return facts.normal(name, BATCH, 1, steps(facts), mel_bins(facts))
    return facts.normal(name, BATCH, length)


def _feature_masks(facts: Facts, made: dict[str, Any], length: int) -> None:
    for key in ("input_features_mask", "feature_attention_mask", "features_mask", "audio_attention_mask", "audio_mask"):
        if facts.wants(key):
            made[key] = _shorter(length)
    if facts.wants("attention_mask") and not facts.wants("input_ids"):
        made["attention_mask"] = _shorter(length)


def _wave_masks(facts: Facts, made: dict[str, Any], name: str) -> None:
    length = made[name].shape[1] if facts.hints.get("wave") == "mel" else made[name].shape[-1]
    for key in ("padding_mask", "input_values_mask", "input_values_cutoffs", "padding_cache_mask"):
        if facts.wants(key) and "mask" in key:
            made[key] = (
                _shorter(length)
                if made[name].dim() < 3 or facts.hints.get("flat_mask", True)
                else _shorter(length)[:, None]
            )
    if facts.wants("attention_mask") and not facts.wants("input_ids"):
        made["attention_mask"] = _shorter(length)


def _shorter(length: int) -> Any:
    import torch

    made = torch.ones(BATCH, int(length), dtype=torch.long)
    made[1, int(length) - max(1, int(length) // 4) :] = 0
    return made
