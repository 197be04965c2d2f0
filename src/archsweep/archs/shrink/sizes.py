"""Smaller images, clips and position tables, with grids that still divide as they did."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

LARGEST_SIDE = 112
POSITIONS = 512
FRAMES = 4
PATCHES = 16
QUERIES = 12
BRANCHES = 2
TABLE = 1024  # rows of a position table for patches, a square
_PATCH_TABLE = re.compile(r"^(num_position_embeddings|position_embedding_size|max_vit_seq_len)$")
WINDOW = 8  # tokens
_WINDOW = re.compile(
    r"^(sliding_window(_size)?|attention_(chunk_size|window(_size)?)|local_attention(_window_len)?|local_window_size|"
    r"swa_window(_size)?|index_(topk|block_size)|(mamba_)?chunk_size|[a-z]+_attn_chunk_length)$"
)
_BLOCK = re.compile(r"^(block|context)_size$")  # a window where another field says how long a text may be
_STAGED = ("depths", "blocks_per_stage", "stage_num_blocks", "num_block_repeats")
_FOLDED = re.compile(r"^(scale_factor|pixel_shuffle_factor)$")
_MATCHED = re.compile(r"(^|_)(filter|match(ing)?)_threshold$")
_RATIOS = re.compile(r"^(up|down)sampl\w*_ratios$")
HALF_SECOND = 1000  # samples of a frame, eight of which last half a second at 16 kHz
_COUNTS = ("tokens", "patches", "seq_length", "seq_len", "image_length")


def shrink_images(root: Node, largest: int = LARGEST_SIDE) -> None:
    """Sides above `largest` shrink by a divisor of their patch grid; counts of patches or tokens, sizes of feature
    maps and sides that stand elsewhere under another name follow."""
    ratios: list[int] = []
    moved: dict[int, int] = {}
    for node in root.walk():
        patch = _side(node.get("patch_stride")) or _side(node.get("patch_size")) or 1
        for name, value in list(node.values.items()):
            side = _side(value) if meaning(name) is Meaning.IMAGE else None
            if side is None:
                continue
            if node.get("patch_size") == 1 and is_whole(value):
                new = _pixels(side, node.get("window_size"))
            elif side > largest:
                less = _fewer_tokens_a_window(node, value, patch)
                new = smaller(less, patch, largest, _halvings(node, _side(less) or side, patch))
            else:
                continue
            node.set(name, new)
            _windows_inside(node, _side(new) or side, patch)
            moved[side] = _side(new) or side
            if side % moved[side] == 0:
                ratios.append(side // moved[side])
    if not moved:
        return
    ratio = max(sorted(set(ratios)), key=ratios.count, default=1)
    for node in root.walk():
        for name, value in list(node.values.items()):
            if meaning(name) is Meaning.PATCH and is_whole(value) and value in moved and value > largest:
                node.set(name, moved[value])
            elif re.search(r"feature_sizes$|feat_sizes$", name) and isinstance(value, list | tuple):
                node.set(name, _deep(value, lambda item: max(1, item // ratio)))
            elif is_whole(value) and _is_count(name) and value >= 4 * ratio**2 and value % ratio**2 == 0:
                node.set(name, value // ratio**2)
            elif (tile := _tile(value, moved)) is not None:
                node.set(name, _deep(value, lambda item, tile=tile: item // tile * moved[tile]))


def _tile(value: Any, sides: Iterable[int]) -> int | None:
    """The side, of `sides`, in multiples of which all sizes (height, width) of a list are stated."""
    if not isinstance(value, list | tuple) or not value or not all(whole_list(item) for item in value):
        return None
    return next(
        (side for side in sides if all(len(item) == 2 and not any(n % side for n in item) for item in value)), None
    )


def _pixels(side: int, window: Any) -> int:
    """A side whose every pixel is a token: a divisor that holds two windows of attention."""
    least = 2 * window if is_whole(window) else WINDOW
    return next((new for new in range(least, side) if side % new == 0 and new % (least // 2) == 0), side)


def _is_count(name: str) -> bool:
    return any(word in name for word in _COUNTS) and "max" not in name


def _halvings(node: Node, side: int, patch: int) -> int:
    """Pixels that a side must stay a multiple of: stages halve the grid, and the last grid holds a whole window, or
    two patches that attend to each other where patches are cut out of the map behind a stride."""
    if patch == 1:
        return 32 if side % 32 == 0 else 1
    behind = node.get("output_stride")
    if is_whole(behind) and side % (2 * behind * patch) == 0:
        return int(2 * behind * patch)
    steps, window = patch << (_stages(node) - 1), node.get("window_size")
    if _whole_windows(node, side, steps):
        return int(steps * window)
    return steps if side % steps == 0 else 1


def _stages(node: Node) -> int:
    return max((len(value) for name, value in node.values.items() if name in _STAGED and whole_list(value)), default=1)


def _whole_windows(node: Node, side: int, steps: int) -> bool:
    """Whether the last of several stages, `steps` pixels a place, holds whole windows of attention."""
    window = node.get("window_size")
    return _stages(node) > 1 and is_whole(window) and window > 1 and side % (steps * window) == 0


def _windows_inside(node: Node, side: int, patch: int) -> None:
    """Windows that have outgrown the grid of patches become halves of it: else one padded window is all there is."""
    window, grid = node.get("window_size"), side // patch
    if patch > 1 and is_whole(window) and window > grid >= 4:
        node.set("window_size", grid // 2)


def _fewer_tokens_a_window(node: Node, value: Any, patch: int) -> Any:
    """The side with as many windows as before, of three or four tokens each: it is windows that keep images large."""
    window = node.get("window_size")
    if not is_whole(value) or not _whole_windows(node, value, patch << (_stages(node) - 1)):
        return value
    small = min(window, 4 - window % 2)
    node.set("window_size", small)
    return value // window * small


def smaller(value: Any, patch: int, largest: int, whole: int = 1) -> Any:
    """A smaller image: both sides by one ratio where that makes it small enough, else each by its own."""
    if is_whole(value):
        return _shrunk_side(value, patch, largest, whole)
    sides = list(value)
    grid = math.gcd(*(side // patch for side in sides)) * patch
    ratio = _ratio(max(sides), patch, largest, whole)
    if ratio > 1 and grid % (ratio * patch) == 0 and all(side // ratio >= 2 * patch for side in sides):
        return type(value)(side // ratio for side in sides)
    if len(set(sides)) > 1 and (
        twice := next(
            (n for n in range(2, grid // patch + 1) if grid % (n * patch) == 0 and max(sides) / n <= 2 * largest), 0
        )
    ):
        return type(value)(side // twice for side in sides)
    return type(value)(_shrunk_side(side, patch, largest, whole) for side in sides)


def _shrunk_side(side: int, patch: int, largest: int, whole: int) -> int:
    if side <= largest:
        return side
    ratio = _ratio(side, patch, largest, whole)
    if ratio == 1 and 1 < whole <= largest // 2 and (patch == 1 or whole > patch):
        return largest // whole * whole  # no divisor is small enough; what halves it still does
    if side // ratio <= 2 * largest or patch == 1 or whole > patch:
        return max(patch, side // ratio)
    return patch * max(4, largest // patch // 4 * 4)


def _ratio(side: int, patch: int, largest: int, whole: int) -> int:
    """By how much to divide a side: the grid of patches stays whole, even if it was even, and at least 4 wide."""
    grid = side // patch if patch and side % patch == 0 else side
    least = max(4 * patch, 64 if patch <= 4 else 0)
    fitting = [
        ratio
        for ratio in range(2, grid + 1)
        if grid % ratio == 0 and side // ratio >= least and side // ratio % whole == 0
    ]
    even = [ratio for ratio in fitting if (grid // ratio) % 2 == 0 or grid % 2]
    small = [ratio for ratio in even if side / ratio <= largest] or [
        ratio for ratio in fitting if side / ratio <= largest
    ]
    return min(small or even[-1:] or fitting[-1:] or [1])


def shrink_clips(root: Node) -> None:
    """At most `FRAMES` frames (a multiple of the tubelet or temporal patch)."""
    for node in root.walk():
        step = max(
            [
                item
                for name in ("tubelet_size", "temporal_patch_size", "patch_temporal")
                for item in [_first(node.get(name))]
                if item
            ]
            or [1]
        )
        for name, value in list(node.values.items()):
            if meaning(name) is Meaning.FRAMES and is_whole(value) and value > FRAMES:
                node.set(name, max(FRAMES, 2 * step))


def shrink_contexts(root: Node) -> None:
    """Time series of at most `PATCHES` patches: some classes take them one after another."""
    for node in root.walk():
        patch, context = node.get("patch_length"), node.get("context_length")
        if is_whole(patch) and is_whole(context) and patch > 0 and context > PATCHES * patch:
            node.set("context_length", PATCHES * patch)


def shrink_branches(root: Node) -> None:
    """Two of the branches that differ in nothing but their kernels, with two dilations each; what else is stated for
    each branch follows."""
    for node in root.walk():
        for kernels, value in list(node.values.items()):
            prefix = kernels.removesuffix("kernel_sizes")
            dilated = node.values.get(f"{prefix}dilation_sizes")
            if kernels == prefix or not whole_list(value) or not isinstance(dilated, list | tuple):
                continue
            if not len(value) == len(dilated) > BRANCHES or not all(whole_list(inner) for inner in dilated):
                continue
            for name, other in list(node.values.items()):
                if name.startswith(prefix) and isinstance(other, list | tuple) and len(other) == len(value):
                    node.set(name, type(other)(_fewer(inner) for inner in other[:BRANCHES]))


def _fewer(branch: Any) -> Any:
    return branch[:BRANCHES] if isinstance(branch, list | tuple) else branch


def shrink_windows(root: Node) -> None:
    """Windows and chunks of text shorter than the texts that are drawn, so that they are seen at work and nothing is
    padded to their hundreds of tokens."""
    for node in root.walk():
        if any(name in node.values for name in ("patch_size", "image_size", "num_mel_bins", "sampling_rate")):
            continue
        bounded = any(meaning(name) is Meaning.POSITIONS or name == "max_pos_emb" for name in node.values)
        for name, value in list(node.values.items()):
            if not is_whole(value) or value <= WINDOW:
                continue
            if not _WINDOW.search(name) and not (bounded and _BLOCK.search(name)):
                continue
            pooled = [other for word, other in node.values.items() if "pool" in word and is_whole(other)]
            node.set(name, max([WINDOW, *(other for other in pooled if value % max(other, 1) == 0)]))


def shrink_positions(root: Node) -> None:
    """Learned position tables of at most `POSITIONS` rows; tables that cost nothing (rotary) stay as they are."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if is_whole(value) and value > TABLE and _PATCH_TABLE.search(name):
                node.set(name, TABLE)
        rotary = any("rope" in name for name in node.values)
        for name, value in list(node.values.items()):
            if meaning(name) is Meaning.POSITIONS and is_whole(value) and value > POSITIONS and not rotary:
                node.set(name, POSITIONS)


