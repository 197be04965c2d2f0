"""A tensor for a parameter that no rule knows, from what its documentation says of kind and shape.

transformers documents a parameter as "name (`torch.FloatTensor` of shape `(batch_size, length, hidden_size)`)"; the
words of a shape are names of configuration fields or of the batch's own sizes. Without such a line, the parameter's
name decides. Knows no architecture.
"""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

from archsweep.archs.inputs import image, text
from archsweep.archs.inputs.facts import BATCH, TEXT, Facts

_LINE = r"(?m)^\s*{name}\s*\(\s*`?(?:torch\.)?(?P<kind>[\w.]+)`?\s*(?:of shape\s*`?[\[(](?P<shape>[^)\]]*)[)\]]`?)?"
_SPOKEN: tuple[tuple[str, str], ...] = (
    (r"batch|num_images$|num_videos$|bsz", "batch"),
    (r"channel", "channels"),
    (r"height", "height"),
    (r"width", "width"),
    (r"hidden|embed|dim|feature_size|d_model", "hidden"),
    (r"seq|length|len|tokens|time|steps|frames|num_patches", "length"),
)


def documented(facts: Facts, name: str) -> Any:
    """A tensor for `name`, or None if neither documentation nor name says what it is."""
    kind, shape = documentation(facts, name)
    stated = facts.hints.get("shapes", {}).get(name)
    if stated:
        kind, sizes = (
            ("LongTensor", [int(x) for x in stated[1:]])
            if stated[0] == "whole"
            else ("FloatTensor", [int(x) for x in stated[1:]])
        )
        return _filled(facts, name, kind, sizes)
    if shape:
        return _filled(facts, name, kind, [_size(facts, word) for word in shape])
    if name.endswith(("_mask", "mask")):
        return text.mask(TEXT, facts.shorter)
    if name.endswith(("_ids", "ids")):
        return text.draw_ids(facts, name, TEXT)
    if name.endswith(("embeds", "hidden_states", "features", "embeddings", "latents", "hidden_state")):
        return facts.normal(name, BATCH, int(facts.hints.get("steps", TEXT)), _hidden(facts))
    return None


def documentation(facts: Facts, name: str) -> tuple[str, list[str]]:
    forward = inspect.unwrap(facts.kind.forward)  # type: ignore[attr-defined]
    for source in (facts.kind.forward.__doc__, forward.__doc__, facts.kind.__doc__):  # type: ignore[attr-defined]
        found = re.search(_LINE.format(name=re.escape(name)), source or "")
        if found:
            shape = found.group("shape")
            return found.group("kind"), [word.strip() for word in shape.split(",") if word.strip()] if shape else []
    annotation = str(facts.parameters[name].annotation).strip("'") if name in facts.parameters else ""
    return annotation, []


def _size(facts: Facts, word: str) -> int:
    """The size that a word of a documented shape stands for."""
    word = word.strip("`* ").removeprefix("self.").removeprefix("config.")
    if "+" in word:
        return sum(_size(facts, part) for part in word.split("+"))
    if "*" in word:
        return math.prod(_size(facts, factor) for factor in word.split("*"))
    if word.startswith("len("):
        listed = facts.find(word[4:].strip(") ").removeprefix("config."))
        return len(listed) if isinstance(listed, list | tuple) else 2
    if word.isdigit():
        return int(word)
    found = facts.find(word)
    if isinstance(found, int) and not isinstance(found, bool) and found > 0:
        return found
    for pattern, meaning in _SPOKEN:
        if re.search(pattern, word):
            height, width = image.side(facts)
            return {
                "batch": BATCH, "channels": image.channels(facts), "height": height, "width": width,
                "hidden": _hidden(facts), "length": int(facts.hints.get("text_length", TEXT)),
            }[meaning]  # fmt: skip
    return 2


def _hidden(facts: Facts) -> int:
    return int(facts.find("hidden_size", "d_model", "embed_dim") or 32)


def _filled(facts: Facts, name: str, kind: str, sizes: list[int]) -> Any:
    import torch

    if "mask" in name and not (
        len(sizes) == 4 and not re.search("Long|Int|Bool", kind) and sizes[1] == image.channels(facts)
    ):
        made = torch.ones(*sizes, dtype=torch.long)
        if made.dim() > 1 and made.shape[-1] > facts.shorter + 1:
            made[-1, ..., -facts.shorter :] = 0
        return made.bool() if "Bool" in kind else made
    if "Bool" in kind:
        return facts.whole(name, 0, 2, *sizes).bool()
    if "Long" in kind or "Int" in kind or name.endswith("ids"):
        limit = text.vocabulary(facts) if name.endswith("ids") else 2
        return facts.whole(name, 0 if limit == 2 else text.FIRST, limit, *sizes)
    return facts.normal(name, *sizes)
