"""Synthetic configuration trees: no torch, no transformers."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.archs.shrink.tree import Node


class Plain:
    """A configuration class without sub-configurations."""

    attribute_map: dict[str, str] = {}


def make(values: dict[str, Any], children: dict[str, Node] | None = None, path: tuple[str, ...] = ()) -> Node:
    return Node(kind=Plain, path=path, values=values, children=children or {})


@pytest.fixture
def node() -> Any:
    return make
