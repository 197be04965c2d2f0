"""A configuration as a tree of plain values, and back. Knows how transformers nests configurations; shrinks nothing."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archsweep.archs import defaults

_LAYER_KINDS = re.compile(r"^(layers?_(block_)?types?|layers_block_type|block_types?)$")
_PRIVATE_KEPT = ("_out_indices",)
_MANAGED = frozenset(
    [
        "architectures",
        "id2label",
        "label2id",
        "transformers_version",
        "name_or_path",
        "model_type",
        "dtype",
        "return_dict",
        "output_hidden_states",
        "output_attentions",
        "is_composition",
        "chunk_size_feed_forward",
        "problem_type",
        "ignore_keys_at_rope_validation",
    ]
)


@dataclass
class Node:
    """One configuration object: its class, its own values, and its sub-configurations by attribute name."""

    kind: type
    path: tuple[str, ...]
    values: dict[str, Any]
    children: dict[str, Node] = field(default_factory=dict)
    edits: dict[str, Any] = field(default_factory=dict)
    absent: bool = False  # an optional sub-configuration that the default leaves out
    added: bool = False  # ... and that the edits put in
    tried: list[tuple[str, Node, str, Any]] = field(default_factory=list)  # what lessons changed: message, where, from

    def get(self, name: str) -> Any:
        """The value as edited so far."""
        return self.edits.get(name, self.values.get(name))

    def set(self, name: str, value: Any) -> None:
        if self.values.get(name) != value or name not in self.values:
            self.edits[name] = value
        else:
            self.edits.pop(name, None)

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first, without the absent ones."""
        yield self
        for child in self.children.values():
            if not child.absent:
                yield from child.walk()

    def add(self) -> None:
        """Put an absent sub-configuration in."""
        self.absent, self.added = False, True

    @property
    def main_depth(self) -> int | None:
        """Number of layers, through the class's attribute map, or as the length of a list of layer kinds."""
        found = _mapped(self, "num_hidden_layers")
        if found is None and "num_hidden_layers" not in self.values:
            lists = [
                value
                for name, value in self.values.items()
                if _LAYER_KINDS.search(name) and isinstance(value, list | tuple)
            ]
            found = next(
                (len(value) for value in lists if value and all(isinstance(item, str) for item in value)), None
            )
        return found

    @property
    def main_width(self) -> int | None:
        return _mapped(self, "hidden_size")

    @property
    def attention_width_name(self) -> str | None:
        """The field of the width that heads share out: an embedding width stands before the main one."""
        named = (
            "embed_dim",
            "d_model",
            getattr(self.kind, "attribute_map", {}).get("hidden_size", "hidden_size"),
            "encoder_hidden_dim",
        )
        return next((name for name in named if isinstance(self.values.get(name), int)), None)

    @property
    def attention_width(self) -> int | None:
        name = self.attention_width_name
        return self.values[name] if name else None


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
    for name in defaults.named(type(config)):
        if name not in node.children and getattr(config, name, None) is None:
            optional = defaults.part_of(type(config), name)
            if optional is not None:
                node.children[name] = read(optional, (*path, name))
                node.children[name].absent = True
    return node


@functools.cache
def _class_default(kind: type) -> dict[str, Any]:
    try:
        return {
            name: value for name, value in vars(defaults.default(kind)).items() if not hasattr(value, "to_diff_dict")
        }
    except defaults.faults():
        return {}


def edits_of(node: Node) -> dict[str, Any]:
    """All edits of the tree as nested plain values: `{"hidden_size": 64, "text_config": {...}}`; no empty ones."""
    nested: dict[str, Any] = dict(node.edits)
    for name, child in node.children.items():
        inner = {} if child.absent else edits_of(child)
        if inner or child.added:
            nested[name] = inner
    return nested


@dataclass(frozen=True)
class Call:
    """A configuration as the call that makes it; arguments that are configurations are calls themselves."""

    kind: type
    arguments: dict[str, Any]
    tables: bool = False  # arguments that are configurations are handed over as tables

    def made(self) -> Any:
        """The configuration object. Raises what its validators raise."""
        arguments = {
            name: value.made() if isinstance(value, Call) else copy.deepcopy(value)
            for name, value in self.arguments.items()
        }
        return self.kind(**(defaults.tables(arguments) if self.tables else arguments))


def build(node: Node, edits: Mapping[str, Any]) -> Any:
    """A configuration object: the tree's own values with `edits` applied."""
    return _fitting(call(node, edits))[1]


def fitting(node: Node, edits: Mapping[str, Any]) -> Call:
    """The call that `build` makes: with tables for configurations where the class refuses objects."""
    return _fitting(call(node, edits))[0]


def _fitting(first: Call) -> tuple[Call, Any]:
    """Objects for sub-configurations, where the class takes them and keeps them; else tables."""
    parts = [name for name, value in first.arguments.items() if isinstance(value, Call)]
    try:
        made = first.made()
    except defaults.faults():
        if not parts:
            raise
        made = None
    if made is not None and all(hasattr(made, name) for name in parts):
        return first, made
    second = replace(first, tables=True)
    try:
        return second, second.made()
    except defaults.faults():
        return first, first.made()


def call(node: Node, edits: Mapping[str, Any]) -> Call:
    """The call that makes the tree's configuration with `edits` applied.

    Sub-configurations are handed over as objects, each with what differs from its class's defaults, so that a parent's
    own defaults for a child survive.
    """
    arguments: dict[str, Any] = {}
    default = _class_default(node.kind) if node.path else {}
    for name, value in node.values.items() if node.path else ():
        if name in _PRIVATE_KEPT:
            if value is not None:
                arguments[_public(name)] = list(value)
        elif name not in default or default[name] != value:
            arguments[name] = value
    for name, child in node.children.items():
        own = edits.get(name)
        if child.absent and not isinstance(own, Mapping):
            continue
        arguments[name] = call(child, own if isinstance(own, Mapping) else {})
    for name, value in edits.items():
        if isinstance(value, Mapping) and name in node.children:
            continue
        arguments[_public(name)] = list(value) if name in _PRIVATE_KEPT else value
    if "out_indices" in arguments:
        arguments.pop("out_features", None)
    return Call(node.kind, arguments)


def _public(name: str) -> str:
    """The argument that sets a private value: which stages a backbone gives out is stored under another name."""
    return name.removeprefix("_") if name in _PRIVATE_KEPT else name
