"""Smaller widths by one divisor, so that what was equal stays equal, and what was a multiple stays one.

Heads are the exception: a head must keep some width of its own, so that part of the division is taken from the number
of heads and the rest from the head's dimension; their product shrinks by the same divisor as every other width.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from archsweep.archs.shrink import coupling, relations, source, wrapped
from archsweep.archs.shrink.fields import TABLED, Meaning, is_whole, meaning, table_widths, whole_list
from archsweep.archs.shrink.tree import Node

DIVISORS = (64, 32, 16, 8, 4, 2, 1)
_SHARED = re.compile(r"key_value|(^|_)kv(_|$)")
_RATIOS = re.compile(r"(up|down)sampl\w*_(ratios|rates)$|^(up|down)sampl\w*_(ratios|rates)|^upsampling_ratios$")
_DOUBLED = re.compile(r"^(num_filters|n_filters|encoder_hidden_size)$")
_HALVED = re.compile(r"^(upsample_initial_channel|decoder_hidden_size)$")
DEEPEST = 256  # channels at the deep end of a stack that doubles them
_MULTIPLIER = re.compile(r"^(width|depth)_(multiplier|coefficient|mult)$")
THINNER = 4  # by how much a factor on all widths shrinks
_PLURAL_WIDTHS = ("in_channels", "input_channels")  # of an image where single, of stages where a list
_CHOOSING = re.compile(r"index(er)?_.*heads$")
CHOOSERS = 16  # heads that together rank tokens: each gives zero or more, and tokens to which all give zero tie
WIDEST = 128  # of a main width, where a smaller divisor is taken for the sake of the heads


def scaled(value: int, divisor: int, floor: int) -> int:
    """`value / divisor` as a multiple of `floor`, never under it; small values stay."""
    if divisor == 1 or value <= floor or (value < 16 and value % 4):
        return value
    exact = value / divisor
    if (
        exact >= floor
        and exact == int(exact)
        and int(exact) % (floor if floor > 8 else min(4, max(2, floor // 2))) == 0
    ):
        return int(exact)
    return max(floor, int(exact / floor + 0.5) * floor)


def choose_divisor(nodes: list[Node], least: int) -> int:
    """The largest divisor that suits all `nodes`: every main width at least `least`, every listed width at least 8, and
    heads that stay plural with even dimensions. The better the heads come out, the sooner a divisor is taken, as long
    as the widest part stays under `WIDEST`."""
    listed = [width for node in nodes for width in _smallest_listed(node)]
    mains = [_least_main(node, least) for node in nodes if node.main_width and node.main_width >= least]
    routed = [node.main_width for node in nodes if node.main_width and relations.has_experts(node)]
    fitting = [
        divisor
        for divisor in DIVISORS
        if all(width / divisor >= bound for width, bound in mains)
        and all(width / divisor >= 8 for width in listed)
        and not any(width % (divisor * relations.ALIGNED) for width in routed if width % relations.ALIGNED == 0)
    ] or [1]
    for widest in (WIDEST, 4 * WIDEST):
        for quality in (8, 4, 2):
            for divisor in fitting:
                narrow = divisor == fitting[0] or all(width / divisor <= widest for width, _ in mains)
                whole = all(scaled(width, divisor, 8) * divisor == width for width, _ in mains if width % 32 == 0)
                if narrow and whole and all(_heads_come_out(node, divisor, quality) for node in nodes):
                    return divisor
    return fitting[0]


def _smallest_listed(node: Node) -> list[int]:
    """Widths that must stay at least 8: the least of each list and table, and channels in units of their groups."""
    widths = {name: value for name, value in node.values.items() if meaning(name) is Meaning.WIDTH}
    listed = [
        min(item for item in value if item > 8)
        for value in widths.values()
        if whole_list(value) and len(value) > 2 and any(item > 8 for item in value)
    ]
    tables = [min(found) for name, value in node.values.items() if (found := table_widths(name, value))]
    groups = source.channel_groups(node.kind.__module__)
    grouped = [
        value * 8 // groups
        for name, value in widths.items()
        if groups > 1 and "channels" in name and is_whole(value) and value % groups == 0
    ]
    return listed + tables + grouped


def _least_main(node: Node, least: int) -> tuple[int, int]:
    """The main width of a node and its lower bound: first stages and widths without heads may be narrower, and groups
    of channels that the code counts have two channels each, as one alone at one place has no spread."""
    width = node.main_width or 0
    groups = source.channel_groups(node.kind.__module__)
    least = max(least, 2 * groups) if groups > 1 and width % groups == 0 else least
    staged = any(
        whole_list(value) and len(value) > 1 and value[0] == width
        for name, value in node.values.items()
        if meaning(name) is Meaning.WIDTH
    )
    return width, 8 if staged else least if _heads_of(node) else least // 2


def _heads_come_out(node: Node, divisor: int, multiple: int) -> bool:
    """Whether the node keeps two heads, of a dimension that is a multiple of `multiple`, under a divisor."""
    return all(_group_comes_out(node, heads, dims, divisor, multiple) for heads, dims in _head_groups(node))


def _group_comes_out(node: Node, heads: dict[str, Any], dims: dict[str, int], divisor: int, multiple: int) -> bool:
    counts = _counts(heads)
    if not counts or max(counts) == 1:
        return True
    own = _own_dims(node, counts, dims)
    most = max(counts)
    for fewer in _possible(counts):
        new = [value * fewer / divisor for value in own]
        if most // fewer >= 2 and all(
            item % multiple == 0 and item >= min(8, value) for item, value in zip(new, own, strict=True)
        ):
            return True
    return False


def shrink_widths(root: Node, divisor: int | None, least: int, floor: int, coupled: bool) -> None:
    """Edit the widths, heads and head dimensions of a whole tree: by one divisor, or (`coupled`) one for each part."""
    nodes = list(root.walk())
    if coupled and divisor is None:
        by_path, by_owner = coupling.divisors(root, lambda members: choose_divisor(members, least))
    else:
        one = divisor or choose_divisor(nodes, least)
        by_path, by_owner = {node.path: one for node in nodes}, {}
    multiplied = any(_has_multiplier(node) for node in nodes)
    for node in nodes:
        own = THINNER if multiplied and divisor != 1 and node.main_width is None else by_path[node.path]
        if divisor != 1 and _shrink_multiplier(node):
            continue
        groups = source.channel_groups(node.kind.__module__)
        tabled = {item for name, value in node.values.items() if table_widths(name, value) for item in _numbers(value)}
        for name, value in list(node.values.items()):
            if table_widths(name, value):
                node.set(name, _scaled_table(value, own, max(floor, groups)))
            if meaning(name) is not Meaning.WIDTH and not (name in _PLURAL_WIDTHS and whole_list(value)):
                continue
            if _is_fixed(node, name, value) or (is_whole(value) and value < TABLED and value in tabled):
                continue
            owners = {} if coupling.is_inside(name) else by_owner
            if name == "num_pos_feats":  # sine and cosine: half of the width that they are added to
                owners = {width // 2: found for width, found in by_owner.items()}
            change = functools.partial(_scaled_for, own=own, owners=owners, floor=floor, groups=groups)
            edited = _map(value, change)
            if is_whole(value) and divisor != 1:
                edited = _for_stages(node, name, value, edited)
            if edited is not None:
                node.set(name, edited)
        _shrink_heads(node, own, floor)
        _fit_prefixed(node)


def _fit_prefixed(node: Node) -> None:
    """The head dimension of a part that shares a prefix with its own width and heads stays the width over the heads."""
    for width in [name for name in node.values if name.endswith("_hidden_size")]:
        prefix = width.removesuffix("hidden_size")
        heads = node.values.get(f"{prefix}num_attention_heads")
        if not is_whole(heads) or not is_whole(node.values[width]):
            continue
        for name, dim in _dims_of(node).items():
            if name.startswith(prefix) and dim * heads == node.values[width]:
                node.set(name, node.get(width) // node.get(f"{prefix}num_attention_heads"))


def _scaled_for(item: int, own: int, owners: dict[int, int], floor: int, groups: int) -> int:
    """A width by its owner's divisor, in whole groups of channels if it was in whole groups before."""
    return scaled(item, owners.get(item, own), max(floor, groups) if item % groups == 0 else floor)


