"""Widths that do not fit one another, as the error of a layer states them: which field is moved, and to what.

Lessons (see there) about numbers of channels, features and heads alone.
"""

from __future__ import annotations

import math
import re
from typing import Any

from archsweep.archs.shrink.fields import Meaning, is_whole, is_width, meaning
from archsweep.archs.shrink.tree import Node

MOST_TRIED = 4
_JOINTED = re.compile(
    r"(^|_)(in|input|out|output|proj|projection|projector|merger?|adapter|connector|intermediate)(_|$)"
)
_DIVISOR = re.compile(r"divisor|divisible")


def put(node: Node, name: str, value: Any) -> bool:
    """Edit a field. False where there is nothing to put, or the field has that value."""
    if value is None or node.get(name) == value:
        return False
    node.set(name, value)
    return True


def width(root: Node, found: re.Match[str], message: str) -> bool:
    """A layer was made for one width and given another: a width that has the first value takes the second.

    Candidates are tried one by one; one that changed nothing is undone when the same message comes again.
    """
    wanted, given = int(found.group("wanted")), int(found.group("given"))
    if root.tried and root.tried[-1][0] == message:
        _, node, name, old = root.tried[-1]
        node.set(name, old)
    done = {(node.path, name) for _, node, name, _ in root.tried}
    candidates = [
        (node, name)
        for node in root.walk()
        for name in {**node.values, **node.edits}
        if node.get(name) == wanted and is_width(name) and (node.path, name) not in done
    ]
    candidates.sort(
        key=lambda item: (
            _JOINTED.search(item[1]) is None,
            item[1] in ("hidden_size", "d_model"),
            "channels" in item[1],
        )
    )
    if not candidates and wanted != given:
        return _as_written(root, wanted, given) or _as_wide(root, wanted - given)
    if not candidates or wanted == given or len(root.tried) >= MOST_TRIED:
        return False
    node, name = candidates[0]
    root.tried.append((message, node, name, node.get(name)))
    node.set(name, given)
    return True


def _as_written(root: Node, wanted: int, given: int) -> bool:
    """A width that the code states where it should ask: all that were as wide by default go back to it, and the next
    wider one beside them, several times as wide, becomes twice as wide wherever it stands."""
    shrunk = [
        (node, name, value)
        for node in root.walk()
        for name, value in node.values.items()
        if is_width(name) and is_whole(value)
    ]
    back = [(node, name) for node, name, value in shrunk if value == wanted and node.get(name) == given]
    owners = {node.path for node, _ in back}
    beside = [value for node, _, value in shrunk if node.path in owners and value > wanted and value % wanted == 0]
    for node, name, value in shrunk:
        if beside and value == min(beside) and node.get(name) <= wanted:
            node.set(name, 2 * wanted)
    changed = [put(node, name, wanted) for node, name in back]
    return True in changed


def _as_wide(root: Node, more: int) -> bool:
    """A width that is one of several side by side: it is as much too wide as its node is wider than a part of it."""
    for node in root.walk():
        for child in node.children.values():
            own, inner = node.get("hidden_size"), child.get("hidden_size")
            if not child.absent and is_whole(own) and is_whole(inner) and own - inner == more:
                return put(node, "hidden_size", inner)
    return False


def thinner_slice(root: Node) -> bool:
    """A slice of a width took all of it."""
    changed = [
        put(node, name, value // 2)
        for node in root.walk()
        for name in node.values
        if name.endswith("slice_dim") and is_whole(value := node.get(name)) and value > 1
    ]
    return True in changed


def rounded(root: Node, found: re.Match[str], message: str) -> bool:
    """A width was rounded up to a multiple that a field states, and read elsewhere as it stands: a divisor of both."""
    wanted, given = int(found.group("wanted")), int(found.group("given"))
    changed = [
        put(node, name, math.gcd(wanted, given))
        for node in root.walk()
        for name in node.values
        if _DIVISOR.search(name)
        and is_whole(stated := node.get(name))
        and stated > 1
        and given == -(-wanted // stated) * stated != wanted
    ]
    return True in changed


def one_head(root: Node, found: re.Match[str], message: str) -> bool:
    """A width that no field states is no multiple of a number of heads: one head has all of it."""
    width, heads = int(found.group(1)), int(found.group(2))
    stated = [(node, name) for node in root.walk() for name in {**node.values, **node.edits}]
    if any(node.get(name) == width for node, name in stated):
        return False
    changed = [
        put(node, name, 1) for node, name in stated if meaning(name) is Meaning.HEADS and node.get(name) == heads
    ]
    return True in changed


def less_reduced(root: Node, found: re.Match[str], message: str) -> bool:
    """Nothing is left of a few channels that a block divides by its reduction: to one."""
    channels = int(found.group(1))
    changed = [
        put(node, name, channels)
        for node in root.walk()
        for name in node.values
        if "reduction" in name and is_whole(stated := node.get(name)) and stated > channels
    ]
    return True in changed
