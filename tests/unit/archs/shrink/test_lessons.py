"""What error texts teach."""

from __future__ import annotations

from typing import ClassVar

from archsweep.archs.shrink import lessons, relations
from archsweep.archs.shrink.tree import Node


class PlainConfig:
    attribute_map: ClassVar[dict[str, str]] = {}


def tree(**values: object) -> Node:
    return Node(kind=PlainConfig, path=(), values=dict(values))


def test_a_required_number_is_set() -> None:
    root = tree(indexer_kv_heads=4)
    assert lessons.repaired(root, "ValueError: the indexer requires indexer_kv_heads=1.")
    assert root.get("indexer_kv_heads") == 1
    assert not lessons.repaired(root, "ValueError: the indexer requires indexer_kv_heads=1.")


def test_a_missing_attribute_comes_from_where_the_tree_has_it() -> None:
    root = tree(rope_parameters={"rope_theta": 5.0})
    assert lessons.repaired(root, "AttributeError: 'PlainConfig' object has no attribute 'rope_theta'")
    assert root.get("rope_theta") == 5.0


def test_an_empty_field_that_a_message_names_is_filled() -> None:
    root = tree(prediction_length=None)
    assert lessons.repaired(root, "ValueError: The `prediction_length` config needs to be specified.")
    assert root.get("prediction_length") > 0


def test_a_choice_is_taken_from_the_list_of_its_plural() -> None:
    root = tree(default_language=None, languages=["en_XX", "de_DE"])
    assert lessons.repaired(root, "ValueError: Input language unknown. Please call `set_default_language()`")
    assert root.get("default_language") == "en_XX"


def test_sections_are_split_anew() -> None:
    root = tree(num_hidden_layers=2, rope_parameters={"mrope_section": [16, 24, 24]})
    text = "split_sizes to sum exactly to 8 (input tensor's size), but got split_sizes=[16, 24, 24]"
    assert lessons.repaired(root, text)
    assert sum(root.get("rope_parameters")["mrope_section"]) == 8


def test_a_width_that_did_not_help_is_undone_before_the_next_is_tried() -> None:
    root = tree(output_dim=352, intermediate_size=352, hidden_size=48)
    text = "mat1 and mat2 shapes cannot be multiplied (32x192 and 352x4096)"
    assert lessons.repaired(root, text)
    first = dict(root.edits)
    assert lessons.repaired(root, text)
    assert len(root.edits) == 1 and root.edits != first
    assert not lessons.repaired(root, text)


def test_a_text_that_says_nothing_changes_nothing() -> None:
    root = tree(hidden_size=48)
    assert not lessons.repaired(root, "RuntimeError: something went wrong")
    assert root.edits == {}


def test_equal_sections_stay_equal() -> None:
    assert relations.split([22, 22, 20], 4) == [1, 1, 2]
    assert relations.split([16, 24, 24], 4) == [2, 1, 1]
    assert relations.split([16, 24, 24], 8) == [2, 3, 3]


def test_a_missing_token_id_becomes_the_first() -> None:
    root = tree(vocab_size=512)
    assert lessons.repaired(root, "AttributeError: 'PlainConfig' object has no attribute 'pad_token_id'")
    assert root.get("pad_token_id") == 0


def test_one_feature_too_few_means_that_none_is_to_be_cut_off() -> None:
    root = tree(vision_feature_select_strategy="default")
    assert lessons.repaired(root, "ValueError: Expected image_features with 64 spatial tokens, got 63. Check")
    assert root.get("vision_feature_select_strategy") == "full"
    assert not lessons.repaired(tree(select_strategy="default"), "Expected 64 spatial tokens, got 16")


def test_where_nothing_passes_a_threshold_it_falls() -> None:
    root = tree(score_threshold=0.5, det_nms_thresh=0.1, hotstart_thresh=8)
    assert lessons.repaired(root, "NotFiniteError: the forward pass gives no tensor")
    assert (root.get("score_threshold"), root.get("det_nms_thresh"), root.get("hotstart_thresh")) == (0.0, 0.1, 8)


def test_windows_that_leave_nothing_become_four() -> None:
    root = tree(num_latents_2d=256, rope_k_sizes=[16, 16], rope_feat_sizes=[64, 64])
    assert lessons.repaired(root, "ZeroDivisionError: integer modulo by zero")
    assert (root.get("num_latents_2d"), root.get("rope_k_sizes"), root.get("rope_feat_sizes")) == (4, [2, 2], [64, 64])