def _for_stages(node: Node, name: str, value: int, edited: int) -> int:
    """Channels that the code doubles or halves at each of several ratios: small at the wide end, whole at the other."""
    stages = max(
        (len(ratios) for key, ratios in node.values.items() if _RATIOS.search(key) and whole_list(ratios)), default=0
    )
    if stages < 3:
        return edited
    if _DOUBLED.search(name):
        return max(2, min(edited, DEEPEST >> stages))
    if _HALVED.search(name):
        return max(edited, 4 << stages)
    return edited


def _is_fixed(node: Node, name: str, value: Any) -> bool:
    """Widths that other numbers settle: of a flattened patch, and of the stages of a network wrapped by its name."""
    patch, channels = node.values.get("patch_size"), node.values.get("num_channels", 3)
    if "patch" in name and is_whole(patch) and is_whole(channels) and value == patch * patch * channels:
        return True
    staged = isinstance(value, list | tuple) and len(set(map(repr, value))) == len(value)
    return staged and any(wrapped.is_wrapped(child) for child in node.children.values())


def _has_multiplier(node: Node) -> bool:
    name = next((name for name in node.values if _MULTIPLIER.search(name)), None)
    return (
        name is not None
        and isinstance(node.values[name], float)
        and ("depth" not in name or "min_depth" in node.values)
    )


