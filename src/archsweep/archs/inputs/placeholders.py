"""Placeholder tokens in the text for every image, video or audio feature, as many as the model makes of its inputs.

Asks the model itself how many features an input gives; knows no architecture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archsweep.archs.inputs.facts import Facts
from archsweep.archs.inputs.text import pad_id, vocabulary

KINDS: dict[str, tuple[str, ...]] = {
    "image": ("pixel_values", "images"),
    "video": ("pixel_values_videos", "video_pixel_values", "videos"),
    "audio": (
        "input_features",
        "input_values",
        "audio_values",
        "audio_features",
        "input_audio",
        "audio_input_features",
    ),
}
_NAME = re.compile(
    r"^(im|img|image|video|audio|speech|sound)_?[a-z_]*(token_id|token_index|patch_id|soft_token_id|placeholder_id)$"
)
_NOT = re.compile(r"start|end|bos|eos|boi|eoi|begin|pad|newline|row|break|sep")


def place(facts: Facts, made: dict[str, Any]) -> None:
    """Insert placeholder tokens into `input_ids` of `made`, one for each feature, split evenly over the rows."""
    if "input_ids" not in made:
        return
    kinds: list[tuple[int, int]] = []
    for kind, names in KINDS.items():
        fed = next((name for name in names if name in made), None)
        token = token_of(facts, kind) if fed else None
        if token is None:
            continue
        count = facts.hints.get(f"{kind}_features")
        if not count and facts.model is not None:
            count = count_features(facts, kind, made)
        if count:
            facts.hints[f"{kind}_features"] = int(count)
            kinds.append((token, int(count)))
    if kinds:
        _insert(facts, made, kinds)


def token_of(facts: Facts, kind: str) -> int | None:
    """The placeholder token of a kind of input, where the configuration names one inside the vocabulary."""
    word = {"image": ("image", "im", "img"), "video": ("video",), "audio": ("audio", "speech", "sound")}[kind]
    for _, node in facts.nodes():
        for name, value in vars(node).items():
            found = _NAME.match(name)
            if found and found.group(1) in word and not _NOT.search(name) and isinstance(value, int) and value >= 0:
                return value if value < max(vocabulary(facts), 2) or facts.hints.get("any_token") else value
    return None


def count_features(facts: Facts, kind: str, made: Mapping[str, Any]) -> int | None:
    """How many features `get_<kind>_features` of the model, or of the model inside, gives for these inputs."""
    import torch

    from archsweep.archs.inputs.facts import signature

    model = facts.model
    for owner in (model, getattr(model, "model", None), getattr(model, "base_model", None)):
        ask = getattr(owner, f"get_{kind}_features", None)
        if ask is None:
            continue
        probe = type("Probe", (), {"forward": ask})
        accepted = signature(probe)
        arguments = {
            name: value
            for name, value in made.items()
            if name in accepted and name not in ("input_ids", "attention_mask")
        }
        for name in accepted:
            for long in (
                f"{kind}_{name}",
                name.replace("image", kind).replace("pixel_values", f"pixel_values_{kind}s"),
            ):
                if name not in arguments and long in made:
                    arguments[name] = made[long]
        if (
            "attention_mask" in accepted
            and "input_ids" not in accepted
            and kind == "audio"
            and "attention_mask" in made
        ):
            mask = made["attention_mask"]
            source = next((made[name] for name in KINDS["audio"] if name in made), None)
            if source is not None and mask.shape[-1] in source.shape:
                arguments["attention_mask"] = mask
        with torch.no_grad():
            found = ask(**arguments)
        return _rows(found)
    return None


def _rows(found: Any) -> int | None:
    pooled = getattr(found, "pooler_output", None)
    if pooled is None:
        pooled = getattr(found, "last_hidden_state", found)
    if hasattr(pooled, "dim"):
        return int(pooled.numel() // pooled.shape[-1])
    if isinstance(pooled, list | tuple) and pooled:
        parts = [_rows(item) for item in pooled if item is not None]
        return sum(part for part in parts if part) or None
    return None


def _insert(facts: Facts, made: dict[str, Any], kinds: list[tuple[int, int]]) -> None:
    import torch

    ids = made["input_ids"]
    batch, length = ids.shape
    mask = made.get("attention_mask", torch.ones_like(ids))
    rows = []
    for row in range(batch):
        inserted: list[int] = []
        for token, count in kinds:
            share = count // batch + (1 if row < count % batch else 0)
            inserted.extend([token] * share)
        real = int(mask[row].sum())
        text = ids[row].tolist()
        rows.append(text[:2] + inserted + text[2:real])
    longest = max(len(row) for row in rows) + (length - int(mask.sum(dim=1).max()))
    filler = pad_id(facts)
    made["input_ids"] = torch.tensor([row + [filler] * (longest - len(row)) for row in rows])
    real_mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    if "attention_mask" in made:
        made["attention_mask"] = real_mask
    if "token_type_ids" in made:
        made["token_type_ids"] = torch.zeros_like(real_mask)
    if facts.wants("mm_token_type_ids"):
        types = torch.zeros_like(real_mask)
        for kind, value in (("image", 1), ("video", 2), ("audio", 3)):
            token = token_of(facts, kind)
            if token is not None:
                types[made["input_ids"] == token] = value
        made["mm_token_type_ids"] = types
