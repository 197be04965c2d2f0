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
        return {5: {"layout": "images"}, 4: {"layout": "image"}, 2: {"layout": "patches"}, 6: {"layout": "tiles"}}.get(
            wanted, {}
        )
    return {}


def _more(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """The message names parameters that must be given."""
    names = tuple(
        name
        for name in re.findall(r"\w+", found.group(1))
        if name not in ("and", "or", "either", "the") and name not in fed
    )
    known = tuple(hints.get("also", ()))
    return {"also": (*known, *names)} if names and not set(names) <= set(known) else {}


def _smaller_vocabulary(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    return {"vocabulary": {None: 200, 200: 32}.get(hints.get("vocabulary"))} if hints.get("vocabulary") != 32 else {}


def _multiple(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A length must be a multiple of a number: the next one up, for samples or for steps."""
    numbers = [int(item) for item in found.groups() if item]
    given, step = max(numbers), min(numbers)
    if "not a multiple" not in found.group(0):
        given, step = numbers[-1], numbers[0]
    if step < 2:
        return {}
    key = "samples" if given >= 1000 else "steps"
    return {key: (given // step + (1 if given % step else 0)) * step}


def _unequal(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    first, second = int(found.group(1)), int(found.group(2))
    if "input_features" in fed and not hints.get("time_first"):
        return {"time_first": True}
    if "input_ids" in fed and first == int(hints.get("text_length", 14)) and second < 400:
        return {"text_length": second}
    return {}


def _deeper(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """One dimension too few."""
    if "input_features" in fed:
        return {"feature_rank": 4}
    return _by_rank(int(found.group(1)) + 2, fed)


def _normalized(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    if "input_features" in fed and not hints.get("time_first"):
        return {"time_first": True}
    return {"num_mel_bins": int(found.group(1))} if "input_features" in fed else {}


def _patch_images(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    return {"patch_images": True} if not hints.get("patch_images") else {}


def _length(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    return {"steps": int(found.group(1))}


_Lesson = Callable[[re.Match[str], Mapping[str, Any], tuple[str, ...]], Hints]
_LESSONS: tuple[tuple[str, _Lesson], ...] = (
    (r"(?i)(image|video|audio)[^\n]{0,60}tokens[^\d\n]{0,20}\d+[^\d]{1,20}features:?\s*(\d+)", _features),
    (r"(?i)tokens:\s*\d+,?\s*features:?\s*(\d+)", _features),
    (r"expects? the mel input features to be of length (\d+)", _length),
    (r"but got input of size: \[\d+, \d+\]", _patch_images),
    (r"missing \d+ required positional arguments?: ([^\n]+)", _more),
    (r"[`']?(\w+)[`']? (?:must|should|has to|have to|needs to) be (?:given|provided|specified|passed)", _more),
    (r"(?i)(?:have to|must|should|need to) (?:specify|provide|pass|give) [`']?(\w+_\w+)[`']?", _more),
    (r"index out of range in self|index \d+ is out of bounds for", _smaller_vocabulary),
    (r"length \(?(\d+)\)? is not a multiple of (\d+)", _multiple),
    (r"multiple of [^\n(]*\((\d+)\),? but got (\d+)", _multiple),
    (r"multiple of (\d+),? (?:but )?got (\d+)", _multiple),
    (r"normalized_shape=\[(\d+)\], expected input with shape", _normalized),
    (r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", _unequal),
    (r"Dimension out of range \(expected to be in range of \[-(\d), \d\], but got \d\)", _deeper),
    (r"expected input\[[\d, ]+\] to have (\d+) channels", _channels_first),
    (r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x\d+\)", _product),
    (r"(?:too many|not enough) values to unpack \(expected (\d+)", _rank),
    (
        r"Expected (\d)D \(unbatched\) or \dD \(batched\) input",
        lambda found, hints, fed: _by_rank(int(found.group(1)) + 1, fed),
    ),
)
