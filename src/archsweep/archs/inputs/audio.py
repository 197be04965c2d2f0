"""Waveforms, log-mel features and their masks. Knows field names and documented shapes, never architectures."""

from __future__ import annotations

import math
import re
from typing import Any

from archsweep.archs.inputs.facts import BATCH, Facts

AUDIO = ("audio", "speech", "encoder", "acoustic", "semantic")
SAMPLES, STEPS, FRAMES = 3200, 96, 64
FEATURES = ("input_features", "audio_features", "audio_input_features", "audio_mel")
WAVES = ("input_values", "audio_values", "input_audio", "waveform", "audio", "audio_input_values", "speech_values")
FEATURE_MASKS = (
    "input_features_mask",
    "feature_attention_mask",
    "features_mask",
    "audio_attention_mask",
    "audio_mask",
    "audio_mel_mask",
)


def mel_bins(facts: Facts) -> int:
    """Width of a feature frame: what a hint, the audio configuration's stated input width, or its mel bins say."""
    if "num_mel_bins" in facts.hints:
        return int(facts.hints["num_mel_bins"])
    for path, node in facts.nodes():
        if (not path or any(word in path for word in AUDIO)) and isinstance(
            getattr(type(node), "input_size", None), property
        ):
            return int(node.input_size)
    found = facts.find(
        "num_mel_bins", "n_mels", "n_mel_bins", "mel_bins", "input_feat_per_channel", "feature_projection_input_dim",
        "num_mel_channels", "input_feat_size", "feature_size", "input_channels", "input_dim", "mel_dim", "in_channels",
        within=AUDIO,
    )  # fmt: skip
    return int(found) if isinstance(found, int) and found > 1 else 80


def steps(facts: Facts) -> int:
    """Frames of a feature sequence: what the configuration fixes, else a short one."""
    if "steps" in facts.hints:
        return int(facts.hints["steps"])
    if any(facts.wants(name) for name in FEATURES) and any(facts.required(name) for name in WAVES):
        return max(2, samples(facts) // stride(facts))
    positions = facts.find("max_source_positions", within=AUDIO)
    fixed = vars(facts.config).get("max_length")
    if isinstance(fixed, int) and 16 <= fixed <= 1024 and facts.find("patch_size"):
        return fixed
    if isinstance(positions, int) and positions <= 1500 and facts.find("conv_kernel_sizes") is None:
        return 2 * positions
    return STEPS


def stride(facts: Facts) -> int:
    """Samples that a frame stands for: the largest product of strides or ratios in the configuration, or 1."""
    strides = [
        math.prod(value)
        for _, node in facts.nodes()
        for name, value in vars(node).items()
        if ("stride" in name or "ratio" in name)
        and isinstance(value, list | tuple)
        and value
        and all(type(item) is int for item in value)
    ]
    return max([1, *strides])


def samples(facts: Facts) -> int:
    """Raw samples: a few frames of whatever stride the configuration implies, many where it implies a short one."""
    if "samples" in facts.hints:
        return int(facts.hints["samples"])
    hop = facts.find("hop_length")
    frame = max(stride(facts), hop if isinstance(hop, int) else 0)
    return max(8 * frame, SAMPLES if frame == 1 else min(SAMPLES, FRAMES * frame))


def audio_inputs(facts: Facts) -> dict[str, Any]:
    """input_features or input_values in the layout hinted at, with masks whose second row is shorter."""
    made: dict[str, Any] = {}
    for name in FEATURES:
        if facts.wants(name) and wants_audio(facts, name):
            length, width = steps(facts), mel_bins(facts)
            shape: tuple[int, ...] = (BATCH, length, width) if time_first(facts, name) else (BATCH, width, length)
            if facts.hints.get("feature_rank") == 4:
                shape = (BATCH, 1, length, width)
            made[name] = facts.normal(name, *shape)
            _feature_masks(facts, made, length)
            break
    for name in WAVES:
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
        or hasattr(facts.kind, "get_audio_features")  # says that it does, where its list of modalities forgets
    )


