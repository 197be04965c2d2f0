"""Inputs for real weights, made by the checkpoint's own tokenizer and processors of raw text, images and sound.

Where a checkpoint brings none for what its class reads, numbers are drawn as for a tiny model, and the inputs say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsweep.archs import inputs as drawn
from archsweep.contract import Subject

TEXTS = (  # draws of two texts of unequal length
    ("A man is eating a bowl of soup.", "The quick brown fox jumps over the lazy dog while nobody at all is looking."),
    ("Rain is expected in the north tonight.", "She wrote the last line of her book on a train between two cities."),
)
SECONDS, SIDE = 1.0, 96
TOKENIZERS, PROCESSOR = ("tokenizer_config.json", "tokenizer.json"), "preprocessor_config.json"


def made(subject: Subject, kind: type, config: Any, folder: Path, draw: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(inputs by parameter name, names of those that a processor made). `draw`: other raw material."""
    from archsweep.archs.inputs.facts import signature

    accepted = signature(kind)
    found = {name: value for name, value in _processed(folder, draw).items() if name in accepted}
    numbers = drawn.draw(subject, kind, config, {}, draw)
    if not found:
        return numbers, ()
    decoded = {name: value for name, value in numbers.items() if name.startswith("decoder_") and name not in found}
    return {**found, **decoded}, tuple(found)


def _processed(folder: Path, draw: int) -> dict[str, Any]:
    """What every processor that the folder has makes of raw material; one that is there and does not work raises."""
    found: dict[str, Any] = {}
    if any((folder / name).is_file() for name in TOKENIZERS):
        found |= _text(folder, draw)
    stated = _stated(folder)
    if stated:
        hears = "sampling_rate" in stated or "feature_extractor_type" in stated
        found |= _sound(folder, draw) if hears else _image(folder, draw)
    return found


def _stated(folder: Path) -> Mapping[str, Any]:
    """What the folder says of its processor of images or sound; empty if it has none."""
    path = folder / PROCESSOR
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _text(folder: Path, draw: int) -> Mapping[str, Any]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    every = tokenizer([text for texts in TEXTS for text in texts], padding=True, return_tensors="pt")
    first = 2 * (draw % len(TEXTS))  # padded to one length with the texts of the other draws
    return {name: value[first : first + 2] for name, value in every.items()}


def _image(folder: Path, draw: int) -> Mapping[str, Any]:
    import numpy
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    ramp = numpy.linspace(0, 255, SIDE, dtype=numpy.uint8)
    noise = numpy.random.default_rng(draw).integers(0, 255, (SIDE, SIDE, 3), dtype=numpy.uint8)
    image = numpy.stack([ramp[None].repeat(SIDE, 0), ramp[:, None].repeat(SIDE, 1), noise[..., 0]], -1)
    return dict(processor([image, noise], return_tensors="pt"))


def _sound(folder: Path, draw: int) -> Mapping[str, Any]:
    import numpy
    from transformers import AutoFeatureExtractor

    extractor = AutoFeatureExtractor.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    rate = getattr(extractor, "sampling_rate", None)
    if not rate:
        return {}
    time = numpy.arange(int(SECONDS * rate)) / rate
    tones = [numpy.sin(2 * numpy.pi * (220 + 110 * (draw + row)) * time) for row in range(2)]
    waves = [tone.astype("float32") * 0.3 for tone in tones]
    return dict(extractor(waves, sampling_rate=rate, padding=True, return_tensors="pt"))
