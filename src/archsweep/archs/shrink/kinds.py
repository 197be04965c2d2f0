"""What a tiny configuration lost of its original: kinds of layers, plural heads, shared key heads, routing, windows.

A tiny model that has none of an architecture's linear-attention layers passes every check and proves nothing about
them. This says so. Works on configuration objects, so that lists which a class only derives are seen as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archsweep.archs.shrink import tree
from archsweep.archs.shrink.fields import Meaning, is_whole, meaning
from archsweep.archs.shrink.tree import Node

_KINDS = re.compile(r"^((mlp_|attn_|mtp_)?layers?_(block_)?types?|layers_block_type|block_types?|mixer_types)$")
_QUERY_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KEY_HEADS = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "kv_n_heads")
ROUTED = 4  # experts from here on count as routing


def kinds_lost(default: Any, tiny: Any) -> list[str]:
    """Each kind or relation of the configuration `default` that `tiny` has no more, as "path.field: what"."""
    found: list[str] = []
    for before, after, origin, shrunk in _pairs(tree.read(default), tree.read(tiny), default, tiny):
        where = ".".join(before.path)
        if after is None:
            found.append(f"{where}: sub-configuration lost")
            continue
        for name, gone in [*_lost_lists(origin, shrunk), *lost_relations(before, after)]:
            found.append(f"{where + '.' if where else ''}{name}: {gone}")
    return found


def _pairs(before: Node, after: Node | None, origin: Any, shrunk: Any) -> Iterator[tuple[Node, Node | None, Any, Any]]:
    yield before, after, origin, shrunk
    for name, child in before.children.items():
        if child.absent:
            continue
        other = after.children.get(name) if after else None
        other = None if other is None or other.absent else other
        if after is not None:
            yield from _pairs(child, other, getattr(origin, name), getattr(shrunk, name, None))


def _lost_lists(origin: Any, shrunk: Any) -> Iterator[tuple[str, str]]:
    names = {
        *vars(origin),
        *(name for name in dir(type(origin)) if isinstance(getattr(type(origin), name, None), property)),
    }
    for name in sorted(name for name in names if _KINDS.match(name)):
        before, after = _words(origin, name), _words(shrunk, name)
        if before is not None and (gone := sorted(before - (after or set()))):
            yield name, "no " + ", ".join(gone)


def _words(config: Any, name: str) -> set[str] | None:
    try:
        value = getattr(config, name)
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):
        return None
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return set(value)
    return None


def lost_relations(before: Node, after: Node) -> Iterator[tuple[str, str]]:
    """Relations between numbers of one node that held before its edits and hold no more."""
    old, new = before.values.get, after.get
    for name, value in before.values.items():
        kind, now = meaning(name), new(name)
        if not is_whole(value) or not is_whole(now):
            continue
        if kind is Meaning.HEADS and value >= 2 and now < 2 and name not in _KEY_HEADS and name in _QUERY_HEADS:
            yield name, "one head"
        elif kind is Meaning.EXPERTS and value >= ROUTED and now < ROUTED:
            yield name, f"{now} experts"
        elif kind is Meaning.TOP_K and value >= 2 and now < 2:
            yield name, "one expert chosen"
        elif kind is Meaning.THRESHOLD and (lost := _threshold(before, after, value, now)):
            yield name, lost
        elif kind is Meaning.PERIOD and _period_lost(before, after, value):
            yield name, f"a period of {now} layers does not fit"
    queries = next((name for name in _QUERY_HEADS if is_whole(old(name))), None)
    keys = next((name for name in _KEY_HEADS if is_whole(old(name))), None)
    if queries and keys and _shared(old(queries), old(keys)) and not _shared(new(queries), new(keys)):
        yield keys, "key heads are no longer shared"


def _shared(queries: Any, keys: Any) -> bool:
    return is_whole(queries) and is_whole(keys) and keys < queries


def _threshold(before: Node, after: Node, value: int, now: int) -> str | None:
    depth, left = before.main_depth, _depth(after)
    if not depth or not left or not 0 < value < depth:
        return None
    return None if 0 < now < left else "all layers on one side"


def _period_lost(before: Node, after: Node, period: int) -> bool:
    depth, left = before.main_depth, _depth(after)
    listed = any(_KINDS.match(name) and value for name, value in before.values.items())
    return bool(depth and left and not listed and 1 < period <= depth and left < period)


def _depth(node: Node) -> int | None:
    name = getattr(node.kind, "attribute_map", {}).get("num_hidden_layers", "num_hidden_layers")
    value = node.get(name)
    return value if is_whole(value) else node.main_depth


def lost_in_edits(root: Node) -> bool:
    """Whether the edits of a tree lose a relation: the search then tries more layers before it settles."""
    return any(next(iter(lost_relations(node, node)), None) is not None for node in root.walk())
