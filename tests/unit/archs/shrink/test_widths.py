"""Laws between widths and heads that must survive whatever the numbers are."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsweep.archs.shrink import source, widths
from archsweep.archs.shrink.tree import Node


class Plain:
    attribute_map: ClassVar[dict[str, str]] = {}


def attention(heads: int, dim: int, shared: int, stated: bool) -> Node:
    values: dict[str, Any] = {
        "hidden_size": heads * dim,
        "intermediate_size": 4 * heads * dim,
        "num_attention_heads": heads,
        "num_key_value_heads": heads // shared,
        "num_hidden_layers": 12,
    }
    if stated:
        values["head_dim"] = dim
    return Node(kind=Plain, path=(), values=values)


SHAPES = st.tuples(
    st.sampled_from([4, 8, 12, 16, 20, 32, 40, 64]),
    st.sampled_from([32, 64, 72, 80, 96, 128]),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
)


@given(SHAPES, st.booleans())
def test_heads_divide_the_width_and_stay_plural(shape: tuple[int, int, int, bool], coupled: bool) -> None:
    heads, dim, shared, stated = shape
    node = attention(*shape)
    widths.shrink_widths(node, None, 32, 8, coupled)
    assert node.get("num_attention_heads") >= 2
    assert node.get("num_attention_heads") % node.get("num_key_value_heads") == 0
    if stated:
        assert node.get("head_dim") % 2 == 0
    else:
        assert node.get("hidden_size") % node.get("num_attention_heads") == 0
        assert node.get("hidden_size") // node.get("num_attention_heads") % 2 == 0
    if shared > 1 and heads // shared > 1:
        assert node.get("num_key_value_heads") < node.get("num_attention_heads")
    assert node.get("hidden_size") <= heads * dim


@given(st.sampled_from([4, 16, 32, 64]), st.sampled_from([64, 128]))
def test_heads_that_rank_tokens_stay_many(heads: int, dim: int) -> None:
    node = attention(32, 64, 1, True)
    node.values |= {"index_n_heads": heads, "index_head_dim": dim}
    widths.shrink_widths(node, None, 32, 8, True)
    assert node.get("index_n_heads") == min(heads, widths.CHOOSERS)
    assert node.get("num_attention_heads") < 32


@given(st.sampled_from([128, 256, 384, 512, 768, 1024, 1152, 4096]), st.integers(2, 4))
def test_equal_widths_stay_equal_and_multiples_stay_multiples(width: int, times: int) -> None:
    child = Node(kind=Plain, path=("inner",), values={"hidden_size": width, "embedding_dim": times * width})
    root = Node(kind=Plain, path=(), values={"projection_dim": width}, children={"inner": child})
    widths.shrink_widths(root, None, 32, 8, coupled=True)
    assert root.get("projection_dim") == child.get("hidden_size")
    assert child.get("embedding_dim") == times * child.get("hidden_size")


@given(st.lists(st.sampled_from([16, 24, 40, 64, 96, 128, 192, 256, 384, 512, 768]), min_size=3, max_size=5))
def test_lists_shrink_as_a_function_of_the_value(stages: list[int]) -> None:
    node = Node(kind=Plain, path=(), values={"hidden_sizes": stages, "neck_hidden_sizes": list(stages)})
    widths.shrink_widths(node, None, 32, 8, coupled=False)
    assert node.get("hidden_sizes") == node.get("neck_hidden_sizes")
    images = dict(zip(stages, node.get("hidden_sizes"), strict=True))
    assert [images[item] for item in stages] == node.get("hidden_sizes")
    assert all(new >= 8 for new in node.get("hidden_sizes"))


def test_parts_without_a_common_width_shrink_each_by_their_own() -> None:
    text = Node(kind=Plain, path=("text_config",), values={"hidden_size": 4096, "num_attention_heads": 32})
    vision = Node(kind=Plain, path=("vision_config",), values={"hidden_size": 768, "num_attention_heads": 12})
    root = Node(kind=Plain, path=(), values={}, children={"text_config": text, "vision_config": vision})
    widths.shrink_widths(root, None, 32, 8, coupled=True)
    assert text.get("hidden_size") == 64
    assert vision.get("hidden_size") == 48


def test_a_repeated_width_follows_its_owner() -> None:
    text = Node(kind=Plain, path=("text_config",), values={"hidden_size": 4096, "num_attention_heads": 32})
    vision = Node(
        kind=Plain,
        path=("vision_config",),
        values={"hidden_size": 768, "num_attention_heads": 12, "out_hidden_size": 4096},
    )
    root = Node(kind=Plain, path=(), values={}, children={"text_config": text, "vision_config": vision})
    widths.shrink_widths(root, None, 32, 8, coupled=True)
    assert vision.get("out_hidden_size") == text.get("hidden_size")


def test_recurrences_have_heads_of_their_own() -> None:
    values = {
        "hidden_size": 4096,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "mamba_n_heads": 128,
        "mamba_d_head": 8,
    }
    node = Node(kind=Plain, path=(), values=values)
    widths.shrink_widths(node, None, 32, 8, coupled=True)
    assert node.get("num_attention_heads") >= 2
    assert node.get("mamba_n_heads") >= 2


def test_a_factor_on_all_widths_stands_for_them() -> None:
    node = Node(
        kind=Plain, path=(), values={"width_coefficient": 2.0, "out_channels": [16, 24, 40], "hidden_dim": 2560}
    )
    widths.shrink_widths(node, None, 32, 8, coupled=True)
    assert node.get("width_coefficient") == 0.5
    assert node.get("out_channels") == [16, 24, 40]
    assert node.get("hidden_dim") == 640


def test_a_small_width_that_a_table_of_blocks_repeats_stays() -> None:
    node = Node(
        kind=Plain, path=(), values={"stem_channels": 16, "block_configs": [[[3, 16, 32, 1]], [[3, 32, 64, 2]]]}
    )
    widths.shrink_widths(node, 4, 32, 8, False)
    assert node.get("stem_channels") == 16
    assert node.get("block_configs")[0][0][1] == 16


def test_groups_of_channels_that_the_code_counts_have_two_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "modeling_text", lambda module: "norm = nn.GroupNorm(32, config.hidden_size)")
    source.channel_groups.cache_clear()
    node = attention(8, 32, 1, stated=False)
    widths.shrink_widths(node, None, 32, 8, coupled=True)
    source.channel_groups.cache_clear()
    assert node.get("hidden_size") == 64
