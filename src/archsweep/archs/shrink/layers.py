"""Fewer layers, and still one of every kind.

A layer's kind is everything the configuration says about it by position: its entry in each per-layer list, whether it
stands in a list of layer indices, on which side of a threshold it lies, where it falls in a period. The layers kept
are the first of each kind.
"""

from __future__ import annotations

from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

LEAST, MOST = 2, 8
_PER_STAGE = ("depths", "blocks_per_stage", "stage_num_blocks", "num_block_repeats", "hidden_sizes", "block_sizes", "stage_numb_of_layers")
_COUNTED = ("out", "hook", "extract", "deepstack", "feature", "select", "target", "intermediate")


def shrink_depth(node: Node, prefix: bool) -> None:
    """Edit every depth-like field of one node.

    `prefix` keeps the first n layers instead of picking one of each kind: slower models, but whatever a period or a
    validator says about positions stays true.
    """
    _shrink_stages(node)
    depth = node.main_depth
    if depth is None or depth <= LEAST:
        _shrink_plain_depths(node, {})
        return
    if any(_is_stage_list(name, value) for name, value in node.values.items()) and not is_whole(
        node.values.get("num_hidden_layers")
    ):
        _shrink_plain_depths(node, {depth: depth})
        return
    kept = _kept_layers(node, depth, prefix)
    for name, value in list(node.values.items()):
        edited = _edited(name, value, depth, kept)
        if edited is not None:
            node.set(name, edited)
    _shrink_plain_depths(node, {depth: len(kept)})


def _is_stage_list(name: str, value: Any) -> bool:
    return name in _PER_STAGE and isinstance(value, list | tuple) and len(value) > 1


def _shrink_stages(node: Node) -> None:
    for name in ("depths", "stage_num_blocks", "num_block_repeats", "stage_numb_of_layers"):
        value = node.values.get(name)
        if whole_list(value):
            assert value is not None
            node.set(name, type(value)(min(item, LEAST) for item in value))


def _shrink_plain_depths(node: Node, known: dict[int, int]) -> None:
    for name, value in list(node.values.items()):
        if is_whole(value) and meaning(name) is Meaning.DEPTH and value > LEAST and name not in node.edits:
            if any(word in name for word in ("nextn", "timestamp")):
                node.set(name, 1)
            else:
                node.set(name, known.get(value, LEAST))


def _is_layer_list(name: str, value: Any, depth: int) -> bool:
    """A list with one entry for each layer."""
    if not isinstance(value, list | tuple) or len(value) != depth or name in ("id2label", *_PER_STAGE):
        return False
    return not _is_index_list(value, depth) or depth > MOST


def _is_index_list(value: Any, depth: int) -> bool:
    """A list of layer positions: rising whole numbers that reach into the second half of the layers."""
    if not whole_list(value) or len(value) > depth:
        return False
    rising = all(first < second for first, second in zip(value, value[1:], strict=False))
    return rising and depth / 2 <= max(value) <= depth and min(value) >= 0


def _kept_layers(node: Node, depth: int, prefix: bool) -> list[int]:
    lists = [value for name, value in node.values.items() if _is_layer_list(name, value, depth)]
    indices = [
        set(value)
        for name, value in node.values.items()
        if _is_index_list(value, depth) and not _is_layer_list(name, value, depth) and not _counted(name)
    ]
    thresholds = [
        value
        for name, value in node.values.items()
        if is_whole(value) and meaning(name) is Meaning.THRESHOLD and 0 < value < depth
    ]
    periods = [
        value
        for name, value in node.values.items()
        if is_whole(value) and meaning(name) is Meaning.PERIOD and 1 < value <= depth
    ]
    first: dict[Any, int] = {}
    for layer in range(depth):
        kind = (
            tuple(repr(items[layer]) for items in lists),
            tuple(layer in members for members in indices),
            tuple(layer < bound for bound in thresholds),
        )
        first.setdefault(kind, layer)
    count = max(LEAST, *(len(value) for name, value in node.values.items() if _is_counted(name, value, depth)), 0)
    if prefix or (periods and not lists):
        reach = max([max(first.values()) + 1, count, *(period for period in periods if period <= MOST)])
        return list(range(min(reach, depth, max(MOST, count))))
    kept = sorted(first.values())[:MOST]
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
    return _is_index_list(value, depth) and _counted(name)


def _edited(name: str, value: Any, depth: int, kept: list[int]) -> Any:
    if _is_layer_list(name, value, depth):
        return type(value)(value[layer] for layer in kept)
    if _is_index_list(value, depth):
        return _moved(name, value, depth, kept)
    if is_whole(value) and meaning(name) is Meaning.THRESHOLD and value > 0:
        return len([layer for layer in kept if layer < value])
    return None


def _moved(name: str, value: Any, depth: int, kept: list[int]) -> Any:
    """Layer positions among the kept layers; lists that others count on keep their length, spread evenly."""
    if _counted(name):
        one_based = max(value) == depth
        last = len(kept) if one_based else len(kept) - 1
        spread = [last - (len(value) - 1 - position) for position in range(len(value))]
        return type(value)(max(0, item) for item in spread)
    return type(value)(kept.index(item) for item in value if item in kept)
