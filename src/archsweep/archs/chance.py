"""Packages that are here by chance, wanted by neither archsweep nor its models: does the code of a model ask for one?

Code asks by an import, or by a function of transformers that says whether a package is here. What all models share
(loading, quantisation, distribution) asks on demand alone, and is not looked at.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.archs import catalog_cache
from archsweep.archs.specification import needless

if TYPE_CHECKING:
    import torch

OURS = "torch"  # of its own code the version says enough
_FUNCTION = re.compile(r"^def (is_\w+)\(.*?(?=^\S)", re.MULTILINE | re.DOTALL)


def words() -> tuple[str, ...]:
    """By which code asks for packages that are here by chance: their names, and the functions that look for them."""
    here = [name for name in needless(catalog_cache.optional_packages()) if catalog_cache.is_here(name)]
    return known_by(here, catalog_cache.looking())


def known_by(packages: Sequence[str], looking: str) -> tuple[str, ...]:
    """The same of these packages. `looking`: the source of the functions that say what is here."""
    functions = {match[1]: match[0].partition(":")[2] for match in _FUNCTION.finditer(looking)}
    found = tuple(packages)
    while fresh := [name for name, body in functions.items() if name not in found and speaks(body, found)]:
        found += tuple(fresh)
    return found


def speaks(code: str, words: tuple[str, ...]) -> bool:
    """Whether code imports, calls or quotes what one of the words names."""
    present = "|".join(re.escape(word) for word in words if word in code)  # to look for a word costs next to nothing
    pattern = rf"^\s*(?:import|from)\s+(?:{present})\b|\b(?:{present})\(|[\"'](?:{present})\b"
    return bool(present) and re.search(pattern, code, re.MULTILINE) is not None


def asked(model: torch.nn.Module, words: tuple[str, ...]) -> bool:
    """Whether the code of a module of the model, or of a configuration in it, speaks of one of the words."""
    if not words:
        return False
    names = {type(part).__module__ for part in model.modules()} | {*_configured(getattr(model, "config", None))}
    return any(_asks(name, words) for name in sorted(names))


def _configured(config: Any) -> Iterator[str]:
    yield type(config).__module__
    for value in vars(config).values() if hasattr(config, "to_diff_dict") else ():
        if hasattr(value, "to_diff_dict"):
            yield from _configured(value)


@functools.cache
def _asks(module: str, words: tuple[str, ...]) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == OURS or not file or not file.endswith(".py"):
        return False
    return speaks(Path(file).read_text(encoding="utf-8", errors="replace"), words)
