"""Fields that the default leaves empty though the model counts with them, filled by what their names mean.

Two kinds: those whose filling changes nothing (a head dimension is the width over the heads, stated or not), always
filled; and those that switch a part on (experts, indexers), filled only by a move of their own.
"""

from __future__ import annotations

import re
from typing import Any

from archsweep.archs.shrink import source, tokens
from archsweep.archs.shrink.fields import Meaning, is_whole, meaning
from archsweep.archs.shrink.tree import Node

_MODALITY = re.compile(r"(^|_)(vision|audio|text|image|video|speech)_config$")
ATTENTION = ("full_attention", "sliding_attention", "conv", "linear_attention", "chunked_attention")
RECURRENT = ("mamba", "attention", "recurrent")
STATEFUL, ATTENTIVE = ("linear_attention", "mamba", "recurrent"), ("full_attention", "attention")
_ATTENTION_AT = re.compile(r"^attn?(ention)?_layers?_(indices|indexes|ids|idxs?)$")
FEED_FORWARD = ("dense", "sparse")
WINDOW = 8  # tokens of a sliding window where none is stated


def add_modalities(root: Node) -> None:
    """Put in optional sub-configurations of a modality that the default leaves out."""
    for node in root.walk():
        for name, child in node.children.items():
            if child.absent and _MODALITY.search(name):
                child.add()


def fill_plain(root: Node) -> None:
    """State what the code would derive: head dimensions, key heads, a vocabulary, rotary parameters by layer kind; and
    give a hybrid that has no attention by default one layer of it, as its checkpoints have."""
    for node in root.walk():
        _attend_last(node)
        for name, value in list(node.values.items()):
            if value is None and (filled := _plain(node, name)) is not None:
                node.set(name, filled)
        if "sliding_attention" in (node.get("layer_types") or ()) and not _window_named(node):
            node.set("sliding_window", WINDOW)
        _rotary_for_each_kind(node)


def _attend_last(node: Node) -> None:
    """The last layer attends, where the code knows layers that do and others, and there are only the others."""
    depth = _depth(node)
    for name, value in list(node.values.items()):
        if not value and depth and depth > 1 and _ATTENTION_AT.search(name):
            node.set(name, [depth - 1])
        if name != "layer_types" or not isinstance(node.get(name), list) or len({*node.get(name)}) != 1:
            continue
        stated = node.get(name)
        known = source.layer_kinds(node.kind.__module__, (*STATEFUL, *ATTENTIVE))
        attentive = next((kind for kind in known if kind in ATTENTIVE), None)
        if stated[0] in STATEFUL and stated[0] in known and attentive and len(stated) > 1:
            node.set(name, [*stated[:-1], attentive])


def _window_named(node: Node) -> bool:
    return any(
        "window" in name or "window" in str(mapped)
        for name in node.values
        for mapped in (name, getattr(node.kind, "attribute_map", {}).get("sliding_window", ""))
    )


def _plain(node: Node, name: str) -> Any:
    heads = _heads(node)
    if name == "head_dim" and heads and (width := width_of(node)):
        return width // heads
    if name in ("num_key_value_heads", "num_kv_heads") and heads:
        return heads
    if name == "sliding_window" and "sliding_attention" in (node.get("layer_types") or ()):
        return WINDOW
    if name == "vocab_size" and not any(child.values.get(name) for child in node.children.values()) and width_of(node):
        return tokens.VOCABULARY if source.reads(node.kind.__module__, name) else None
    return None


def fill_switches(root: Node) -> None:
    """Switch on what empty fields leave off: experts, indexers, per-layer kinds."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if value is None and name not in node.edits and (filled := meant(node, name)) is not None:
                node.set(name, filled)


def meant(node: Node, name: str) -> Any:
    """A value for a field from the words of its name, or None where the words say too little."""
    kind, depth, width = meaning(name), _depth(node), width_of(node)
    if "indexer" in name and "kv" in name:
        return 1
    if re.search(r"(^|_)sliding_window(_size)?$", name):
        return WINDOW
    if name.endswith("layer_types") and depth:
        return _layer_types(node, name, depth)
    by_meaning: dict[Meaning, Any] = {
        Meaning.HEAD_DIM: _head_dim(node, width),
        Meaning.HEADS: _heads(node) or 2,
        Meaning.EXPERTS: tokens.EXPERTS,
        Meaning.TOP_K: tokens.CHOSEN,
        Meaning.GROUPS: 1,
        Meaning.WIDTH: width,
        Meaning.VOCAB: tokens.VOCABULARY,
        Meaning.DEPTH: 2,
    }
    if kind in by_meaning:
        return None if kind in (Meaning.DEPTH, Meaning.WIDTH) and not _numeric(node, name) else by_meaning[kind]
    if re.search(r"(^|_)(n|num)_(shared_)?experts?", name):
        return 1
    if re.search(r"budget|top_?k$", name):
        return 4
    if re.search(r"ratio$|rate$|stride$", name):
        return 2 if "compress" in name or "stride" in name else None
    if re.search(r"(prediction|context|horizon)_length$", name):
        return 8
    return None


def _numeric(node: Node, name: str) -> bool:
    """Whether the code reads the field and never asks if it is there."""
    text = source.modeling_text(node.kind.__module__)
    return bool(re.search(rf"config\.{name}\b", text)) and not re.search(
        rf"config\.{name} (is|or|if)\b|if .*config\.{name}\b", text
    )


def _layer_types(node: Node, name: str, depth: int) -> list[str] | None:
    allowed = FEED_FORWARD if name.startswith("mlp") else ATTENTION
    known = source.layer_kinds(node.kind.__module__, allowed)
    known = known or source.layer_kinds(node.kind.__module__, RECURRENT)
    if name.startswith("mlp") and known:
        known = list(FEED_FORWARD)
    return [known[layer % len(known)] for layer in range(depth)] if known else None


def _rotary_for_each_kind(node: Node) -> None:
    """Rotary parameters keyed by the kind of layer, where the code looks them up so and the default has none."""
    kinds, stated = node.values.get("layer_types"), node.values.get("rope_parameters")
    if (
        not isinstance(kinds, list)
        or not isinstance(stated, dict)
        or any(isinstance(item, dict) for item in stated.values())
    ):
        return
    if not re.search(r"rope_parameters\[\s*layer_type\s*\]", source.modeling_text(node.kind.__module__)):
        return
    plain = {"rope_type": stated.get("rope_type", "default"), "rope_theta": stated.get("rope_theta", 10000.0)}
    node.set("rope_parameters", {kind: dict(plain) for kind in dict.fromkeys(kinds)})


def _heads(node: Node) -> int | None:
    name = getattr(node.kind, "attribute_map", {}).get("num_attention_heads", "num_attention_heads")
    value = node.get(name)
    return value if is_whole(value) and value > 0 else None


def _depth(node: Node) -> int | None:
    value = node.get(getattr(node.kind, "attribute_map", {}).get("num_hidden_layers", "num_hidden_layers"))
    return value if is_whole(value) else None


def width_of(node: Node) -> int | None:
    name = node.attention_width_name
    value = node.get(name) if name else None
    return value if is_whole(value) else None


def _head_dim(node: Node, width: int | None) -> int:
    stated = node.get("head_dim")
    return int(stated) if is_whole(stated) else width // (_heads(node) or 1) if width else 8
