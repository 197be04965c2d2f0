"""Which sub-models must shrink by the same divisor: those that share a width at a joint.

A language model of 4096 and an image encoder of 768 need not shrink alike, unless a number of one stands in the other.
Sub-models that share a main width, or any joint width, form one part and have one divisor; a field of one that merely
repeats another's main width takes the divisor of its owner.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, table_widths
from archsweep.archs.shrink.tree import Node

MERGED = (4, 16, 9)  # how many neighbouring patches an encoder's output may join into one feature
_INSIDE = re.compile(r"intermediate|ffn|mlp|feed_forward|(^|_)ff(_|$)|inner|d_ff|_rank|state")


def parts(root: Node) -> list[list[Node]]:
    """The nodes of the tree in parts that share a divisor, in the order of the tree."""
    nodes = list(root.walk())
    part = {node.path: place for place, node in enumerate(nodes)}

    def unite(first: Node, second: Node) -> None:
        old, new = part[second.path], part[first.path]
        for path, place in part.items():
            if place == old:
                part[path] = new

    owners: dict[int, Node] = {}
    for node in nodes:
        if node.main_width:
            unite(owners.setdefault(node.main_width, node), node)
    seen: dict[int, Node] = {}
    for node in nodes:
        for value in sorted(_joints(node) - set(owners)):
            unite(seen.setdefault(value, node), node)
    return [[node for node in nodes if part[node.path] == place] for place in dict.fromkeys(part.values())]


def divisors(root: Node, choose: Callable[[list[Node]], int]) -> tuple[dict[tuple[str, ...], int], dict[int, int]]:
    """The divisor of each node by path, and of each main width of a part, and of its multiples at a joint, by value."""
    by_path: dict[tuple[str, ...], int] = {}
    by_owner: dict[int, int] = {}
    for members in parts(root):
        divisor = choose(members)
        for node in members:
            by_path[node.path] = divisor
            if node.main_width:
                by_owner[node.main_width] = divisor
    for width, divisor in list(by_owner.items()):
        for times in MERGED:
            by_owner.setdefault(width * times, divisor)
    for node in root.walk():
        if not _widths(node):
            by_path[node.path] = max(by_path.values())
    return by_path, by_owner


def is_inside(name: str) -> bool:
    """Whether a width stays inside its sub-model, by its name."""
    return _INSIDE.search(name) is not None


def _widths(node: Node) -> dict[str, Any]:
    return {name: value for name, value in node.values.items() if meaning(name) is Meaning.WIDTH}


def _joints(node: Node) -> set[int]:
    """Widths over 64 that may meet another sub-model."""
    found: set[int] = set()
    for name, value in _widths(node).items():
        if not is_inside(name):
            found.update(item for item in _flat(value) if item > 64)
    for name, value in node.values.items():
        found.update(item for item in table_widths(name, value) if item > 64)
    return found


def _flat(value: Any) -> list[int]:
    if is_whole(value):
        return [value]
    return [inner for item in value for inner in _flat(item)] if isinstance(value, list | tuple) else []
