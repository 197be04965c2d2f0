"""Brings torch and transformers into this process the way archsweep wants them, and what outside modules register.

Docstrings are left unassembled: writing them is 40 % of the import time of transformers' models and changes no model.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from archsweep.archs import torchvision_bridge
from archsweep.errors import SettingsError

GROUP = "archsweep.architectures"
checkpoints: dict[tuple[str, str], str] = {}  # what configurations named: (module, class): repository id


def warm() -> tuple[str, ...]:
    """Import torch and transformers, once a process. Returns notes for the fingerprint."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    note = torchvision_bridge.prepare()
    utils = importlib.import_module("transformers.utils")
    importlib.import_module("transformers.models.auto.modeling_auto")
    for module in (utils, sys.modules.get("transformers.utils.auto_docstring")):
        if module is not None and callable(getattr(module, "auto_docstring", None)):
            module.auto_docstring = _plain  # type: ignore[attr-defined]
    return (note,) if note else ()


def _plain(decorated: Any = None, *, checkpoint: str | None = None, **_: Any) -> Any:
    """Stands in for transformers' `auto_docstring`: keeps the checkpoint it was told, writes nothing."""

    def keep(item: Any) -> Any:
        if checkpoint:
            checkpoints[item.__module__, item.__qualname__] = checkpoint
        return item

    return keep if decorated is None else keep(decorated)


def entry_points() -> tuple[importlib.metadata.EntryPoint, ...]:
    """The installed packages' entry points that register architectures, in a fixed order."""
    return tuple(sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)))


def join(imports: Iterable[str] = (), *, trust_remote_code: bool = False) -> None:
    """Run what registers more architectures: entry points, modules, and folders with code if they are trusted.

    An entry point may name a module, or a function to be called. Raises SettingsError for what cannot be imported.
    """
    warm()
    for point in entry_points():
        loaded = _attempt(point.value, point.load)
        if callable(loaded):
            loaded()
    for name in imports:
        if is_folder(name):
            _attempt(name, functools.partial(_join_folder, Path(name), trust_remote_code))
        else:
            _attempt(name, functools.partial(importlib.import_module, name))


def is_folder(name: str) -> bool:
    """Whether a value of --import names a local folder and not a module."""
    return os.sep in name or (Path(name) / "config.json").is_file()


def _attempt(name: str, action: Any) -> Any:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return action()
    except (ImportError, AttributeError, OSError, SyntaxError, TypeError, ValueError, RuntimeError) as error:
        message = f"cannot import {name!r}: {type(error).__name__}: {error}"
        raise SettingsError(message, "Check the name, and that it is on PYTHONPATH or installed.") from error


def _join_folder(folder: Path, trusted: bool) -> None:
    """Register the classes that a local folder's config.json names in `auto_map`."""
    import json

    path = folder / "config.json"
    if not path.is_file():
        raise SettingsError(f"{folder} holds no config.json", "Name a folder with config.json and its Python code.")
    content = json.loads(path.read_text())
    references = content.get("auto_map", {})
    if "AutoConfig" not in references:
        raise SettingsError(f"{path} has no auto_map with an AutoConfig: the folder brings no architecture of its own")
    if not trusted:
        raise SettingsError(
            f"{folder} wants to run its own Python code", "Read it, then add --trust-remote-code if you trust it."
        )
    import transformers
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    def load(reference: str) -> Any:
        return get_class_from_dynamic_module(reference, str(folder), local_files_only=True)

    config = load(references["AutoConfig"])
    config.model_type = content.get("model_type") or config.model_type
    transformers.AutoConfig.register(config.model_type, config, exist_ok=True)
    for auto, reference in references.items():
        registrar: Any = getattr(transformers, auto, None)
        if auto.startswith("AutoModel") and hasattr(registrar, "register") and isinstance(reference, str):
            model = load(reference)
            model.config_class = config
            registrar.register(config, model, exist_ok=True)
