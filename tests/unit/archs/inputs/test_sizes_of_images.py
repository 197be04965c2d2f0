"""How large images and sounds are made, and in which layout, where several patches or steps become one feature."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import made_facts
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from archsweep.archs.inputs import extra, image  # noqa: E402
from archsweep.archs.inputs.facts import Facts, signature  # noqa: E402


class Seeing:
    main_input_name = "input_ids"

    def forward(self, input_ids: Any, pixel_values: Any, image_grid_hw: Any, pixel_values_videos: Any) -> Any: ...


class Hearing:
    main_input_name = "input_ids"

    def forward(self, input_ids: Any, audio_input_features: Any, audio_attention_mask: Any) -> Any: ...


def facts(kind: type, hints: dict[str, Any], **fields: Any) -> Facts:
    config = SimpleNamespace(attribute_map={}, **fields)
    return Facts(made_facts.subject("any", kind.__name__), kind, None, config, signature(kind), hints)


@pytest.mark.parametrize(("fields", "merged"), [({"downsample_ratio": 0.5}, 2), ({"downsample_ratio": 1.0}, 1)])
def test_a_grid_of_patches_is_of_whole_features(fields: dict[str, Any], merged: int) -> None:
    made = image.flat_patches(facts(Seeing, {}, patch_size=4, num_channels=3, **fields), "pixel_values")
    assert made["image_grid_hw"].tolist() == [[2 * merged, 3 * merged], [2 * merged, 2 * merged]]


def test_videos_may_be_frames_one_after_another() -> None:
    known = facts(Seeing, {"video_layout": "frames"}, patch_size=4, num_channels=3, num_frames=4, downsample_ratio=0.5)
    assert image.video_inputs(known)["pixel_values_videos"].shape == (8, 3, 16, 16)


def test_sounds_count_the_features_that_their_mask_shows() -> None:
    known = facts(Hearing, {"steps": 96}, time_reduction=8)
    assert extra._audio_sizes(known).tolist() == [12, 9]
