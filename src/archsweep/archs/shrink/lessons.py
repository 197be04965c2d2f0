"""What the text of an error says about a configuration: names and numbers in it, turned into an edit of the tree.

Called when a tiny model does not build or run. Reads wordings, never architectures; each lesson changes something or
says that it did not, so that a search over lessons ends.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any

from archsweep.archs.shrink import blanks, misfits, relations, source
from archsweep.archs.shrink.fields import Meaning, is_whole, is_width, meaning, whole_list
from archsweep.archs.shrink.misfits import put
from archsweep.archs.shrink.tree import Node

LABELS = 2  # of a configuration that states none
_SCORE = re.compile(r"(score|det|detection|conf|filter).*thresh")
_OVERLAP = re.compile(r"iou|nms")
_Lesson = Callable[[Node, "re.Match[str]", str], bool]
_PATH = r"(?:self\.)?(?:config\.)?([a-z_][\w.]*)"


def repaired(root: Node, message: str) -> bool:
    """Edit the tree after an error text. True if anything changed, so that another attempt is worth it."""
    for pattern, lesson in _LESSONS:
        for found in re.finditer(pattern, message, re.DOTALL):
            if lesson(root, found, message):
                return True
    return _named_blanks(root, message)


def _stages(root: Node, count: int) -> bool:
    """As many stages of a backbone as a head asks for: the deepest ones, one after another."""
    depth = root.get(getattr(root.kind, "attribute_map", {}).get("num_hidden_layers", "num_hidden_layers"))
    if not is_whole(depth):
        return False
    if depth < count:
        root.set("num_hidden_layers", count)
    return put(root, "_out_indices", list(range(max(depth, count) - count + 1, max(depth, count) + 1)))


def _switch(root: Node, found: re.Match[str]) -> bool:
    """`field=True` asked for."""
    return put(root, found.group(1), found.group(2) == "True") if found.group(1) in root.values else False


def _new_sections(root: Node, name: str) -> bool:
    """Rotary sections that the code reads and the configuration lacks; their sum is another lesson's."""
    changed = False
    for node in root.walk():
        stated = node.get("rope_parameters")
        if isinstance(stated, dict) and name not in stated and node.main_depth is not None:
            node.set("rope_parameters", {**stated, name: [2, 1, 1]})
            changed = True
    return changed


def _without_kernels(root: Node) -> bool:
    """Compiled kernels that are not installed are switched off, where a switch says so."""
    changed = False
    for node in root.walk():
        for name in node.values:
            if re.search(r"use_\w*kernels?$", name) and node.get(name) is True:
                changed = put(node, name, False) or changed
    return changed


def _missing(root: Node, found: re.Match[str], message: str) -> bool:
    """A configuration lacks an attribute: take it from where the tree, or a sister class of the module, has it."""
    kind, name = found.group(1), found.group(2)
    owners = [node for node in root.walk() if node.kind.__name__ == kind]
    known: Any = next((node.get(name) for node in root.walk() if node.get(name) is not None), None)
    for node in root.walk():
        stated = node.get("rope_parameters")
        if known is None and isinstance(stated, dict):
            known = stated.get(name)
    changed = False
    for node in owners:
        filled = _alike(root, node, name) if known is None else known
        filled = blanks.meant(node, name) if filled is None else filled
        filled = blanks.width_of(node) if filled is None and is_width(name) else filled
        filled = 0 if filled is None and meaning(name) is Meaning.TOKEN else filled
        filled = False if filled is None and name.endswith("_bias") else filled
        changed = put(node, name, filled) or changed
    return changed


def _guarded(root: Node, found: re.Match[str], message: str) -> bool:
    """A module lacks a part that its code makes only under a switch: the switch goes on."""
    pattern = rf"if (?:self\.)?config\.(\w+):\n(?:[^\n]*\n){{0,5}}?\s+self\.{found.group(2)} ="
    changed = False
    for node in root.walk():
        for flag in re.findall(pattern, source.modeling_text(node.kind.__module__)):
            if node.get(flag) is False:
                changed = put(node, flag, True) or changed
    return changed


def _alike(root: Node, node: Node, name: str) -> Any:
    """The default of a field of that name in another configuration class of the module, its base classes' modules, or
    the module of the whole."""
    for module in dict.fromkeys(kind.__module__ for kind in (*node.kind.__mro__, root.kind)):
        for other in list(vars(sys.modules.get(module, sys)).values()):
            if (
                isinstance(other, type)
                and hasattr(other, "model_type")
                and isinstance(vars(other).get(name), int | float | str)
            ):
                return vars(other)[name]
    return None


