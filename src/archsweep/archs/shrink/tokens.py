"""Smaller vocabularies with every special token inside them, and fewer experts that are still routed among."""

from __future__ import annotations

import re
from typing import Any

from archsweep.archs.shrink import source
from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

VOCABULARY = 512  # entries of a shrunk vocabulary
RESERVED = 48  # ids at its end that no drawn text uses: special tokens live there
EXPERTS, CHOSEN = 8, 2


def shrink_vocabularies(root: Node) -> None:
    """Every vocabulary larger than `VOCABULARY` becomes that size; differences and sums of vocabularies are kept."""
    plain = {value for _, _, value in _vocabularies(root, set())}
    found = _vocabularies(root, plain)
    sizes = sorted({value for _, _, value in found})
    new: dict[int, int] = {}
    for position, size in enumerate(sizes):
        near = next((small for small in sizes[:position] if 0 < size - small <= RESERVED), None)
        pair = next(
            ((a, b) for a in sizes[:position] for b in sizes[:position] if a + b == size),
            None,
        )
        if near is not None:
            new[size] = new[near] + size - near
        elif pair is not None:
            new[size] = new[pair[0]] + new[pair[1]]
        else:
            new[size] = VOCABULARY
    for node, name, value in found:
        node.set(name, new[value])
    _move_token_ids(root)


def _vocabularies(root: Node, plain: set[int]) -> list[tuple[Node, str, int]]:
    """Every large vocabulary, and codebooks that one of the `plain` vocabularies numbers, with a few ids more."""
    return [
        (node, name, value)
        for node in root.walk()
        for name, value in node.values.items()
        if is_whole(value)
        and value > VOCABULARY
        and (
            meaning(name) is Meaning.VOCAB
            or (name == "codebook_size" and any(0 <= size - value <= RESERVED for size in plain))
        )
    ]


def vocabulary_of(node: Node) -> int | None:
    """The size of this node's own vocabulary as edited so far."""
    value = node.get("vocab_size")
    return value if is_whole(value) and value > 1 else None


def _move_token_ids(root: Node) -> None:
    """One map for the tree: the same id before is the same id after, and all lie inside the smallest vocabulary."""
    limits = [size for node in root.walk() if (size := vocabulary_of(node)) and size > 64]
    limits += [size for node in root.walk() if is_whole(size := node.get("text_vocab_size")) and size > 64]
    limit = min(limits) if limits else None
    if limit is None:
        return
    ids = sorted(
        {
            item
            for node in root.walk()
            for name, value in node.values.items()
            if meaning(name) is Meaning.TOKEN
            for item in _items(value)
            if item >= limit - RESERVED
        }
    )
    moved = {item: limit - len(ids) + position for position, item in enumerate(ids)}
    used = set(moved.values())
    for node in root.walk():
        for name, value in list(node.values.items()):
            if meaning(name) is not Meaning.TOKEN:
                continue
            if is_whole(value):
                node.set(name, moved.get(value, value))
            elif whole_list(value):
                node.set(name, type(value)(moved.get(item, item) for item in value))
            elif value is None and (
                name == "pad_token_id" or any(word in name for word in ("image", "audio", "video"))
            ):
                order = (
                    range(1, limit) if name == "pad_token_id" and _counts_from_pad(node) else range(limit - 1, 0, -1)
                )
                fresh = next(item for item in order if item not in used)
                if vocabulary_of(node) or name != "pad_token_id":
                    node.set(name, fresh)
                    used.add(fresh)


def _items(value: Any) -> list[int]:
    if is_whole(value):
        return [value]
    return list(value) if whole_list(value) else []


def shrink_experts(root: Node) -> None:
    """Eight experts, two of them chosen, in groups of two where there are groups; fewer stay as they are."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if value is None:
                continue
            kind = meaning(name)
            if kind is Meaning.EXPERTS:
                node.set(name, _map(value, lambda item: min(item, EXPERTS)))
            elif kind is Meaning.TOP_K:
                node.set(name, _map(value, lambda item: min(item, CHOSEN)))
            elif kind is Meaning.GROUPS and is_whole(value) and value > 1:
                node.set(name, min(value, 2) if "topk" in name else min(value, EXPERTS // 2))


def _map(value: Any, change: Any) -> Any:
    if is_whole(value):
        return change(value)
    if whole_list(value):
        return type(value)(change(item) for item in value)
    return value


def _counts_from_pad(node: Node) -> bool:
    """Whether the code numbers positions from the padding id on, so that a high one would lie outside their table."""
    return (
        re.search(r"padding_idx \+ 1|position_ids_from_input_ids", source.modeling_text(node.kind.__module__))
        is not None
    )
