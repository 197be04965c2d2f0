"""Smaller images, clips and position tables, with grids that still divide as they did."""

from __future__ import annotations

import math
import re
from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

LARGEST_SIDE = 112
POSITIONS = 512
FRAMES = 4
QUERIES = 12
_COUNTS = ("tokens", "patches", "seq_length", "seq_len", "image_length")


def shrink_images(root: Node, largest: int = LARGEST_SIDE) -> None:
    """Sides above `largest` shrink by a divisor of their patch grid; counts of patches or tokens follow."""
    ratios: list[int] = []
    for node in root.walk():
        patch = _side(node.get("patch_size")) or 1
        for name, value in list(node.values.items()):
            if meaning(name) is not Meaning.IMAGE:
                continue
            side = _side(value)
            if side is None or side <= largest:
                continue
            ratio = _ratio(side, patch, largest)
            node.set(name, _map(value, lambda item, ratio=ratio: max(patch, item // ratio)))
            ratios.append(ratio)
    if not ratios:
        return
    ratio = max(sorted(set(ratios)), key=ratios.count)
    for node in root.walk():
        for name, value in list(node.values.items()):
            if is_whole(value) and any(word in name for word in _COUNTS) and value >= ratio * ratio * 4:
                if value % (ratio * ratio) == 0 and "max" not in name:
                    node.set(name, value // (ratio * ratio))


def _ratio(side: int, patch: int, largest: int) -> int:
    """By how much to divide a side: the grid of patches stays whole, even if it was even, and at least 4 wide."""
    grid = side // patch if patch and side % patch == 0 else side
    least = max(4 * patch, 64 if patch <= 4 else 0)
    fitting = [ratio for ratio in range(2, grid + 1) if grid % ratio == 0 and side // ratio >= least]
    even = [ratio for ratio in fitting if (grid // ratio) % 2 == 0 or grid % 2]
    small = [ratio for ratio in even if side / ratio <= largest] or [ratio for ratio in fitting if side / ratio <= largest]
    return min(small or even[-1:] or fitting[-1:] or [1])


def shrink_clips(root: Node) -> None:
    """At most `FRAMES` frames (a multiple of the tubelet or temporal patch)."""
    for node in root.walk():
        step = max([item for name in ("tubelet_size", "temporal_patch_size", "patch_temporal") for item in [_first(node.get(name))] if item] or [1])
        for name, value in list(node.values.items()):
            if meaning(name) is Meaning.FRAMES and is_whole(value) and value > FRAMES:
                node.set(name, max(FRAMES, 2 * step))


def shrink_positions(root: Node) -> None:
    """Learned position tables of at most `POSITIONS` rows; tables that cost nothing (rotary) stay as they are."""
    for node in root.walk():
        rotary = any("rope" in name for name in node.values)
        for name, value in list(node.values.items()):
            if meaning(name) is Meaning.POSITIONS and is_whole(value) and value > POSITIONS and not rotary:
                node.set(name, POSITIONS)


def shrink_features(root: Node) -> None:
    """Shorter log-mel sequences where the configuration states their length."""
    for node in root.walk():
        value = node.values.get("max_source_positions")
        if is_whole(value) and value > 256:
            node.set("max_source_positions", 100)


def shrink_queries(root: Node) -> None:
    """Fewer object queries than the smallest image has places to look at."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if is_whole(value) and value > QUERIES and re.search(r"^(num|n)_(object_)?quer(y|ies)$|num_proposals$", name):
                node.set(name, QUERIES)


def fit_tokens(root: Node) -> None:
    """Tokens of an image, stated as a square, pool a whole number of patches each."""
    grids = [
        _side(node.get("image_size")) // patch
        for node in root.walk()
        if (patch := _side(node.get("patch_size"))) and _side(node.get("image_size"))
    ]
    if not grids:
        return
    grid = grids[0]
    for node in root.walk():
        value = node.get("mm_tokens_per_image")
        if not is_whole(value):
            continue
        side = math.isqrt(value)
        if side * side == value and (grid < side or grid % side):
            best = next((n for n in range(grid // 2, 1, -1) if grid % n == 0), grid)
            node.set("mm_tokens_per_image", best * best)


def _first(value: Any) -> int | None:
    if is_whole(value):
        return int(value)
    return int(value[0]) if whole_list(value) else None


def _side(value: Any) -> int | None:
    if is_whole(value):
        return int(value)
    return int(max(value)) if whole_list(value) else None


def _map(value: Any, change: Any) -> Any:
    return change(value) if is_whole(value) else type(value)(change(item) for item in value)
