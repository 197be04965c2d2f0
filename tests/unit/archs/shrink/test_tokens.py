"""Vocabularies and token ids."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from archsweep.archs.shrink import tokens
from archsweep.archs.shrink.tree import Node


class Plain:
    attribute_map: ClassVar[dict[str, str]] = {}


@given(st.integers(2000, 300_000), st.lists(st.integers(0, 1999), min_size=3, max_size=3))
def test_token_ids_stay_inside_and_as_distinct_as_they_were(size: int, ids: list[int]) -> None:
    names = ("pad_token_id", "eos_token_id", "image_token_id")
    values = {"vocab_size": size, **dict(zip(names, ids, strict=True))}
    root = Node(kind=Plain, path=(), values=values)
    tokens.shrink_vocabularies(root)
    new = [root.get(name) for name in names]
    assert all(0 <= item < root.get("vocab_size") for item in new)
    assert [a == b for a in ids for b in ids] == [a == b for a in new for b in new]


def test_a_vocabulary_that_numbers_a_codebook_stays_larger_by_as_much() -> None:
    codec = Node(kind=Plain, path=("codec_config",), values={"codebook_size": 2048})
    root = Node(kind=Plain, path=(), values={"vocab_size": 2051}, children={"codec_config": codec})
    tokens.shrink_vocabularies(root)
    assert root.get("vocab_size") - codec.get("codebook_size") == 3


def test_experts_are_routed_among() -> None:
    root = Node(
        kind=Plain, path=(), values={"n_routed_experts": 256, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4}
    )
    tokens.shrink_experts(root)
    assert root.get("n_routed_experts") % root.get("n_group") == 0
    assert root.get("topk_group") <= root.get("n_group")
    assert root.get("num_experts_per_tok") == 2