def shrink_features(root: Node) -> None:
    """Shorter log-mel sequences where the configuration states their length."""
    for node in root.walk():
        names = ("max_source_positions", "max_length") if "num_mel_bins" in node.values else ("max_source_positions",)
        for name in names:
            if is_whole(value := node.values.get(name)) and value > 256:
                node.set(name, 100)


def shrink_ratios(root: Node) -> None:
    """Sound with fewer samples a frame, where its convolutions keep them by the thousand: of each ratio its smallest
    prime factor is left, so that what was a multiple of the product stays one; fields that state the product follow."""
    for node in root.walk():
        products: dict[int, int] = {}
        for name, value in list(node.values.items()):
            if _RATIOS.search(name) and whole_list(value) and math.prod(value) > HALF_SECOND:
                ratios = type(value)(_least_factor(item) for item in value)
                node.set(name, ratios)
                products[math.prod(value)] = math.prod(ratios)
        for name, value in list(node.values.items()):
            if is_whole(value) and value in products:
                node.set(name, products[value])


def _least_factor(value: int) -> int:
    return next((factor for factor in range(2, value) if value % factor == 0), value)


def shrink_queries(root: Node) -> None:
    """Fewer object queries, or latents, than the smallest image has places to look at."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if (
                is_whole(value)
                and value > QUERIES
                and re.search(r"^(num|n)_(object_)?quer(y|ies)$|num_proposals$|(^|_)(num|n)_latents$", name)
            ):
                node.set(name, QUERIES)
        for name, value in list(node.values.items()):
            if is_whole(value) and value > 1 and "num_queries" in node.values and re.search(r"^group_[a-z]+$", name):
                node.set(name, 1)  # further groups of queries are of training alone


def open_thresholds(root: Node) -> None:
    """Matchers keep every match: random images have hardly any, and no output would show the matcher."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if isinstance(value, float) and value > 0 and _MATCHED.search(name):
                node.set(name, 0.0)


def fit_folds(root: Node) -> None:
    """Grids of patches that are folded by a whole factor are multiples of it, whatever the default's are."""
    factors = [value for node in root.walk() for name, value in node.values.items() if _FOLDED.search(name)]
    factor = math.lcm(1, *(value for value in factors if is_whole(value) and value > 1))
    for node in root.walk():
        side, patch = node.get("image_size"), node.get("patch_size")
        if is_whole(side) and is_whole(patch) and patch and side // patch % factor:
            node.set("image_size", 2 * factor * patch)


def fit_tokens(root: Node) -> None:
    """Tokens of an image, stated as a square, pool a whole number of patches each."""
    sides = [(_side(node.get("image_size")), _side(node.get("patch_size"))) for node in root.walk()]
    grids = [side // patch for side, patch in sides if side and patch]
    if not grids:
        return
    grid = grids[0]
    for node in root.walk():
        value = node.get("mm_tokens_per_image")
        if not isinstance(value, int):
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


def _deep(value: Any, change: Any) -> Any:
    return type(value)(_deep(item, change) for item in value) if isinstance(value, list | tuple) else change(value)
