"""Networks of an image library that a configuration only names: a smaller one of the same make, or smaller arguments.

The library's own text says what a name stands for. Where the library is not installed, nothing is changed.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, meaning, whole_list
from archsweep.archs.shrink.tree import Node

FACTOR = "channel_multiplier"  # thins the inside of a network, not its last width
_FETCHED = re.compile(r"^use_pretrained(_\w*)?$")  # weights that would come from a hub
_NAMED = ("architecture", "backbone")
THINNER = 4
SIDE, PATCH = 64, 16  # of an image whose size and patch only the arguments state


def is_wrapped(node: Node) -> bool:
    """Whether the node is a network known only by a name: no widths of its own."""
    return any(isinstance(node.values.get(name), str) for name in _NAMED) and node.main_depth is None


def shrink_wrapped(root: Node) -> None:
    """Edit every wrapped node: the library's test network of the same file, else arguments that make it small."""
    for node in root.walk():
        for name, value in list(node.values.items()):
            if _FETCHED.search(name) and value is True:
                node.set(name, False)
        if not _is_wrapper(node):
            continue
        name = next(name for name in _NAMED if name in node.values)
        entry = _entry(node.values[name]) if node.values[name] else None
        small = _small_sibling(entry)
        if node.values[name] is None:
            small = _small_sibling(_entry("resnet50"))
        if small:
            node.set(name, small)
        elif entry is not None and "model_args" in node.values:
            arguments = _arguments(entry)
            width = node.values.get("hidden_size")
            if is_whole(width) and arguments:
                node.set("hidden_size", width if FACTOR in arguments else width // THINNER)
            if arguments:
                node.set("model_args", {**(node.values["model_args"] or {}), **arguments})


def _is_wrapper(node: Node) -> bool:
    chosen = any(value is True for name, value in node.values.items() if name.startswith("use_timm"))
    return is_wrapped(node) or ("backbone" in node.values and (chosen or "features_only" in node.values))


def _entry(name: str) -> Any:
    """The function of the library that makes the network called `name`."""
    try:
        import timm
    except ImportError:
        return None
    return timm.model_entrypoint(name) if timm.is_model(name) else None


def _small_sibling(entry: Any) -> str | None:
    """A network that the library keeps for its own tests in the same file."""
    if entry is None:
        return None
    names = [name for name in vars(sys.modules[entry.__module__]) if name.startswith("test_")]
    return min(names) if names else None


def _arguments(entry: Any) -> dict[str, Any]:
    """Smaller values for what the function's own table of arguments states: widths, depths and heads."""
    stated: dict[str, Any] = {}
    for node in ast.walk(ast.parse(inspect.getsource(entry).strip())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
            for keyword in node.keywords:
                try:
                    stated[keyword.arg or ""] = ast.literal_eval(keyword.value)
                except ValueError:
                    continue
    made = {name: small for name, value in stated.items() if (small := _smaller(name, value)) is not None}
    if "patch_size" in stated:
        made |= {"patch_size": PATCH, "img_size": SIDE}
    if "ref_feat_shape" in stated:
        made["ref_feat_shape"] = (SIDE // PATCH, SIDE // PATCH)
    builders = [
        value
        for name, value in vars(sys.modules[entry.__module__]).items()
        if name.startswith("_gen_") and name in inspect.getsource(entry)
    ]
    if not made and builders and FACTOR in inspect.signature(builders[0]).parameters:
        made[FACTOR] = 1 / (2 * THINNER)
    return made


def _smaller(name: str, value: Any) -> Any:
    kind = meaning(name)
    if kind is Meaning.WIDTH:
        return _map(value, lambda item: max(8, item // THINNER // 8 * 8))
    if kind is Meaning.DEPTH:
        return _map(value, lambda item: min(item, 2))
    if kind is Meaning.HEADS:
        return _map(value, lambda item: max(1, item // 4))
    return None


def _map(value: Any, change: Any) -> Any:
    if is_whole(value):
        return change(value)
    return type(value)(change(item) for item in value) if whole_list(value) else None
