"""Laws between fields that scaling alone does not keep: joints of sub-models, rotary sections, channel groups."""

from __future__ import annotations

import math
import re
from typing import Any

from archsweep.archs.shrink import source
from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

_JOINT = re.compile(
    r"^(out_hidden_size|text_hidden_size|lm_hidden_size|llm_hidden_size|output_hidden_size|out_dim|output_dim|proj_output_dim|adapter_out_dim|"
    r"text_config_hidden_size|language_hidden_size|decoder_hidden_size_out)$"
)
_TEXT = re.compile(r"(^|_)(text|language|llm|lm|decoder)(_|$)")
_SENSE = re.compile(r"vision|visual|audio|speech|image|video|adapter|projector|sound|encoder")
ALIGNED = 8  # numbers of two bytes that make up sixteen
_GROUPED = re.compile(r"(^|_)n?(um)?_?(conv_)?groups?$|_groups$|^groups$")


def join_widths(root: Node) -> None:
    """What a vision or audio part gives to the language model is as wide as the language model."""
    text = next(
        (
            child
            for name, child in root.children.items()
            if _TEXT.search(name) and not child.absent and child.main_width
        ),
        None,
    )
    if text is None:
        inside = [child for child in root.children.values() if not child.absent]
        if len(inside) == 1:  # a head around a whole model
            join_widths(inside[0])
        return
    width = text.get(getattr(text.kind, "attribute_map", {}).get("hidden_size", "hidden_size"))
    stated = root.values.get("hidden_size")
    if text is root.children.get("text_config") and is_whole(stated) and stated != text.main_width:
        root.set("hidden_size", width)  # the default disagrees with itself
    projected = any("projection_dim" in node.values for node in (root, text))
    for name, child in root.children.items():
        if child is text or child.absent:
            continue
        if (
            not projected
            and is_whole(child.values.get("projection_dim"))
            and child.kind.__module__ == root.kind.__module__
        ):
            child.set("projection_dim", width)
        if not _SENSE.search(name):
            continue
        for node in child.walk():
            for field_name, value in list(node.values.items()):
                if _JOINT.match(field_name) and is_whole(value):
                    node.set(field_name, width)
            if (
                "embed_dim" in node.values
                and is_whole(node.values.get("hidden_size"))
                and "spatial_merge_size" in node.values
            ):
                node.set("hidden_size", width)


def align_experts(root: Node) -> None:
    """The inner widths of a model of experts are whole in sixteen bytes of half precision: grouped products want that,
    and no checkpoint has others."""
    for node in root.walk():
        if not has_experts(node):
            continue
        for name in [name for name in node.edits if "intermediate" in name and meaning(name) is Meaning.WIDTH]:
            value = node.get(name)
            if is_whole(value) and value % ALIGNED:
                node.set(name, value + ALIGNED - value % ALIGNED)


def has_experts(node: Node) -> bool:
    return any(meaning(name) is Meaning.EXPERTS and node.get(name) for name in node.values)


def fit_sections(root: Node) -> None:
    """Lists that split the rotary dimensions shrink with them; those that only the code states are stated."""
    for node in root.walk():
        before, after = head_dims(node)
        stated = node.get("rope_parameters")
        if not before or not after or not isinstance(stated, dict):
            continue
        changed = _with_sections(node, stated, before, after)
        if changed != stated:
            node.set("rope_parameters", changed)


def _with_sections(node: Node, stated: dict[str, Any], before: int, after: int) -> dict[str, Any]:
    if any(isinstance(item, dict) for item in stated.values()):
        return {
            key: _with_sections(node, item, before, after) if isinstance(item, dict) else item
            for key, item in stated.items()
        }
    changed = dict(stated)
    if not any("section" in key for key in stated) and (found := source.sections(node.kind.__module__)):
        changed[found[0]] = found[1]
    factor = stated.get("partial_rotary_factor")
    heads = node.values.get("num_attention_heads")
    whole, part = node.values.get("head_dim"), node.values.get("qk_rope_head_dim")
    if (
        isinstance(factor, float)
        and is_whole(whole)
        and is_whole(part)
        and int(whole * factor) == part
        and part < whole
    ):
        changed["partial_rotary_factor"] = node.get("qk_rope_head_dim") / node.get("head_dim")
    elif isinstance(factor, float) and factor > 1 and is_whole(heads) and heads:  # of all heads together
        changed["partial_rotary_factor"] = factor * node.get("num_attention_heads") / heads
    elif isinstance(factor, float) and 0 < factor < 1 and int(before * factor) % 4 == 0 and (after * factor) % 4 != 0:
        changed["partial_rotary_factor"] = min(1.0, 4 * math.ceil(after * factor / 4) / after)
    for key, value in changed.items():
        if "section" in key and whole_list(value):
            share = after * changed.get("partial_rotary_factor", 1.0) / (before * (factor or 1.0))
            changed[key] = split(value, int(sum(value) * share))
    return changed


def split(sections: list[int], total: int) -> list[int]:
    """`sections` rescaled to the sum `total`, each at least 1 where there is room, equal ones equal if they can be."""
    old = sum(sections)
    if total <= 0 or old <= 0:
        return list(sections)
    exact = [item * total / old for item in sections]
    new = [
        max(1 if item and total >= len(sections) else 0, int(value))
        for item, value in zip(sections, exact, strict=True)
    ]
    groups = [[place for place, item in enumerate(sections) if item == value] for value in dict.fromkeys(sections)]
    groups.sort(key=lambda places: (new[places[0]] - exact[places[0]], places[0]))
    for places in [*groups * (total + 1), *([place] for place in range(len(new)))]:
        if sum(new) + len(places) <= total:
            for place in places:
                new[place] += 1
    while sum(new) > total:
        new[max(range(len(new)), key=lambda place: new[place])] -= 1
    return type(sections)(new)


def head_dims(node: Node) -> tuple[int | None, int | None]:
    """The head dimension before and after the edits, stated or implied."""
    found: list[int | None] = []
    for get in (node.values.get, node.get):
        dim = get("qk_rope_head_dim") or get("head_dim")
        heads = get(getattr(node.kind, "attribute_map", {}).get("num_attention_heads", "num_attention_heads"))
        width = get(node.attention_width_name) if node.attention_width_name else None
        if is_whole(dim) and dim > 0:
            found.append(int(dim))
        elif is_whole(heads) and is_whole(width) and heads > 0:
            found.append(int(width) // int(heads))
        else:
            found.append(None)
    return found[0], found[1]


def fit_groups(root: Node) -> None:
    """Groups of channels divide every width that they divided; groups as many as channels stay as many as channels."""
    for node in root.walk():
        widths = [
            (item, new)
            for name, value in node.values.items()
            if meaning(name) is Meaning.WIDTH
            for item, new in _pairs(value, node.get(name))
            if item > 0
        ]
        for name, value in list(node.values.items()):
            if not is_whole(value) or value < 2 or not _GROUPED.search(name) or meaning(name) is Meaning.GROUPS:
                continue
            same = next((new for item, new in widths if item == value), None)
            if same is not None:
                node.set(name, same)
                continue
            divided = [new for item, new in widths if item % value == 0 and item > value]
            if any(new % value for new in divided):
                node.set(name, math.gcd(value, *divided))


def _pairs(before: Any, after: Any) -> list[tuple[int, int]]:
    if is_whole(before) and is_whole(after):
        return [(before, after)]
    if whole_list(before) and whole_list(after) and len(before) == len(after):
        return list(zip(before, after, strict=True))
    return []
