"""What an error message teaches about the inputs: each message is one that torch or a model really gives."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.archs.inputs.repair import repaired

TABLE: list[tuple[str, dict[str, Any], tuple[str, ...], dict[str, Any] | None]] = [
    ("Image features and image tokens do not match, tokens: 4, features: 16", {}, ("pixel_values",),
     {"image_features": 16}),
    ("Audio tokens and audio features do not match: tokens: 1, features 25", {}, ("input_features",),
     {"audio_features": 25}),
    ("Videos features and video tokens do not match: tokens: 2, features 8", {}, ("pixel_values_videos",),
     {"video_features": 8}),
    ("f.forward() missing 2 required positional arguments: 'boxes' and 'labels'", {}, ("pixel_values",),
     {"also": ("boxes", "labels")}),
    ("f.forward() missing 1 required positional argument: 'boxes'", {"also": ("points",)}, (),
     {"also": ("points", "boxes")}),
    ("f.forward() missing 1 required positional argument: 'boxes'", {}, ("boxes",), None),
    ("pixel_values and pixel_values_videos are provided at the same time", {},
     ("pixel_values", "image_grids", "pixel_values_videos", "video_grids"),
     {"drop": ("pixel_values_videos", "video_grids")}),
    ("expected input[2, 16, 18] to have 1 channels, but got 16 channels", {"channels_first": True}, ("hidden_states",),
     {"wave": "channel"}),
    ("too many indices for tensor of dimension 1", {}, ("pixel_values_videos", "video_position_ids"),
     {"frame_axis": True}),
    ("too many values to unpack (expected 4)", {}, ("pixel_values", "image_grid_hw", "pixel_values_videos"),
     {"video_layout": "frames"}),
    ("Expected attn_mask dtype to be bool or float", {}, ("input_ids", "attention_mask"), {"true_masks": True}),
    ("You have to specify pixel_values", {}, (), {"also": ("pixel_values",)}),
    ("`bbox` must be provided", {}, (), {"also": ("bbox",)}),
    ("index out of range in self", {}, (), {"vocabulary": 200}),
    ("index out of range in self", {"vocabulary": 200}, (), {"vocabulary": 32}),
    ("index out of range in self", {"vocabulary": 32}, (), None),
    ("sequence length (50) is not a multiple of 16", {}, ("input_ids",), {"steps": 64}),
    ("length 1600 is not a multiple of 320", {"samples": 1600}, ("input_values",), None),
    ("length 1601 is not a multiple of 320", {}, ("input_values",), {"samples": 1920}),
    ("expects the mel input features to be of length 60, but found 50", {}, ("input_features",), {"steps": 60}),
    ("got (NoneType, int)", {}, (), {"all": True}),
    ("got (NoneType, int)", {"all": True}, (), None),
    ("Kernel size: (5). Kernel size can't be greater than actual input size", {}, ("input_values",), {"samples": None}),
    ("weight of size [8, 1, 3], expected input[1, 2, 800] to have 1 channels, but got 2 channels", {},
     ("input_values",), {"wave": "channel"}),
    ("weight of size [8, 24, 3], expected input[2, 80, 50] to have 24 channels, but got 80 channels", {},
     ("input_features",), {"time_first": True}),
    ("weight of size [8, 24, 3], expected input[2, 80, 50] to have 24 channels, but got 80 channels",
     {"turned": True}, ("input_features",), {"num_mel_bins": 24}),
    ("mat1 and mat2 shapes cannot be multiplied (6x8 and 768x32)", {}, ("pixel_values",), {"layout": "patches"}),
    ("too many values to unpack (expected 4)", {}, ("pixel_values",), {"layout": "image"}),
    ("not enough values to unpack (expected 3, got 2)", {}, ("input_values",), {"wave": "channel"}),
    ("Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [2, 48]", {}, ("pixel_values",),
     {"patch_images": True}),
    ("something nobody has ever seen: 17", {}, ("input_ids",), None),
]  # fmt: skip


@pytest.mark.parametrize(("message", "hints", "fed", "lesson"), TABLE)
def test_a_message_teaches(
    message: str, hints: dict[str, Any], fed: tuple[str, ...], lesson: dict[str, Any] | None
) -> None:
    found = repaired(f"ValueError: {message}", hints, fed)
    if lesson is None:
        assert found is None
        return
    assert found is not None
    for key, value in lesson.items():
        assert found[key] == value if value is not None else found[key]
    assert found != hints
    for key in hints.keys() - lesson.keys():
        assert found[key] == hints[key], "what was known stays"


def test_a_lesson_that_is_known_already_is_no_lesson() -> None:
    message = "ValueError: Image features and image tokens do not match, tokens: 4, features: 16"
    assert repaired(message, {"image_features": 16}, ("pixel_values",)) is None


def test_lessons_end_whatever_the_message() -> None:
    """The same error again and again teaches only so much: no model keeps the search for ever."""
    for message, hints, fed, _ in TABLE:
        held: dict[str, Any] | None = dict(hints)
        for _ in range(12):
            held = repaired(message, held, fed) if held is not None else None
        assert held is None, message
