"""A feature extractor of a given class, whose features have the sizes that a tiny model takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archsweep.archs.raw import material

SECONDS = ("chunk_length", "max_length_s")  # how long a sound is cut or filled up to


def built(kind: Any, configs: Iterable[Any], shapes: Mapping[str, Sequence[int]]) -> Any:
    """A feature extractor of the class `kind`, by default but for what configurations state under the same name, how
    many features a frame has and how many frames there are."""
    configs = list(configs)
    draft = kind()
    parameters = inspect.signature(kind.__init__).parameters
    chosen: dict[str, Any] = {}
    for name in parameters:
        value = next((getattr(item, name) for item in configs if type(getattr(item, name, None)) is int), None)
        if value is not None and type(getattr(draft, name, None)) in (int, float):
            chosen[name] = value
    bands = next((getattr(item, "num_mel_bins", None) for item in configs if getattr(item, "num_mel_bins", None)), None)
    features = getattr(draft, "feature_size", 1)
    if bands and "feature_size" in parameters and isinstance(features, int) and features > 1:
        chosen["feature_size"] = bands
    frames = shapes.get("input_features", ())
    longest = next((name for name in SECONDS if name in parameters and getattr(draft, name, None)), None)
    if longest is not None and "hop_length" in parameters and len(frames) >= 3:
        chosen |= {longest: 1, "hop_length": draft.sampling_rate // max(frames[-2:])}
    made = kind(**chosen)
    if len(frames) < 4:
        return made
    named = [name for name in parameters if type(getattr(made, name, None)) is str]
    for name in named:  # a setting may decide how many channels there are: the others that the class's code knows
        for value in re.findall(rf'{name} == "(\w+)"', inspect.getsource(kind)):
            other = kind(**{**chosen, name: value})
            if _channels(other) == frames[1] != _channels(made):
                return other
    return made


def _channels(made: Any) -> int:
    """How many channels a raw sound gets."""
    encoded = made(material.sound(0, made.sampling_rate), sampling_rate=made.sampling_rate, return_tensors="pt")
    channels: int = encoded[made.model_input_names[0]].shape[1]
    return channels
