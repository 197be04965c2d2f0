"""What the inputs must fit: sizes read from a model's configuration tree, its signature and the hints of a search.

Knows field names, never architectures.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archsweep.contract import Subject

BATCH = 2
TEXT = 14  # tokens of a text, before placeholders
SHORTER = 4  # by how much the second row is shorter
TARGET = 8  # tokens of a decoder input


def configurations(root: Any) -> Iterator[tuple[str, Any]]:
    """A configuration and all that lie within it, with their attribute path, parents first."""
    queue: list[tuple[str, Any]] = [("", root)]
    while queue:
        path, node = queue.pop(0)
        yield path, node
        for name, value in vars(node).items():
            if hasattr(value, "to_diff_dict"):
                queue.append((f"{path}.{name}" if path else name, value))


@dataclass
class Facts:
    """Sizes by name. `hints` overrule what the configuration says; `drop` names inputs to leave out."""

    subject: Subject
    kind: type  # the class
    model: Any  # an instance, or None
    config: Any
    parameters: Mapping[str, inspect.Parameter]
    hints: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    def nodes(self) -> Iterator[tuple[str, Any]]:
        """All configuration objects with their attribute path, parents first."""
        return configurations(self.config)

    def find(self, *names: str, within: tuple[str, ...] = ()) -> Any:
        """The first value that is not None of any of `names`, in sub-configurations whose path holds a word of `within`
        first, then anywhere, parents first."""
        nodes = list(self.nodes())
        if within:
            chosen = [item for item in nodes if any(word in item[0] for word in within)]
            nodes = chosen + [item for item in nodes if item not in chosen]
        for name in names:
            if name in self.hints:
                return self.hints[name]
        for _, node in nodes:
            for name in names:
                value = getattr(node, name, None) if name in vars(node) or name in node.attribute_map else None
                if value is not None:
                    return value
        return None

    def has(self, name: str) -> bool:
        return name in self.parameters

    def wants(self, name: str) -> bool:
        """Whether the forward signature has the parameter, its code reads it, and no hint drops it."""
        return name in self.parameters and name not in self.hints.get("drop", ()) and not self.idle(name)

    def idle(self, name: str) -> bool:
        """Whether an optional parameter changes nothing, because the code of forward never reads it."""
        return not self.required(name) and name != self.main_input and name in unread(self.kind)

    def required(self, name: str) -> bool:
        found = self.parameters.get(name)
        return found is not None and found.default is inspect.Parameter.empty

    def mapped(self, word: str) -> bool:
        """Whether one of the subject's auto mappings speaks of `word`, e.g. MULTIPLE_CHOICE."""
        return any(word in mapping for mapping in self.subject.mappings)

    @property
    def main_input(self) -> str:
        name = getattr(self.kind, "main_input_name", "input_ids")
        return name[0] if isinstance(name, list | tuple) else str(name)

    @property
    def text_config(self) -> Any:
        try:
            found = self.config.get_text_config()
        except ValueError:  # an encoder's and a decoder's: ids are the encoder's
            found = self.config.get_text_config(encoder=True)
        return found if hasattr(found, "to_diff_dict") else self.config

    @property
    def shorter(self) -> int:
        """By how much the second row of a text is shorter: another draw is padded otherwise."""
        return SHORTER + self.seed % 3

    def generator(self, name: str) -> Any:
        """A seeded generator of its own for each input, so that one more input changes no other."""
        import torch

        return torch.Generator().manual_seed(stream(self.subject.id, name, self.seed))

    def normal(self, name: str, *shape: int) -> Any:
        """Standard normal float32 values of `shape`."""
        import torch

        return torch.randn(*(int(size) for size in shape), generator=self.generator(name))

    def whole(self, name: str, low: int, high: int, *shape: int) -> Any:
        """Whole numbers from `low` up to, not including, `high`."""
        import torch

        return torch.randint(
            int(low), max(int(high), int(low) + 1), tuple(int(s) for s in shape), generator=self.generator(name)
        )

    def special_ids(self) -> set[int]:
        """Every token id that any configuration of the tree names."""
        found: set[int] = set()
        for _, node in self.nodes():
            for name, value in vars(node).items():
                if "token" in name and ("id" in name or "index" in name):
                    items = value if isinstance(value, list | tuple) else [value]
                    found.update(item for item in items if isinstance(item, int) and not isinstance(item, bool))
        return found


def stream(subject: str, name: str, seed: int) -> int:
    """The seed of the generator of one input."""
    return int.from_bytes(hashlib.sha256(f"{subject}|{name}|{seed}".encode()).digest()[:7], "big")


def forwards(kind: type[Any]) -> bool:
    """Whether a class has a forward pass: torch's own only says that there is none."""
    import torch

    return kind.forward is not torch.nn.Module.forward


def signature(model_class: type) -> dict[str, inspect.Parameter]:
    """The parameters of the class's forward, wrappers removed, without self and catch-alls."""
    forward = inspect.unwrap(model_class.forward)  # type: ignore[attr-defined]
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(forward).parameters
    return {name: item for name, item in found.items() if name != "self" and item.kind not in kinds}


@functools.lru_cache(maxsize=8)
def unread(model_class: type) -> frozenset[str]:
    """Parameters of forward that its code never loads, but to ask whether they are None."""
    forward = inspect.unwrap(model_class.forward)  # type: ignore[attr-defined]
    code = getattr(forward, "__code__", None)
    if code is None:
        return frozenset()
    steps = list(dis.get_instructions(code))
    read: set[str] = set()
    for step, after, last in zip(steps, steps[1:], steps[2:], strict=False):
        if not step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE", "MAKE_CELL", "STORE_FAST_LOAD")):
            continue
        asks = after.opname.endswith("NONE") or (after.argval is None and last.opname == "IS_OP")
        if not (asks and isinstance(step.argval, str)):
            read.update([step.argval] if isinstance(step.argval, str) else step.argval)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return frozenset() if "locals" in code.co_names else frozenset(names) - read - {"self"}


def pair(value: Any) -> tuple[int, int]:
    """A side or a (height, width) as a pair."""
    if isinstance(value, Mapping):
        return int(value.get("height", 0)), int(value.get("width", 0))
    if isinstance(value, list | tuple):
        return (int(value[0]), int(value[-1])) if len(value) < 3 else (int(value[-2]), int(value[-1]))
    return int(value), int(value)