def test_a_slice_that_took_a_whole_width_is_halved() -> None:
    root = tree(fine_matching_slice_dim=8)
    assert lessons.repaired(root, "RuntimeError: split_size can only be 0 if dimension size is 0, but got dimension 8")
    assert root.get("fine_matching_slice_dim") == 4


def test_a_width_beside_others_follows_the_part_it_comes_from() -> None:
    root = tree(hidden_size=96)
    root.children["backbone_config"] = Node(kind=PlainConfig, path=("backbone_config",), values={"hidden_size": 48})
    assert lessons.repaired(root, "expected input[2, 96, 14, 14] to have 144 channels, but got 96 channels instead")
    assert root.get("hidden_size") == 48


def test_a_width_that_the_code_states_goes_back_and_stays_under_what_was_wider() -> None:
    root = tree(memory_encoder_output_channels=64, memory_encoder_hidden_size=256, memory_fuser_intermediate_dim=1024)
    for name, value in (
        ("memory_encoder_output_channels", 8),
        ("memory_encoder_hidden_size", 32),
        ("memory_fuser_intermediate_dim", 16),
    ):
        root.set(name, value)
    assert lessons.repaired(root, "mat1 and mat2 shapes cannot be multiplied (20x8 and 64x32)")
    assert root.get("memory_encoder_output_channels") == 64
    assert root.get("memory_encoder_hidden_size") == 128
    assert root.get("memory_fuser_intermediate_dim") == 16


def test_a_width_that_was_rounded_up_makes_the_rounding_finer() -> None:
    root = tree(stem_channels=12, divisor=8, depth_divisor=3)
    assert lessons.repaired(root, "expected input[2, 16, 16, 16] to have 12 channels, but got 16 channels instead")
    assert root.edits == {"divisor": 4}


def test_a_width_that_no_field_states_has_one_head() -> None:
    root = tree(d_model=48, num_cross_attention_heads=2, num_hidden_layers=2)
    assert lessons.repaired(root, "ValueError: qk_channels (261) must be divisible by num_heads (2).")
    assert root.edits == {"num_cross_attention_heads": 1}
    assert not lessons.repaired(tree(d_model=261, num_heads=2), "d_model (261) must be divisible by num_heads (2).")


def test_nothing_left_of_few_channels_is_one_channel() -> None:
    root = tree(reduction=4)
    assert lessons.repaired(root, "weight to be at least 1 at dimension 0, but got weight of size [0, 2, 1, 1]")
    assert root.get("reduction") == 2


def test_branches_that_the_code_counts_on_get_back_what_they_lost() -> None:
    root = tree(resblock_dilation_sizes=((1, 3, 5), (1, 3, 5), (1, 3, 5)), depths=[2, 2, 2])
    root.set("resblock_dilation_sizes", ((1, 3), (1, 3)))
    root.set("depths", [1, 1, 1])
    assert lessons.repaired(root, "IndexError: list index out of range")
    assert root.get("resblock_dilation_sizes") == ((1, 3, 5), (1, 3, 5))
    assert root.get("depths") == [1, 1, 1]
    assert not lessons.repaired(root, "IndexError: list index out of range")


class RankedConfig(PlainConfig):
    __annotations__: ClassVar[dict[str, object]] = {
        "class_thresholds": list[float] | None,
        "class_order": list[int] | None,
    }


def test_numbers_by_class_that_are_empty_are_zeros_or_ranks() -> None:
    root = Node(
        kind=RankedConfig,
        path=(),
        values={"class_thresholds": None, "class_order": None, "classifier_dropout": None, "num_labels": 3},
    )
    assert lessons.repaired(root, "TypeError: must be real number, not NoneType")
    assert root.edits == {"class_thresholds": [0.0, 0.0, 0.0], "class_order": [0, 1, 2]}


def test_a_missing_width_is_the_width_of_its_part() -> None:
    root = tree(hidden_size=48, num_attention_heads=2)
    assert lessons.repaired(root, "AttributeError: 'PlainConfig' object has no attribute 'projection_hidden_size'")
    assert lessons.repaired(root, "AttributeError: 'PlainConfig' object has no attribute 'projection_bias'")
    assert root.edits == {"projection_hidden_size": 48, "projection_bias": False}
