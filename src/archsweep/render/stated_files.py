"""What generated files state, read off their text: nothing of them is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archsweep.analysis.universe import Stated
from archsweep.render.pytest_files import is_ours

DATA = "ARCHITECTURES"
BY_HAND = "not made by archsweep"


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The test files of a folder. `left`: those that say nothing that could be read, with the reason."""

    stated: tuple[Stated, ...] = ()
    left: Mapping[Path, str] = field(default_factory=dict)


def read(folder: Path) -> Tree:
    """All `test_*.py` of a folder; none where there is no folder."""
    stated: list[Stated] = []
    left: dict[Path, str] = {}
    for path in sorted(folder.glob("test_*.py")):
        try:
            text = path.read_text(encoding="utf-8")
            if is_ours(text):
                stated += [Stated(file=str(path), **item) for item in architectures(text)]
            else:
                left[path] = BY_HAND
        except UnicodeDecodeError:
            left[path] = BY_HAND
        except OSError as error:
            left[path] = f"cannot be read: {error.strerror}"
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
            left[path] = f"broken: {error}"
    return Tree(stated=tuple(stated), left=left)


def architectures(text: str) -> list[dict[str, Any]]:
    """`model_type` and `classes` of each architecture that a generated file states. Raises SyntaxError, ValueError,
    TypeError for a text that states them otherwise than as plain values."""
    found = []
    for call in _calls(ast.parse(text)):
        try:
            values = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
        except ValueError as error:
            raise ValueError(f"line {call.lineno}: an architecture of other than plain values") from error
        name, classes = values.get("model_type"), values.get("classes")
        if not isinstance(name, str) or not isinstance(classes, dict):
            raise ValueError(f"line {call.lineno}: an architecture without model_type or classes")
        found.append({"model_type": name, "classes": tuple(map(str, classes))})
    return found


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    data = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(name, ast.Name) and name.id == DATA for name in node.targets)
    ]
    if len(data) != 1 or not isinstance(data[0], ast.List):
        raise ValueError(f"it has no list {DATA}")
    for item in data[0].elts:
        if not isinstance(item, ast.Call):
            raise ValueError(f"line {item.lineno}: {DATA} holds something else than architectures")
        yield item
