"""Fewer layers, and still one of every kind.

A layer's kind is everything the configuration says about it by position: its entry in each per-layer list, whether it
stands in a list of layer indices, on which side of a threshold it lies, where it falls in a period. The layers kept
are the first of each kind.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

LEAST, MOST = 2, 8
_MERGE = re.compile(r"(^|_)(merge|fusion|insert)_(index|layer)(_(id|index))?$")
_PATTERN = re.compile(r"^(block_types|layer_pattern|attention_pattern)$")  # repeated over the layers
_PER_STAGE = (
    "depths",
    "blocks_per_stage",
    "stage_num_blocks",
    "num_block_repeats",
    "hidden_sizes",
    "block_sizes",
    "stage_numb_of_layers",
)
_CHOSEN = re.compile(r"(feature|select(ed)?)_layers?$")
_COUNTED = ("out", "hook", "extract", "deepstack", "feature", "select", "target", "intermediate")


def shrink_depths(root: Node, prefix: bool, each: int) -> None:
    """Edit every depth-like field of a tree.

    `prefix` keeps the first n layers instead of `each` of every kind: slower models, but whatever a period or a
    validator says about positions stays true.
    """
    foreign = _foreign_indices(root)
    for node in root.walk():
        lists = [value for _, _, value, owner in foreign if owner is node]
        kept = _shrink_depth(node, prefix, each, max((len(value) for value in lists), default=0))
        for other, name, value, owner in foreign:
            if owner is node and kept is not None:
                other.set(name, _moved(name, value, owner.main_depth or 0, kept))
    for node in root.walk():
        _clamp_chosen(node)
        _choose_last(node)
        _follow_parts(node)


def _follow_parts(node: Node) -> None:
    """A layer's position that a node states once more for a part of its own, which has moved it."""
    for child in node.children.values():
        for name, value in child.values.items():
            if (
                _MERGE.search(name)
                and name not in node.edits
                and name in child.edits
                and node.values.get(name) == value
            ):
                node.set(name, child.get(name))


def _clamp_chosen(node: Node) -> None:
    """Layers of a tower counted from both ends stay within those that it keeps, before and after its first layer."""
    depths = [depth for child in node.children.values() if not child.absent and (depth := _depth_left(child))]
    for name, value in list(node.values.items()):
        if not depths or not _CHOSEN.search(name) or not whole_list(value) or min(value) >= 0:
            continue
        least = min(depths)
        node.set(name, type(value)(min(item, least) if item >= 0 else max(item, -least - 1) for item in value))


def _depth_left(node: Node) -> int | None:
    value = node.get(getattr(node.kind, "attribute_map", {}).get("num_hidden_layers", "num_hidden_layers"))
    return value if is_whole(value) else None


def _choose_last(node: Node) -> None:
    """Features of a layer counted from the end are the last one's, so that no layer is there for nothing."""
    for name, value in list(node.values.items()):
        if _CHOSEN.search(name) and is_whole(value) and value < -1:
            node.set(name, -1)


def _foreign_indices(root: Node) -> list[tuple[Node, str, Any, Node]]:
    """Lists of layer positions in one node that speak of another's layers: (node, field, value, owner)."""
    found: list[tuple[Node, str, Any, Node]] = []
    deep = [node for node in root.walk() if (node.main_depth or 0) > LEAST]
    for node in root.walk():
        own = node.main_depth or 0
        for name, value in node.values.items():
            if meaning(name) not in (Meaning.INDEX, Meaning.OTHER) or not _counted(name) or not whole_list(value):
                continue
            if own > max(value) or name in ("_out_indices", "out_indices"):
                continue
            others = [
                other for other in deep if other is not node and _is_index_list(name, value, other.main_depth or 0)
            ]
            if others:
                found.append((node, name, value, others[0]))
    return found


def _shrink_depth(node: Node, prefix: bool, each: int, least: int) -> list[int] | None:
    """Edit the depth-like fields of one node; which layers stay, where the node has layers."""
    _shrink_stages(node)
    _shrink_multiplier(node)
    depth = node.main_depth
    if depth is None or depth <= LEAST:
        _shrink_plain_depths(node, {})
        return None
    if any(_is_stage_list(name, value) for name, value in node.values.items()) and not is_whole(
        node.values.get("num_hidden_layers")
    ):
        _shrink_plain_depths(node, {depth: depth})
        return None
    kept = _kept_layers(node, depth, prefix, each, least)
    for name, value in list(node.values.items()):
        edited = _edited(name, node.get(name) if _is_layer_list(name, value, depth) else value, depth, kept)
        if edited is not None:
            node.set(name, edited)
    for name in ("_out_indices", "out_indices"):
        value = node.get(name)
        if whole_list(value) and max(value) > len(kept):  # of few early layers
            node.set(name, _moved(name, value, depth, kept))
    _shrink_plain_depths(node, {depth: len(kept)})
    return kept


def _is_stage_list(name: str, value: Any) -> bool:
    return name in _PER_STAGE and isinstance(value, list | tuple) and len(value) > 1


def _shrink_stages(node: Node) -> None:
    for name in ("depths", "stage_num_blocks", "num_block_repeats", "stage_numb_of_layers"):
        value = node.values.get(name)
        if whole_list(value):
            assert value is not None
            node.set(name, type(value)(min(item, LEAST) for item in value))