def _required(root: Node, found: re.Match[str], message: str) -> bool:
    """`field=number` stated as required."""
    name, value = found.group(1), int(found.group(2))
    changed = [put(node, name, value) for node in root.walk() if name in node.values]
    return True in changed


def _sections(root: Node, found: re.Match[str], message: str) -> bool:
    """Rotary sections that must sum to another number."""
    total, parts = int(found.group(1)), [int(item) for item in re.findall(r"\d+", found.group(2))]
    if total < len(parts):
        return False
    changed = False
    for node in root.walk():
        stated = node.get("rope_parameters")
        if not isinstance(stated, dict) or node.main_depth is None:
            continue
        keys = [key for key, value in stated.items() if whole_list(value) and list(value) == parts]
        for key in keys or ["mrope_section"] * (not changed):
            changed = put(node, "rope_parameters", {**stated, key: relations.split(parts, total)}) or changed
    return changed


def _equal(root: Node, found: re.Match[str], message: str) -> bool:
    """One field must be as another: the first takes the second's value."""
    first, second = _resolve(root, found.group("first")), _resolve(root, found.group("second"))
    if not first or not second:
        return False
    pairs = [(a, b) for a in first for b in second if a[0] is b[0]] or [(first[0], second[0])]
    (node, name), (other, source) = pairs[0]
    value = other.get(source)
    if not is_whole(value) and not isinstance(value, float):
        return False
    return put(node, name, value)


def _as_first(root: Node, found: re.Match[str], message: str) -> bool:
    """`a.b=1` should match `c=2`: the second takes the first's value, because the first was made to fit already."""
    first, second = _resolve(root, found.group(1)), _resolve(root, found.group(2))
    if not first or not second:
        return False
    (node, name), (other, source) = second[0], first[0]
    return put(node, name, other.get(source))


def _resolve(root: Node, path: str) -> list[tuple[Node, str]]:
    *parents, name = path.split(".")
    return [
        (node, name)
        for node in root.walk()
        if (name in node.values or name in node.edits) and (not parents or [*node.path][-len(parents) :] == parents)
    ]


def _specified(root: Node, found: re.Match[str], message: str) -> bool:
    """A field must be given a value."""
    return _fill(root, found.group(1))


def _named_blanks(root: Node, message: str) -> bool:
    """Empty fields that the message names."""
    words = set(re.findall(r"[a-z_]\w{5,}", message))
    words |= {word.removeprefix("set_") for word in words}
    names = dict.fromkeys(
        name for node in root.walk() for name, value in node.values.items() if value is None and name in words
    )
    return any(_fill(root, name) for name in names)


def _fill(root: Node, name: str) -> bool:
    changed = False
    for node in root.walk():
        lacks = name not in node.values and "layer_types" in node.values and "window" in name
        if (name in node.values or lacks) and node.get(name) is None:
            choices = next(
                (
                    value
                    for key, value in node.values.items()
                    if name.endswith(key.removesuffix("s")) and isinstance(value, list | tuple) and value
                ),
                None,
            )
            changed = put(node, name, choices[0] if choices else blanks.meant(node, name)) or changed
    return changed


def _whole_features(root: Node, found: re.Match[str], message: str) -> bool:
    """One feature fewer than there are patches: the first one was cut off as if a token of its own stood there."""
    if int(found.group(1)) - int(found.group(2)) != 1:
        return False
    changed = [
        put(node, name, "full")
        for node in root.walk()
        for name in node.values
        if name.endswith("select_strategy") and node.get(name) == "default"
    ]
    return True in changed


def _fewer_windows(root: Node) -> bool:
    """Nothing is left of a map cut into windows: a square number of them becomes four, and grids follow."""
    changed = False
    for node in root.walk():
        for name, value in list(node.values.items()):
            side = math.isqrt(value) if is_whole(value) and value > 4 else 0
            if not name.endswith("_2d") or side == 0 or side**2 != value:
                continue
            changed = put(node, name, 4) or changed
            for other, sizes in node.values.items():
                if other.endswith("sizes") and whole_list(sizes) and list(sizes) == [side, side]:
                    node.set(other, [2, 2])
    return changed


def _unfiltered(root: Node) -> bool:
    """Nothing passed a threshold of score or confidence: random weights detect nothing with certainty."""
    changed = [
        put(node, name, 0.0)
        for node in root.walk()
        for name, value in node.values.items()
        if _SCORE.search(name) and not _OVERLAP.search(name) and isinstance(value, float) and 0 < value < 1
    ]
    return True in changed