def either(facts: Facts) -> bool:
    """An encoder of speech or of text, not of both: one mask serves either, and text is what the decoder is fed."""
    own = any(facts.has(name) for name in FEATURE_MASKS)
    both = facts.has("input_features") and facts.has("decoder_input_ids") and facts.has("attention_mask")
    return both and not own and wants_audio(facts, "input_features")


def time_first(facts: Facts, name: str) -> bool:
    """Whether features are (batch, time, mel). Asked of an instance, the answer is kept as a hint.

    A convolution over mel bins wants them first, as does a documented shape that ends with a length.
    """
    if "time_first" not in facts.hints and facts.model is not None:
        import torch

        width = mel_bins(facts)
        convolved = any(
            isinstance(module, torch.nn.Conv1d) and module.in_channels == width for module in facts.model.modules()
        )
        ends_long = re.search(r"len|time|step|frame", (documented_shape(facts, name) or [""])[-1])
        facts.hints["time_first"] = not (convolved or ends_long)
        facts.hints["num_mel_bins"] = width
    return bool(facts.hints.get("time_first"))


def documented_shape(facts: Facts, name: str) -> list[str]:
    """The words of the shape that forward's documentation gives a parameter, the last of several."""
    found = re.search(
        rf"(?m)^\s*{name}\s*\([^\n]*?of shape\s*`?\((?:[^)\n]*\)`?\s+or\s+`?\()?([^)\n]*)\)",
        getattr(facts.kind, "forward", None).__doc__ or "",
    )
    return [word.strip() for word in found.group(1).split(",")] if found else []


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
    if layout is None and (facts.find("audio_channels") is not None or len(documented_shape(facts, name)) == 3):
        layout = "channel"
    if layout == "channel":
        found = facts.find("audio_channels")
        return facts.normal(name, BATCH, int(found) if isinstance(found, int) else 1, length)
    if layout == "mel":
        return facts.normal(name, BATCH, steps(facts), mel_bins(facts))
    if layout == "image":
        return facts.normal(name, BATCH, 1, steps(facts), mel_bins(facts))
    return facts.normal(name, BATCH, length)


def _feature_masks(facts: Facts, made: dict[str, Any], length: int) -> None:
    for key in FEATURE_MASKS:
        if facts.wants(key):
            made[key] = shorter(int(facts.hints.get("feature_mask_steps", length)))
            if key == "input_features_mask":
                made[key] = made[key].bool()
            if key == "audio_mel_mask":  # marks what is padding
                made[key] = made[key] == 0
    if facts.wants("chunk_sample_lengths"):
        hop = int(facts.find("hop_length", within=AUDIO) or 1)
        made["chunk_sample_lengths"] = shorter(length).sum(dim=1) * hop
    if facts.wants("padding_mask") and not any(facts.has(name) for name in WAVES):
        made["padding_mask"] = shorter(length * int(facts.find("hop_length") or 1))
    if facts.wants("attention_mask") and (either(facts) or not facts.wants("input_ids")):
        made["attention_mask"] = shorter(int(facts.hints.get("mask_steps", length)))


def _wave_masks(facts: Facts, made: dict[str, Any], name: str) -> None:
    wave = made[name]
    length = wave.shape[1] if wave.shape[-1] == mel_bins(facts) and wave.dim() == 3 else wave.shape[-1]
    for key in ("padding_mask", "input_values_mask"):
        if facts.wants(key):
            channels = len(documented_shape(facts, key)) == 3 and wave.dim() == 3
            made[key] = (
                shorter(length, 2)[:, None].expand(-1, wave.shape[1], -1).clone() if channels else shorter(length, 2)
            )
    if facts.wants("input_values_cutoffs"):
        import torch

        made["input_values_cutoffs"] = torch.tensor([[length], [length - max(1, length // 4)]])
    if facts.wants("attention_mask") and not facts.wants("input_ids") and "attention_mask" not in made:
        made["attention_mask"] = shorter(int(facts.hints.get("mask_steps", length)), 2)


def shorter(length: int, part: int = 4) -> Any:
    """A mask whose second row is shorter by one part of so many. Of samples it is half: a frame stands for hundreds."""
    import torch

    made = torch.ones(BATCH, int(length), dtype=torch.long)
    made[1, int(length) - max(1, int(length) // part) :] = 0
    return made
