"""From the text of an error to a hint for the next attempt. Reads numbers out of messages; knows no architecture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from archsweep.archs.inputs.audio import FEATURES, SAMPLES, WAVES
from archsweep.archs.inputs.facts import BATCH, TARGET, TEXT
from archsweep.archs.inputs.placeholders import LEAST

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
    videos = tuple(name for name in fed if name in ("pixel_values_videos", "video_grid_thw"))
    tokens = int(found.group((found.lastindex or 2) - 1))
    if kind == "video" and videos and tokens == 0 and hints.get("video_features"):
        return {} if hints.get("video_as_image") else {"video_as_image": True}
    if kind == "video" and videos and tokens == _total(hints.get("image_features")):
        return {"drop": (*hints.get("drop", ()), *videos)}  # images and videos share a token: one at a time
    return {f"{kind}_features": count} if count else {}


def _total(counts: Any) -> int:
    return sum(counts) if isinstance(counts, list | tuple) else int(counts or 0)


def _frames_apart(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """Positions of fewer or more tokens than there are: a video's frames stand apart."""
    return {"frames_apart": True} if "video_grid_thw" in fed and not hints.get("frames_apart") else {}


def _parts(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """Images or frames split into other numbers than there are: several for each image, or one frame for a video."""
    total, parts = int(found.group(1)), [int(item) for item in re.findall(r"\d+", found.group(2))]
    if "video_grid_thw" in fed and sum(parts) == 2 * total and "video_time" not in hints:
        return {"video_time": 1}
    if total == len(parts) and len(set(parts)) == 1 and parts[0] > 1 and "layout" not in hints:
        return {"layout": "images", "images": parts[0]}
    return {}


def _channels_first(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A convolution expected other channels: for features, swap time and mel; else believe the number."""
    expected = int(found.group(1))
    if "hidden_states" in fed and expected == 1 and hints.get("channels_first"):
        return {"wave": "channel"}
    if "hidden_states" in fed or "latents" in fed:
        return {"channels_first": True}
    if expected in (1, 2) and "input_values" in fed and not hints.get("wave"):
        return {"wave": "channel"}
    if _features_fed(fed):
        return _turned(hints) or {"num_mel_bins": expected}
    return {}


def _features_fed(fed: tuple[str, ...]) -> bool:
    return any(name in fed for name in FEATURES)


def _turned(hints: Mapping[str, Any]) -> Hints:
    """Time and mel bins the other way round, once."""
    return {} if hints.get("turned") else {"time_first": not hints.get("time_first"), "turned": True}


def _product(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    given, wanted = int(found.group(2)), int(found.group(3))
    if "pixel_values" in fed and "input_features" not in fed and "input_values" not in fed:
        return {"layout": "patches"} if "layout" not in hints and given * 10 < wanted else {}
    if not _features_fed(fed):
        return {}
    if not hints.get("time_first") and not hints.get("turned"):
        return _turned(hints)
    width = hints.get("num_mel_bins")
    if width and given % int(width) == 0 and int(width) * wanted % given == 0:
        return {"num_mel_bins": int(width) * wanted // given}
    return {"num_mel_bins": wanted} if not width and given < 400 and wanted < 2000 else {}


def _rank(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    wanted = int(found.group(1))
    stated = hints.get("shapes", {})
    if (
        wanted == 3
        and hints.get("wave") == "mel"
        and "decoder_input_values" in fed
        and "decoder_input_values" not in stated
    ):
        frames = ["float", BATCH, TARGET, int(hints.get("num_mel_bins", 80))]
        return {"shapes": {**stated, "decoder_input_values": frames}}
    return _by_rank(wanted, fed)


def _by_rank(wanted: int, fed: tuple[str, ...]) -> Hints:
    if "input_values" in fed:
        return {3: {"wave": "channel"}, 4: {"wave": "image"}}.get(wanted, {})
    if "pixel_values" in fed and wanted == 5 and any(name.endswith(("grid_thw", "grid_hw")) for name in fed):
        return {"patch_images": "batched"}
    grids = [name for name in fed if name.endswith(("grid_thw", "grid_hw"))]
    if "pixel_values_videos" in fed and wanted == 4 and grids and not any("video" in name for name in grids):
        return {"video_layout": "frames"}
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
    if _features_fed(fed) and given == hints.get("num_mel_bins"):
        return _turned(hints)
    key = "samples" if given >= 1000 else "steps"
    return {key: (given // step + (1 if given % step else 0)) * step}


def _unequal(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    first, second, dimension = (int(item) for item in found.groups())
    if dimension == 3 and "attention_mask" in fed and "input_ids" not in fed and "mask_steps" not in hints:
        return {"mask_steps": first}
    if "input_ids" in fed and first == int(hints.get("text_length", TEXT)) and second < 400:
        return {"text_length": second}
    return _turned(hints) if _features_fed(fed) else {}


def _deeper(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """One dimension too few."""
    if "input_features" in fed:
        return {"feature_rank": 4}
    return _by_rank(int(found.group(1)) + 2, fed)


def _normalized(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    if _features_fed(fed) and _turned(hints):
        return _turned(hints)
    if "input_values" in fed and not hints.get("wave"):
        return {"wave": "mel", "num_mel_bins": int(found.group(1))}
    return {"num_mel_bins": int(found.group(1))} if _features_fed(fed) else {}


def _alone(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """Two inputs that exclude each other: the second goes, with what belongs to it."""
    second = found.group(2)
    kind = next((kind for kind in ("video", "audio", "image") if kind in second), second)
    gone = tuple(name for name in fed if name == second or name.startswith(f"{kind}_"))
    dropped = hints.get("drop", ())
    return {"drop": (*dropped, *gone)} if second in fed and second not in dropped else {}


def _raw_mask(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """The mask goes into attention as it is: it is no mask of an input, or it has to be one of truth values."""
    if "attention_mask" in fed and "input_ids" not in fed:
        return {"drop": (*hints.get("drop", ()), "attention_mask")}
    return {} if hints.get("true_masks") else {"true_masks": True}


def _scattered(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """So many features found no placeholder tokens."""
    kinds = {
        "image": ("pixel_values", "image_pixel_values"),
        "video": ("pixel_values_videos",),
        "audio": (*FEATURES, *WAVES),
    }
    untold = [
        kind
        for kind, names in kinds.items()
        if any(name in fed for name in names) and hints.get(f"{kind}_features") in (None, [LEAST[kind]] * BATCH)
    ]
    return {f"{untold[0]}_features": int(found.group(1))} if untold else {}


def _frames(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A mask is of other length: mel bins where time comes last, else what the encoder makes of the frames."""
    if not _features_fed(fed) or "feature_mask_steps" in hints:
        return {}
    if int(found.group(1)) == hints.get("num_mel_bins"):
        return _turned(hints)
    return {"feature_mask_steps": int(found.group(1))}


def _longer(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A sound is too short for a head's kernels."""
    return {"samples": 2 * SAMPLES} if any(name in fed for name in WAVES) and "samples" not in hints else {}


def _everything(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """Something optional is not so."""
    return {} if hints.get("all") else {"all": True}


def _patch_images(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    return {"patch_images": True} if not hints.get("patch_images") else {}


def _single_patches(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A table of patches where (batch, patches, C, height, width) was expected, or that after one batch more."""
    if not any(name.endswith(("grid_thw", "grid_hw")) for name in fed):
        return {}
    return {"patch_images": True if found.group(1) == "3" else "batched"}


def _patch_rows(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """A mask over images and patches, where one table held the patches of all images."""
    if not any(name.endswith("grid_thw") for name in fed):
        return {}
    return {} if hints.get("patch_rows") else {"patch_rows": True}


def _frame_axis(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """One axis too few after two were joined: a video's frames have an axis of their own."""
    return {"frame_axis": True} if "video_position_ids" in fed and not hints.get("frame_axis") else {}


def _larger(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """Nothing is left of an image after all its strides."""
    sizes = {None: 128, 128: 256}
    return {"image_size": sizes[hints.get("image_size")]} if hints.get("image_size") in sizes else {}


def _points_alone(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    """What comes of an object with a mask does not go together with what comes of one with points."""
    return {"points_alone": True} if any(name.endswith("session") for name in fed) else {}


def _length(found: re.Match[str], hints: Mapping[str, Any], fed: tuple[str, ...]) -> Hints:
    return {"steps": int(found.group(1))}


_Lesson = Callable[[re.Match[str], Mapping[str, Any], tuple[str, ...]], Hints]
_LESSONS: tuple[tuple[str, _Lesson], ...] = (
    (r"(?i)(image|video|audio)[^\n]{0,60}tokens[^\d\n]{0,20}(\d+)[^\d]{1,20}features:?\s*(\d+)", _features),
    (r"(?i)tokens:\s*(\d+),?\s*features:?\s*(\d+)", _features),
    (r"(?i)(image|video|audio) placeholder tokens \((\d+)\)[^(]*\((\d+)\)", _features),
    (r"shape '\[-1, (\d+), (\d+), \1, \2, \d+\]' is invalid", lambda *_: {"channels_last": True}),
    (r"expects? \d+ \(= \w+ \* patch_size ?\*\* ?2", lambda *_: {"layout": "patches"}),
    (r"value tensor of shape \[3, \d+\] cannot be broadcast to indexing result of shape \[3, \d+\]", _frames_apart),
    (r"split_sizes to sum exactly to (\d+) \(input[^)]*\), but got split_sizes=\[([\d, ]+)\]", _parts),
    (r"shape of the mask \[\d+, \d+, \d+, \d+\] at index 2 does not match", lambda *_: {"image_mask": True}),
    (r"shape of the mask \[\d+, (\d+)\] at index 0 does not match .* indexed tensor \[\d+, \1\]", _patch_rows),
    (r"too many indices for tensor of dimension|does not match the length of the desired ordering", _frame_axis),
    (r"Tensors must have same number of dimensions", _points_alone),
    (r"Calculated output size[^\n]*Output size is too small", _larger),
    (r"object has no attribute 'patch_size'", lambda *_: {"image_sizes": False}),
    (r"expects? the mel input features to be of length (\d+)", _length),
    (r"but got input of size: \[\d+, \d+\]", _patch_images),
    (r"missing \d+ required positional arguments?: ([^\n]+)", _more),
    (r"not enough values to unpack \(expected 5, got ([23])\)", _single_patches),
    (r"(?i)must be a (\d)D tensor", _rank),
    (r"[`']?(\w+)[`']? (?:must|should|has to|have to|needs to) be (?:given|provided|specified|passed)", _more),
    (r"(?i)(?:have to|must|should|need to) (?:specify|provide|pass|give) [`']?(\w+_\w+)[`']?", _more),
    (r"index out of range in self|index \d+ is out of bounds for", _smaller_vocabulary),
    (r"length \(?(\d+)\)? is not a multiple of (\d+)", _multiple),
    (r"multiple of [^\n(]*\((\d+)\),? but got (\d+)", _multiple),
    (r"multiple of (\d+),? (?:but )?got (\d+)", _multiple),
    (r"normalized_shape=\[(\d+)\], expected input with shape", _normalized),
    (r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d)", _unequal),
    (
        r"(?i)cannot (?:specify|pass|give|provide) both `?(\w+)`? and `?(\w+)",
        lambda found, hints, fed: {"drop": (*hints.get("drop", ()), found.group(2))} if found.group(2) in fed else {},
    ),
    (r"(\w+) and (\w+) are provided at the same time", _alone),
    (r"Expected attn_mask dtype to be bool or float", _raw_mask),
    (r"value tensor of shape \[(\d+)[\d, ]*\] cannot be broadcast to indexing result of shape", _scattered),
    (r"shape of the mask \[\d+, \d+\] at index 1 does not match the shape of the indexed tensor \[\d+, (\d+)", _frames),
    (r"Kernel size: \((\d+)\)\. Kernel size can't be greater than actual input size", _longer),
    (r"got \(NoneType, |'NoneType' object has no attribute 'shape'", _everything),
    (r"Dimension out of range \(expected to be in range of \[-(\d), \d\], but got \d\)", _deeper),
    (r"expected input\[[\d, ]+\] to have (\d+) channels", _channels_first),
    (r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x\d+\)", _product),
    (r"(?:too many|not enough) values to unpack \(expected (\d+)", _rank),
    (
        r"Expected (\d)D \(unbatched\) or \dD \(batched\) input",
        lambda found, hints, fed: _by_rank(int(found.group(1)) + 1, fed),
    ),
)
