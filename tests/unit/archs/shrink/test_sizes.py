"""Images, clips, windows and what follows from their sizes."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsweep.archs.shrink import relations, sizes
from archsweep.archs.shrink.tree import Node


class Plain:
    attribute_map: ClassVar[dict[str, str]] = {}


def node(path: tuple[str, ...] = (), children: dict[str, Node] | None = None, **values: Any) -> Node:
    return Node(kind=Plain, path=path, values=values, children=children or {})


@given(st.integers(4, 80), st.sampled_from([8, 14, 16, 32]))
def test_a_smaller_image_is_still_a_grid_of_whole_patches(grid: int, patch: int) -> None:
    root = node(image_size=grid * patch, patch_size=patch)
    sizes.shrink_images(root)
    assert root.get("image_size") % patch == 0
    assert root.get("image_size") <= grid * patch
    assert root.get("image_size") // patch >= min(grid, 4)


@given(st.sampled_from([2, 4, 8, 16]), st.sampled_from([14, 16]))
def test_counts_of_tokens_follow_the_grid(halves: int, patch: int) -> None:
    vision = node(("vision_config",), image_size=halves * 4 * patch, patch_size=patch)
    root = node((), {"vision_config": vision}, image_seq_length=(halves * 4) ** 2)
    sizes.shrink_images(root)
    grid = vision.get("image_size") // patch
    assert root.get("image_seq_length") == grid * grid


def test_stages_keep_whole_windows() -> None:
    root = node(image_size=224, patch_size=4, depths=[2, 2, 6, 2], window_size=7)
    sizes.shrink_images(root)
    assert root.get("window_size") == 3 and root.get("image_size") == 96, "eight windows a side, one in the last stage"


def test_a_window_that_has_outgrown_its_grid_becomes_half_of_it() -> None:
    root = node(image_size=1024, patch_size=16, window_size=14, depth=12)
    sizes.shrink_images(root)
    assert root.get("window_size") == root.get("image_size") // 16 // 2, "several windows, as before"
    wide = node(image_size=224, patch_size=4, window_size=7)
    sizes.shrink_images(wide)
    assert wide.get("window_size") == 7, "it still fits"


def test_a_time_series_has_few_patches_and_a_text_keeps_its_length() -> None:
    series, text = node(context_length=16384, patch_length=32), node(context_length=1024)
    for root in (series, text):
        sizes.shrink_contexts(root)
    assert series.get("context_length") == 512 and text.get("context_length") == 1024


def test_two_sides_keep_their_ratio() -> None:
    root = node(image_size=(896, 448), patch_size=16)
    sizes.shrink_images(root)
    tall, wide = root.get("image_size")
    assert tall == 2 * wide and wide % 16 == 0 and tall < 896


def test_a_text_window_is_shorter_than_a_text_and_an_image_window_stays() -> None:
    vision = node(("vision_config",), patch_size=14, sliding_window=64)
    root = node((), {"vision_config": vision}, sliding_window=4096)
    sizes.shrink_windows(root)
    assert root.get("sliding_window") < 14
    assert vision.get("sliding_window") == 64


def test_chunks_are_windows_and_a_block_is_one_only_where_texts_may_be_longer() -> None:
    scan, blocks, table = node(chunk_size=256), node(block_size=64, max_position_embeddings=4096), node(block_size=1024)
    for root in (scan, blocks, table):
        sizes.shrink_windows(root)
    assert scan.get("chunk_size") == blocks.get("block_size") == sizes.WINDOW
    assert table.get("block_size") == 1024


def test_sizes_stated_in_whole_tiles_shrink_with_the_tile_and_others_stay() -> None:
    root = node(image_size=336, patch_size=14, tiles=[[336, 672], [1008, 336]], others=[[336, 500]], kernels=[[3, 3]])
    sizes.shrink_images(root)
    side = root.get("image_size")
    assert side < 336
    assert root.get("tiles") == [[side, 2 * side], [3 * side, side]]
    assert (root.get("others"), root.get("kernels")) == ([[336, 500]], [[3, 3]])


@pytest.mark.parametrize("side", [224, (224, 224)])
def test_a_side_that_no_divisor_makes_small_enough_is_a_multiple_of_what_halves_it(side: Any) -> None:
    root = node(image_size=side)
    sizes.shrink_images(root)
    new = root.get("image_size")
    assert type(new) is type(side) and {new} <= {96, (96, 96)}


def test_latents_are_queries() -> None:
    root = node(num_latents=256, resampler_n_latents=64, d_latents=1280)
    sizes.shrink_queries(root)
    assert (root.get("num_latents"), root.get("resampler_n_latents"), root.get("d_latents")) == (12, 12, 1280)


def test_what_an_encoder_gives_is_as_wide_as_the_language_model() -> None:
    text = node(("text_config",), hidden_size=64)
    vision = node(("vision_config",), hidden_size=48, out_hidden_size=3584)
    root = node((), {"text_config": text, "vision_config": vision})
    relations.join_widths(root)
    assert vision.get("out_hidden_size") == 64


@given(st.lists(st.integers(1, 64), min_size=2, max_size=4), st.integers(0, 64))
def test_sections_sum_to_what_is_asked(sections: list[int], total: int) -> None:
    new = relations.split(sections, total)
    assert len(new) == len(sections)
    assert sum(new) == total or total == 0
    assert all(item >= 0 for item in new)


@given(st.sampled_from([2, 4, 8, 32]), st.integers(1, 8), st.sampled_from([8, 12, 16, 24, 32, 48]))
def test_groups_divide_the_channels_that_they_divided(groups: int, times: int, new: int) -> None:
    root = node(num_groups=groups, hidden_size=groups * times)
    root.set("hidden_size", new)
    relations.fit_groups(root)
    assert new % root.get("num_groups") == 0


def test_a_grid_without_divisors_is_drawn_anew() -> None:
    root = node(image_size=518, patch_size=14)
    sizes.shrink_images(root)
    assert root.get("image_size") == 112


@given(st.integers(2, 16), st.sampled_from([14, 16, 32]), st.sampled_from([2, 3, 4]))
def test_a_grid_that_is_folded_holds_whole_folds(grid: int, patch: int, factor: int) -> None:
    vision = node(("vision_config",), image_size=grid * patch, patch_size=patch)
    root = node((), {"vision_config": vision}, scale_factor=factor)
    sizes.fit_folds(root)
    assert vision.get("image_size") // patch % factor == 0
    assert (vision.get("image_size") == grid * patch) == (grid % factor == 0 or grid == 2 * factor)


def test_a_width_beside_the_text_is_the_text_width_where_the_default_disagrees() -> None:
    text = node(("text_config",), hidden_size=4096)
    text.set("hidden_size", 64)
    root = node((), {"text_config": text}, hidden_size=1536)
    relations.join_widths(root)
    assert root.get("hidden_size") == 64


def test_a_projection_that_only_the_image_states_is_as_wide_as_the_text() -> None:
    text, vision = node(("text_config",), hidden_size=32), node(("vision_config",), projection_dim=2048)
    relations.join_widths(node((), {"text_config": text, "vision_config": vision}))
    assert vision.get("projection_dim") == 32
    stated = node(("vision_config",), projection_dim=2048)
    relations.join_widths(node((), {"text_config": text, "vision_config": stated}, projection_dim=512))
    assert stated.get("projection_dim") == 2048


def test_a_rotary_share_above_one_follows_the_number_of_heads() -> None:
    rope = {"rope_type": "default", "partial_rotary_factor": 4.0}
    root = node((), hidden_size=256, num_attention_heads=8, rope_parameters=rope)
    root.set("hidden_size", 32)
    root.set("num_attention_heads", 4)
    relations.fit_sections(root)
    assert root.get("rope_parameters")["partial_rotary_factor"] == 2.0


def test_where_every_pixel_is_a_token_two_windows_are_enough() -> None:
    root = node(image_size=64, patch_size=1, window_size=8)
    sizes.shrink_images(root)
    assert root.get("image_size") == 16


def test_a_stated_length_of_the_spectrogram_is_short_and_another_length_stays() -> None:
    heard, read = node(num_mel_bins=128, max_length=1024), node(max_length=1024)
    sizes.shrink_features(heard)
    sizes.shrink_features(read)
    assert heard.get("max_length") == 100 and read.get("max_length") == 1024


def test_further_groups_of_queries_are_left_to_training() -> None:
    with_queries, without = node(num_queries=300, group_extra=13), node(group_extra=13)
    for root in (with_queries, without):
        sizes.shrink_queries(root)
    assert (with_queries.get("group_extra"), without.get("group_extra")) == (1, 13)


def test_a_top_k_over_positions_chooses_and_stays_a_multiple_of_its_pool() -> None:
    plain, pooled = node(index_topk=2048), node(index_topk=2048, index_kpool=16)
    for root in (plain, pooled):
        sizes.shrink_windows(root)
    assert (plain.get("index_topk"), pooled.get("index_topk")) == (sizes.WINDOW, 16)


def test_a_matcher_keeps_every_match_and_a_detector_its_threshold() -> None:
    root = node(filter_threshold=0.1, coarse_matching_threshold=0.2, score_threshold=0.3, matching_threshold=0)
    sizes.open_thresholds(root)
    assert root.get("filter_threshold") == root.get("coarse_matching_threshold") == 0.0
    assert root.get("score_threshold") == 0.3


def test_a_frame_of_sound_stands_for_fewer_samples_and_what_states_or_divides_it_follows() -> None:
    root = node(downsampling_ratios=(2, 8, 10, 12), upsampling_ratios=[12, 10, 8, 2], hop_length=1920, chunk=3 * 1920)
    sizes.shrink_ratios(root)
    assert root.get("downsampling_ratios") == (2, 2, 2, 2)
    assert root.get("upsampling_ratios") == [2, 2, 2, 2]
    assert root.get("hop_length") == 16
    assert root.get("chunk") % 16 == 0
    short = node(upsampling_ratios=(8, 5, 4, 2), hop_length=320)
    sizes.shrink_ratios(short)
    assert not short.edits
