"""A feature extractor of a given class, whose features have the sizes that a tiny model takes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


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
    if (
        {"chunk_length", "hop_length"} <= parameters.keys()
        and len(frames) == 3
        and getattr(draft, "chunk_length", None)
    ):
        chosen |= {"chunk_length": 1, "hop_length": draft.sampling_rate // max(frames[1:])}
    return kind(**chosen)