def _shrink_multiplier(node: Node) -> None:
    """A factor on repeated blocks, beside the list of their repeats."""
    for name in ("depth_coefficient", "depth_mult", "depth_multiplier"):
        value = node.values.get(name)
        if (
            isinstance(value, float)
            and value > 1
            and any(isinstance(node.values.get(stages), list | tuple) for stages in _PER_STAGE)
        ):
            node.set(name, 1.0)


def _shrink_plain_depths(node: Node, known: dict[int, int]) -> None:
    stages = {len(value) for name, value in node.values.items() if _is_stage_list(name, value)}
    for name, value in list(node.values.items()):
        if (
            is_whole(value)
            and meaning(name) is Meaning.DEPTH
            and value > LEAST
            and name not in node.edits
            and value not in stages
        ):
            if any(word in name for word in ("nextn", "timestamp")):
                node.set(name, 1)
            else:
                node.set(name, known.get(value, LEAST))


def _is_layer_list(name: str, value: Any, depth: int) -> bool:
    """A list with one entry for each layer."""
    if not isinstance(value, list | tuple) or len(value) != depth or name in ("id2label", *_PER_STAGE):
        return False
    return not _is_index_list(name, value, depth) or depth > MOST


def _is_index_list(name: str, value: Any, depth: int) -> bool:
    """A list of layer positions: distinct whole numbers that reach into the second half of the layers, rising unless
    the name says that they are positions."""
    if not whole_list(value) or len(value) > depth or len(set(value)) < len(value):
        return False
    rising = all(first < second for first, second in itertools.pairwise(value))
    return (rising or _counted(name)) and depth / 2 <= max(value) <= depth and min(value) >= 0


def _kept_layers(node: Node, depth: int, prefix: bool, each: int, least: int) -> list[int]:
    lists = [value for name, value in node.values.items() if _is_layer_list(name, value, depth)]
    indices = [
        set(value)
        for name, value in node.values.items()
        if _is_index_list(name, value, depth) and not _is_layer_list(name, value, depth) and not _counted(name)
    ]
    thresholds = [
        value
        for name, value in node.values.items()
        if is_whole(value) and (meaning(name) is Meaning.THRESHOLD or _MERGE.search(name)) and 0 < value < depth
    ]
    periods = [
        value
        for name, value in node.values.items()
        if is_whole(value) and meaning(name) is Meaning.PERIOD and 1 < value <= depth
    ]
    first: dict[Any, list[int]] = {}
    for layer in range(depth):
        kind = (
            tuple(repr(items[layer]) for items in lists),
            tuple(layer in members for members in indices),
            tuple(layer < bound for bound in thresholds),
        )
        first.setdefault(kind, []).append(layer)
    counts = [
        len(value) + sum(1 + bound for bound in thresholds if bound < min(value))
        for name, value in node.values.items()
        if _is_counted(name, value, depth)
    ]
    counts += [
        len(value)
        for name, value in node.values.items()
        if _PATTERN.search(name) and isinstance(value, list | tuple) and len(value) <= MOST
    ]
    count = max(LEAST, least, *counts, 0)
    if prefix or (periods and not lists):
        reach = max(
            [max(layers[0] for layers in first.values()) + 1, count, *(period for period in periods if period <= MOST)]
        )
        return list(range(min(reach, depth, max(MOST, count))))
    kept = sorted(layer for layers in first.values() for layer in layers[: each if len(first) > 1 else 1])
    kept = kept[: MOST * each]
    for layer in range(depth):
        if len(kept) >= count:
            break
        if layer not in kept:
            kept.append(layer)
    return sorted(kept)


def _counted(name: str) -> bool:
    return any(word in name for word in _COUNTED)


def _is_counted(name: str, value: Any, depth: int) -> bool:
    """An index list whose length other parts of the model rely on."""
    return _is_index_list(name, value, depth) and _counted(name)


def _edited(name: str, value: Any, depth: int, kept: list[int]) -> Any:
    if _is_layer_list(name, value, depth):
        return type(value)(value[layer] for layer in kept)
    if _is_index_list(name, value, depth):
        return _moved(name, value, depth, kept)
    if _repeats(value, depth) and len(kept) == sum(len(kinds) for kinds, _ in value):
        return [[list(kinds), 1] for kinds, _ in value]
    if (
        is_whole(value)
        and (meaning(name) is Meaning.THRESHOLD or (_MERGE.search(name) and value < depth))
        and value > 0
    ):
        return len([layer for layer in kept if layer < value])
    return None


def _repeats(value: Any, depth: int) -> bool:
    """Lists of kinds, each with how often it is repeated, that make up the layers."""
    pairs = isinstance(value, list | tuple) and all(isinstance(item, list | tuple) and len(item) == 2 for item in value)
    return (
        pairs
        and all(isinstance(kinds, list | tuple) and is_whole(times) for kinds, times in value)
        and sum(len(kinds) * times for kinds, times in value) == depth
    )


def _moved(name: str, value: Any, depth: int, kept: list[int]) -> Any:
    """Layer positions among the kept layers; lists that others count on keep their length, spread evenly."""
    if _counted(name):
        one_based = max(value) == depth or name == "_out_indices"  # stages, of which the first is the stem
        last = len(kept) if one_based else len(kept) - 1
        ranks = [sorted(value).index(item) for item in value]
        return type(value)(max(0, last - (len(value) - 1 - rank)) for rank in ranks)
    return type(value)(kept.index(item) for item in value if item in kept)
