"""Plugins by file name, and by entry point for other packages.

Nobody else says a plugin's name: a new platform or check is one new file. Imports a plugin only when it is asked for.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import pkgutil
from types import ModuleType

from archsweep.errors import UNLOADABLE, PluginFault, UnknownName

KINDS = ("platforms", "checks")
PARTS = {  # what a plugin is asked for before it is used
    "platforms": ("title", "priority", "capabilities", "probe", "compile"),
    "checks": ("question", "needs", "applies", "run"),
}


@functools.cache
def names(kind: str) -> tuple[str, ...]:
    """Names of all plugins of a kind ("platforms" or "checks"), sorted; imports none of them."""
    package = importlib.import_module(f"archsweep.{kind}")
    own = {found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_")}
    return tuple(sorted(own | set(_entry_points(kind))))


def load(kind: str, name: str) -> ModuleType:
    """The plugin's module. Raises UnknownName, with the nearest names, and PluginFault for another package's."""
    others = _entry_points(kind)
    if name in others:
        return _load(kind, others[name])
    if name not in names(kind):
        raise UnknownName(kind.removesuffix("s"), name, names(kind), kind)
    return importlib.import_module(f"archsweep.{kind}.{name}")


def loadable(kind: str) -> dict[str, ModuleType]:
    """Every plugin of a kind, by name, but those of other packages that do not load."""
    found = {}
    for name in names(kind):
        with contextlib.suppress(PluginFault):
            found[name] = load(kind, name)
    return found


def _load(kind: str, point: importlib.metadata.EntryPoint) -> ModuleType:
    try:
        module = point.load()
    except UNLOADABLE as error:
        raise PluginFault(kind, point.name, _package(point), f"{type(error).__name__}: {error}") from error
    if not isinstance(module, ModuleType):
        raise PluginFault(kind, point.name, _package(point), f"its entry point {point.value} must name a module")
    lacks = [item for item in PARTS[kind] if not hasattr(module, item)]
    if lacks:
        raise PluginFault(kind, point.name, _package(point), f"{point.value} has no {', '.join(lacks)}")
    return module


def _package(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


@functools.cache
def _entry_points(kind: str) -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=f"archsweep.{kind}")}
