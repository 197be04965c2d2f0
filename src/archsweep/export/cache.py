"""Exported graphs by content: whole or not at all, made once however many workers ask. Knows nothing of graphs."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


@functools.cache
def writable(root: Path | None) -> Path:
    """`root` if files can be made there, else a temporary folder of this process; says so once."""
    if root is not None:
        try:
            (root / "graphs").mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root / "graphs"):
                return root
        except OSError as error:
            warnings.warn(f"graphs are not kept: {root} takes no files ({error.strerror})", stacklevel=2)
    place = tempfile.mkdtemp(prefix="archsweep-graphs-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


@functools.cache
def shelf(root: Path | None, part: str) -> Path:
    """The folder of the graphs whose keys begin with `part`: in `root`, or in a temporary one where it is not ours."""
    folder = writable(root) / "graphs" / part
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        warnings.warn(f"graphs are not kept: {folder} takes no files ({error.strerror})", stacklevel=2)
    folder = writable(None) / "graphs" / part
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def key(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """One process at a time: who comes second finds what the first has made. Where nothing can be locked, all at once:
    an entry is whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        try:
            lock = held.enter_context((folder / f"{name}.lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            warnings.warn(f"{folder} cannot be locked ({error.strerror})", stacklevel=2)
        yield


def load(folder: Path, name: str) -> tuple[dict[str, Any], Path | None] | None:
    """The kept facts and the file beside them, if it has one; None if there is none, or if it is cut off or changed."""
    try:
        facts: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
        checksum = facts.pop("checksum")
    except (OSError, ValueError, KeyError):
        return None
    file = folder / f"{name}.onnx"
    if checksum is None:
        return facts, None
    return (facts, file) if file.exists() and _checksum(file) == checksum else None


def store(folder: Path, name: str, facts: Mapping[str, Any], made: Path | None) -> Path | None:
    """Keep `facts`, and move the file `made` beside them; returns where it is now."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.onnx" if made else None
    checksum = _checksum(made) if made else None
    if made and file:
        made.replace(file)
    draft = folder / f"{name}.{os.getpid()}.draft"
    draft.write_text(json.dumps({**facts, "checksum": checksum}))
    draft.replace(folder / f"{name}.json")
    return file


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