def _shrink_multiplier(node: Node) -> bool:
    """A factor on all widths stands for them, those in the code included: it shrinks, with the widths it makes."""
    if not _has_multiplier(node):
        return False
    name = next(name for name in node.values if _MULTIPLIER.search(name))
    node.set(name, node.values[name] / THINNER)
    for key in ("hidden_dim", "last_hidden_size"):
        if is_whole(node.values.get(key)):
            node.set(key, node.values[key] // THINNER)
    return True


def _scaled_table(value: Any, divisor: int, floor: int) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_scaled_table(item, divisor, floor) for item in value)
    return scaled(value, divisor, floor) if is_whole(value) and value >= TABLED else value


def _numbers(value: Any) -> list[int]:
    if isinstance(value, list | tuple):
        return [inner for item in value for inner in _numbers(item)]
    return [value] if is_whole(value) else []


def _map(value: Any, change: Any) -> Any:
    if is_whole(value):
        return change(value)
    if isinstance(value, list | tuple) and value:
        inner = [_map(item, change) for item in value]
        return None if any(item is None for item in inner) else type(value)(inner)
    return None


def _heads_of(node: Node) -> dict[str, Any]:
    return {n: v for n, v in node.values.items() if meaning(n) is Meaning.HEADS and (is_whole(v) or whole_list(v))}


def _dims_of(node: Node) -> dict[str, int]:
    return {n: v for n, v in node.values.items() if meaning(n) is Meaning.HEAD_DIM and is_whole(v) and v > 0}


def _head_groups(node: Node) -> list[tuple[dict[str, Any], dict[str, int]]]:
    """Heads with their dimensions, those of recurrences and of attention apart."""
    heads, dims = _heads_of(node), _dims_of(node)
    kinds = dict.fromkeys(_recurrence(name) for name in [*heads, *dims])
    return [
        (
            {n: v for n, v in heads.items() if _recurrence(n) == kind},
            {n: v for n, v in dims.items() if _recurrence(n) == kind},
        )
        for kind in kinds
    ]


