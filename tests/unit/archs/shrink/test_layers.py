"""Which layers stay, and that every list by layer is cut alike."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from archsweep.archs.shrink import layers
from archsweep.archs.shrink.tree import Node


class Plain:
    attribute_map: ClassVar[dict[str, str]] = {}


KINDS = st.lists(st.sampled_from(["full_attention", "sliding_attention", "linear_attention"]), min_size=3, max_size=40)


@given(KINDS, st.booleans(), st.integers(1, 2))
def test_every_kind_of_layer_is_kept(kinds: list[str], prefix: bool, each: int) -> None:
    depth = len(kinds)
    node = Node(
        kind=Plain,
        path=(),
        values={"num_hidden_layers": depth, "layer_types": kinds, "ffn_sizes": list(range(100, 100 + depth))},
    )
    layers.shrink_depths(node, prefix, each)
    left = node.get("num_hidden_layers")
    assert len(node.get("layer_types")) == left
    if not prefix:
        assert left <= layers.MOST * each
        distinct = set(zip(kinds, range(100, 100 + depth), strict=True))
        assert len(distinct) > layers.MOST or set(node.get("layer_types")) == set(kinds)


@given(st.integers(4, 60), st.integers(1, 8))
def test_a_threshold_keeps_layers_on_both_sides(depth: int, bound: int) -> None:
    if bound >= depth:
        return
    node = Node(kind=Plain, path=(), values={"num_hidden_layers": depth, "first_k_dense_replace": bound})
    layers.shrink_depths(node, False, 1)
    assert 0 < node.get("first_k_dense_replace") < node.get("num_hidden_layers")


def test_layers_picked_out_for_other_parts_keep_their_number_and_order() -> None:
    values = {"num_hidden_layers": 24, "intermediate_hidden_state_indices": (5, 11, 17, 23), "merge_index": 2}
    node = Node(kind=Plain, path=(), values=values)
    layers.shrink_depths(node, False, 1)
    picked = node.get("intermediate_hidden_state_indices")
    assert len(picked) == 4 and list(picked) == sorted(set(picked))
    assert max(picked) < node.get("num_hidden_layers")
    assert node.get("merge_index") < min(picked)


def test_a_list_may_speak_of_the_layers_of_another_node() -> None:
    vision = Node(kind=Plain, path=("vision_config",), values={"num_hidden_layers": 25})
    adapter = Node(kind=Plain, path=("adapter_config",), values={"vision_feature_layer": [24, 18]})
    root = Node(kind=Plain, path=(), values={}, children={"vision_config": vision, "adapter_config": adapter})
    layers.shrink_depths(root, False, 1)
    first, second = adapter.get("vision_feature_layer")
    assert vision.get("num_hidden_layers") > first > second >= 0


def test_the_number_of_stages_stays() -> None:
    node = Node(
        kind=Plain,
        path=(),
        values={"depths": [3, 4, 6, 3], "num_encoder_blocks": 4, "hidden_sizes": [64, 128, 320, 512]},
    )
    layers.shrink_depths(node, False, 1)
    assert node.get("num_encoder_blocks") == 4
    assert node.get("depths") == [2, 2, 2, 2]


def test_kinds_with_repeats_are_repeated_once() -> None:
    kinds = ["global", "local"] * 6
    values = {"num_layers": 12, "attention_types": [[["global", "local"], 6]], "attention_layers": kinds}
    node = Node(
        kind=type("Mapped", (Plain,), {"attribute_map": {"num_hidden_layers": "num_layers"}}), path=(), values=values
    )
    layers.shrink_depths(node, False, 1)
    assert (node.get("num_layers"), node.get("attention_types")) == (2, [[["global", "local"], 1]])


def test_layers_of_a_tower_counted_from_both_ends_stay_inside_it() -> None:
    root = Node(kind=Plain, path=(), values={"vision_feature_layers": (-2, -5, -8, 6)})
    root.children["vision_config"] = Node(kind=Plain, path=("vision_config",), values={"num_hidden_layers": 24})
    layers.shrink_depths(root, False, 1)
    left = root.children["vision_config"].get("num_hidden_layers")
    assert all(-left - 1 <= item <= left for item in root.get("vision_feature_layers"))
    assert len(root.get("vision_feature_layers")) == 4


def test_features_counted_from_the_end_are_the_last_layers() -> None:
    node = Node(kind=Plain, path=(), values={"vision_feature_layer": -2, "feature_layer": 3, "other_layer": -2})
    layers.shrink_depths(node, False, 1)
    assert [node.get(name) for name in ("vision_feature_layer", "feature_layer", "other_layer")] == [-1, 3, -2]