def _whole_branches(root: Node) -> bool:
    """Branches of two dilations where the code counts on more: each gets back all that its default states."""
    changed = False
    for node in root.walk():
        for name, value in node.values.items():
            kept = node.edits.get(name)
            if not isinstance(kept, list | tuple) or not isinstance(value, list | tuple):
                continue
            pairs = list(zip(kept, value, strict=False))
            if pairs and all(isinstance(item, list | tuple) for pair in pairs for item in pair):
                changed = put(node, name, type(value)(whole for _, whole in pairs)) or changed
    return changed


def _a_number_a_class(root: Node) -> bool:
    """Numbers by class that the code makes a tensor of, and the default leaves empty: zeros, so that nothing is under
    one of them, and ranks where they are whole."""
    changed = False
    for node in root.walk():
        labels = node.get("id2label")
        count = len(labels) if isinstance(labels, dict) else node.get("num_labels") or LABELS
        for name, value in node.values.items():
            if value is None and name.startswith(("class_", "label_")):
                stated = any(
                    "float" in str(vars(kind).get("__annotations__", {}).get(name)) for kind in node.kind.__mro__
                )
                changed = put(node, name, [0.0] * count if stated else list(range(count))) or changed
    return changed


def _bounds(root: Node, found: re.Match[str], message: str) -> bool:
    """A bound that is empty though the code clamps to it."""
    names = [
        (node, name)
        for node in root.walk()
        for name, value in node.values.items()
        if value is None and re.search("clip|clamp", name)
    ]
    changed = [put(node, name, 8.0) for node, name in names if node.get(name) is None]
    return True in changed


_LESSONS: tuple[tuple[str, _Lesson], ...] = (
    (r"make sure that [`'\"]?(?:config\.)?(\w+)\s*=\s*(True|False)", lambda root, found, message: _switch(root, found)),
    (r"KeyError: '(\w*_section)'", lambda root, found, message: _new_sections(root, found.group(1))),
    (r"(?i)kernels? (?:are|is) not available", lambda root, found, message: _without_kernels(root)),
    (r"only supports encoder-only", lambda root, found, message: put(root, "is_encoder_decoder", False)),
    (r"config\.out_indices to be a list of (\d+)", lambda root, found, message: _stages(root, int(found.group(1)))),
    (r"clamp: At least one of", _bounds),
    (r"modulo by zero|division by zero", lambda root, found, message: _fewer_windows(root)),
    (r"split_size can only be 0", lambda root, found, message: misfits.thinner_slice(root)),
    (r"forward pass gives no tensor", lambda root, found, message: _unfiltered(root)),
    (r"(?i)expected [^\n]*?(\d+) \w* ?(?:tokens|patches|features),? (?:but )?got (\d+)", _whole_features),
    (r"shapes cannot be multiplied \(\d+x(?P<given>\d+) and (?P<wanted>\d+)x\d+\)", misfits.width),
    (r"to have (?P<wanted>\d+) channels, but got (?P<given>\d+) channels", misfits.rounded),
    (r"to have (?P<wanted>\d+) channels, but got (?P<given>\d+) channels", misfits.width),
    (r"normalized_shape=\[(?P<wanted>\d+)\], expected .* got input of size\[(?:\d+, )+(?P<given>\d+)\]", misfits.width),
    (r"\((\d+)\) must be divisible by `?\w*heads`? \((\d+)\)", misfits.one_head),
    (r"weight to be at least 1 at dimension 0, .*size \[0, (\d+)", misfits.less_reduced),
    (r"IndexError: list index out of range", lambda root, found, message: _whole_branches(root)),
    (r"must be real number, not NoneType", lambda root, found, message: _a_number_a_class(root)),
    (r"'(\w+Config)' object has no attribute '(\w+)'", _missing),
    (r"'(\w+)' object has no attribute '(\w+)'", _guarded),
    (r"requires `?(\w+)\s*==?\s*(\d+)", _required),
    (r"sum exactly to (\d+) .{0,60}got split_sizes=\[([\d, ]+)\]", _sections),
    (rf"`{_PATH}(?:=[\d.]+)?` (?:should|must) match `{_PATH}", _as_first),
    (
        r"`?(?P<first>[a-z_]\w*)`? (?:must|should|has to) (?:match|be equal to|equal) (?:the )?`?(?P<second>[a-z_]\w*)",
        _equal,
    ),
    (r"`?(\w+)`? (?:config )?(?:needs to|must|has to) be (?:specified|set|given|provided)", _specified),
    (r"`(\w+)` argument in the config, or it is not set", _specified),
)
