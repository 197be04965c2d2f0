"""Packages that a platform stands on: are they here, do they load, are they new enough? Knows no package by name."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Collection, Mapping

from archsweep.errors import UNLOADABLE, Unavailable, without


def versions(oldest: Mapping[str, tuple[int, ...]], install: str, *, unloaded: Collection[str] = ()) -> dict[str, str]:
    """The version of each package, by its name in the package index; all are imported but those in `unloaded`.

    Raises Unavailable for the first one that is missing, does not load, or is older than `oldest` says.
    """
    found = {}
    for name, least in oldest.items():
        try:
            module = None if name in unloaded else importlib.import_module(name.replace("-", "_"))
            version = str(getattr(module, "__version__", None) or importlib.metadata.version(name))
        except ImportError as error:
            raise Unavailable(without(error), install) from error
        except UNLOADABLE as error:
            raise Unavailable(f"{name} does not load: {type(error).__name__}: {error}", install) from error
        if tuple(int(part) for part in re.findall(r"\d+", version)[: len(least)]) < least:
            raise Unavailable(f"{name} {version} is older than {'.'.join(map(str, least))}", install)
        found[name] = version
    return found


def plain(error: BaseException) -> str:
    """What an error says, for a probe's reason: its class if that is not Unavailable, and no hint."""
    text = " ".join(str(error).partition(". Install:")[0].split())[:300]
    return text if isinstance(error, Unavailable) else f"{type(error).__name__}: {text}"
