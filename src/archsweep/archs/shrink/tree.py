"""A configuration as a tree of plain values, and back. Knows how transformers nests configurations; shrinks nothing."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_PRIVATE_KEPT = ("_out_indices",)
_MANAGED = frozenset(
    ["architectures", "id2label", "label2id", "transformers_version", "name_or_path", "model_type", "dtype", "return_dict", "output_hidden_states", "output_attentions", "is_composition", "chunk_size_feed_forward", "problem_type", "ignore_keys_at_rope_validation"]
)


@dataclass
class Node:
    """One configuration object: its class, its own values, and its sub-configurations by attribute name."""

    kind: type
    path: tuple[str, ...]
    values: dict[str, Any]
    children: dict[str, Node] = field(default_factory=dict)
    edits: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The value as edited so far."""
        return self.edits.get(name, self.values.get(name))

    def set(self, name: str, value: Any) -> None:
        if self.values.get(name) != value or name not in self.values:
            self.edits[name] = value
        else:
            self.edits.pop(name, None)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children.values():
            yield from child.walk()

    @property
    def main_depth(self) -> int | None:
        """Number of layers, through the class's attribute map."""
        return _mapped(self, "num_hidden_layers")

    @property
    def main_width(self) -> int | None:
        return _mapped(self, "hidden_size")


def _mapped(node: Node, name: str) -> int | None:
    value = node.values.get(getattr(node.kind, "attribute_map", {}).get(name, name))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read(config: Any, path: tuple[str, ...] = ()) -> Node:
    """The tree of a transformers configuration object."""
    node = Node(kind=type(config), path=path, values={})
    for name, value in vars(config).items():
        if hasattr(value, "to_diff_dict"):
            node.children[name] = read(value, (*path, name))
        elif name in _MANAGED or (name.startswith("_") and name not in _PRIVATE_KEPT):
            continue
        else:
            node.values[name] = copy.deepcopy(value)
    return node


@functools.cache
def _class_default(kind: type) -> dict[str, Any]:
    try:
        return {name: value for name, value in vars(kind()).items() if not hasattr(value, "to_diff_dict")}
    except (TypeError, ValueError, AttributeError, KeyError):
        return {}


def edits_of(node: Node) -> dict[str, Any]:
    """All edits of the tree as nested plain values: `{"hidden_size": 64, "text_config": {...}}`; empty ones left out."""
    nested: dict[str, Any] = {name: value for name, value in node.edits.items()}
    for name, child in node.children.items():
        inner = edits_of(child)
        if inner:
            nested[name] = inner
    return nested


def build(node: Node, edits: Mapping[str, Any]) -> Any:
    """A configuration object: the tree's own values with `edits` applied.

    Sub-configurations are built first and handed over as objects, each with what differs from its class's defaults,
    so that a parent's own defaults for a child survive.
    """
    arguments: dict[str, Any] = {}
    default = _class_default(node.kind)
    for name, value in node.values.items():
        if name in default and default[name] == value and name not in _PRIVATE_KEPT:
            continue
        if name not in _PRIVATE_KEPT and node.path:
            arguments[name] = copy.deepcopy(value)
    for name, child in node.children.items():
        own = edits.get(name)
        arguments[name] = build(child, own if isinstance(own, Mapping) else {})
    for name, value in edits.items():
        if name in node.children and isinstance(value, Mapping):
            continue
        arguments["out_indices" if name == "_out_indices" else name] = copy.deepcopy(value)
    if "out_indices" in arguments:
        arguments.pop("out_features", None)
    return node.kind(**arguments)
