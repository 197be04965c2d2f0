"""From the text of an error to a hint for the next attempt. Reads numbers out of messages; knows no architecture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Hints = dict[str, Any]


def repaired(message: str, hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints | None:
    """`hints` with one more fact learnt from `message`, or None if it teaches nothing new."""
    for pattern, learn in _LESSONS:
        found = re.search(pattern, message, re.DOTALL)
        if found:
            lesson = learn(found, hints, fed)
            if lesson and any(hints.get(key) != value for key, value in lesson.items()):
                return {**hints, **lesson}
    return None


def _features(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    text = found.group(0).lower()
    kind = next((kind for kind in ("video", "audio", "image") if kind in text), "image")
    count = int(found.group(found.lastindex or 1))
    return {f"{kind}_features": count} if count else {}


def _channels_first(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A convolution expected other channels: for features, swap time and mel; else believe the number."""
    expected = int(found.group(1))
    if "input_features" in fed and not hints.get("time_first"):
        return {"time_first": True}
    if "input_features" in fed:
        return {"num_mel_bins": expected}
    return {}


def _product(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    given, wanted = int(found.group(2)), int(found.group(3))
    if ("input_features" in fed or "input_values" in fed) and not hints.get("time_first"):
        return {"time_first": True}
    if "input_features" in fed and given < 400 and wanted < 2000:
        return {"num_mel_bins": wanted}
    return {}


def _rank(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    wanted = int(found.group(1))
    return _by_rank(wanted, fed)


def _by_rank(wanted: int, fed: tuple[str, ...]) -> Hints:
    if "input_values" in fed:
        return {3: {"wave": "channel"}, 4: {"wave": "image"}}.get(wanted, {})
    if "pixel_values" in fed:
        return {5: {"layout": "images"}, 4: {"layout": "image"}, 2: {"layout": "patches"}, 6: {"layout": "tiles"}}.get(wanted, {})
    return {}


def _length(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    return {"steps": int(found.group(1))}


_Lesson = Callable[[re.Match[str], Mapping[str, Any], tuple[str, ...]], Hints]
_LESSONS: tuple[tuple[str, _Lesson], ...] = (
    (r"(?i)(image|video|audio)[^\n]{0,60}tokens[^\d\n]{0,20}\d+[^\d]{1,20}features:?\s*(\d+)", _features),
    (r"(?i)tokens:\s*\d+,?\s*features:?\s*(\d+)", _features),
    (r"expects? the mel input features to be of length (\d+)", _length),
    (r"expected input\[[\d, ]+\] to have (\d+) channels", _channels_first),
    (r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x\d+\)", _product),
    (r"(?:too many|not enough) values to unpack \(expected (\d+)", _rank),
    (r"Expected (\d)D \(unbatched\) or \dD \(batched\) input", lambda found, hints, fed: _by_rank(int(found.group(1)) + 1, fed)),
)