def _recurrence(name: str) -> str:
    found = re.match(r"(n_)?(mamba|ssm|linear|gdn|lru)_", name)
    return found.group(2) if found else ""


def _counts(heads: dict[str, Any]) -> list[int]:
    return [
        item for value in heads.values() for item in (value if isinstance(value, list | tuple) else [value]) if item > 0
    ]


def _possible(counts: list[int]) -> list[int]:
    return [n for n in range(1, 65) if all(count % n == 0 or n % count == 0 for count in counts)]


def _own_dims(node: Node, counts: list[int], dims: dict[str, int]) -> list[int]:
    """The head dimensions that the node states, or else the one that its width implies."""
    own = [value for value in dims.values() if value > 4]
    width, staged = node.attention_width, any(not is_whole(value) for value in _heads_of(node).values())
    if not width and staged:
        width = next(iter(_smallest_listed(node)), None)
    if not own and width and counts:
        share = min(counts) if staged else max(counts)
        own = [width // share] if width % share == 0 else []
    return own or [min(64, (width or 64) // max(counts or [1]) or 64)]


def _shrink_heads(node: Node, divisor: int, floor: int) -> None:
    for heads, dims in _head_groups(node):
        fewer = _fewer_heads(node, heads, dims, divisor)
        for name, value in heads.items():
            least = CHOOSERS if _CHOOSING.match(name) else 1
            node.set(name, _map(value, lambda item, n=fewer, least=least: min(item, max(least, item // n))))
        for name, value in dims.items():
            if value > 4:
                node.set(name, max(4, value * fewer // divisor) if heads else scaled(value, divisor, 8))
        if not dims:
            _divide_width(node, heads)


def _divide_width(node: Node, heads: dict[str, Any]) -> None:
    """Where heads divided the width and rounding broke it, the nearest smaller number of heads that does again."""
    name = node.attention_width_name
    width, old = node.get(name) if name else None, node.values.get(name) if name else None
    if not is_whole(width) or not is_whole(old):
        return
    assert isinstance(width, int) and isinstance(old, int)
    for key, value in heads.items():
        if _SHARED.search(key):
            continue
        first = value if is_whole(value) else value[0]
        now = node.get(key) if is_whole(value) else node.get(key)[0]
        if (
            first < 2
            or (old % first != 0 and key != "num_attention_heads")
            or (width % now == 0 and (now > 1 or width < 16))
        ):
            continue
        even = [n for n in range(min(max(now, 2), width // 8 or 1), 1, -1) if width % n == 0 and width // n % 2 == 0]
        new = even[0] if even else next((n for n in (4, 2) if width % n == 0), 1)
        node.set(
            key, new if is_whole(value) else _map(value, lambda item, new=new, first=first: max(1, item * new // first))
        )
        for shared, old_shared in heads.items():
            if _SHARED.search(shared) and is_whole(value) and is_whole(old_shared):
                most = new if old_shared == value else min(node.get(shared), max(1, new // 2))
                node.set(shared, next(n for n in range(most, 0, -1) if new % n == 0))


def _fewer_heads(node: Node, heads: dict[str, Any], dims: dict[str, int], divisor: int) -> int:
    """By how much to divide the number of heads: the smallest that leaves a head dimension that is a multiple of 8."""
    counts = _counts(heads)
    own = _own_dims(node, counts, dims)
    possible = _possible(counts)
    for least in (2, 1):
        for multiple in (8, 4, 2):
            for fewer in possible:
                new = [value * fewer / divisor for value in own]
                fits = all(item % multiple == 0 and item >= min(8, value) for item, value in zip(new, own, strict=True))
                if fits and max(counts or [2]) // fewer >= min(least, max(counts or [1])):
                    return fewer
    return max(n for n in possible if n <= max(1, divisor))
