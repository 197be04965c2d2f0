"""Plugins by file name, and by entry point for other packages.

Nobody else says a plugin's name: a new platform or check is one new file. Imports a plugin only when it is asked for.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import pkgutil
from types import ModuleType

from archsweep.errors import UnknownName

KINDS = ("platforms", "checks")


@functools.cache
def names(kind: str) -> tuple[str, ...]:
    """Names of all plugins of a kind ("platforms" or "checks"), sorted; imports none of them."""
    package = importlib.import_module(f"archsweep.{kind}")
    own = {found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_")}
    return tuple(sorted(own | set(_entry_points(kind))))


def load(kind: str, name: str) -> ModuleType:
    """The plugin's module. Raises UnknownName, with the nearest names."""
    others = _entry_points(kind)
    if name in others:
        module = others[name].load()
        assert isinstance(module, ModuleType), f"entry point {name} of archsweep.{kind} must name a module"
        return module
    if name not in names(kind):
        raise UnknownName(kind.removesuffix("s"), name, names(kind), kind)
    return importlib.import_module(f"archsweep.{kind}.{name}")


@functools.cache
def _entry_points(kind: str) -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=f"archsweep.{kind}")}
