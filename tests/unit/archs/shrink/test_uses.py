"""What a configuration is told of its use."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from archsweep.archs.shrink import uses
from archsweep.archs.shrink.tree import Node


class Plain:
    attribute_map: ClassVar[dict[str, str]] = {}


def node(children: dict[str, Node] | None = None, **values: Any) -> Node:
    return Node(kind=Plain, path=(), values=values, children=children or {})


@pytest.mark.parametrize(
    ("mappings", "values", "decodes"),
    [
        (("CAUSAL_LM",), {"is_decoder": False}, True),
        (("MASKED_LM",), {"is_decoder": False}, False),
        (("CAUSAL_LM",), {"is_decoder": False, "is_encoder_decoder": True}, False),
        (("CAUSAL_LM",), {}, None),
    ],
)
def test_a_body_of_two_uses_decodes_where_it_goes_on_with_a_text(
    mappings: tuple[str, ...], values: dict[str, Any], decodes: bool | None
) -> None:
    assert uses.told(node(**values), mappings).get("is_decoder") is decodes


def test_no_part_keeps_a_cache() -> None:
    root = uses.told(node({"text_config": node(use_cache=True)}, use_cache=True), ())
    assert [part.get("use_cache") for part in root.walk()] == [False, False]
