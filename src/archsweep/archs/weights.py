"""Real weights: a local folder, or a hub id in the local cache. Reads files and headers only; builds no model.

Nothing of a checkpoint is executed here. Weights are safetensors unless pickles are allowed, for loading a pickle runs
whatever code it holds.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archsweep.archs.catalog import Catalog
from archsweep.contract import Subject
from archsweep.errors import CheckpointFault, NoCheckpoint, nearest

_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
WEIGHTS = "*.safetensors"
FILES = ("*.json", "*.txt", "*.model", "*.jinja", WEIGHTS)  # what is fetched: no code, no pickles
CONFIG, INDEX = "config.json", "model.safetensors.index.json"
CODE = "auto_map"  # the configuration's own word for the classes that its folder brings


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights on this machine. `name` is what a case calls them: the folder's name@hash, or id@revision."""

    name: str
    folder: Path
    config: Mapping[str, Any]


def locate(text: str, *, allow_pickle: bool = False, code: bool = False) -> Checkpoint:
    """The checkpoint that is meant, with `code` its Python files too. Raises CheckpointFault, with what to do, before
    anything is loaded."""
    folder = Path(text)
    if text and folder.is_dir():
        local = _read(folder.resolve(), folder.resolve().name, allow_pickle)
        return replace(local, name=f"{local.name}@{_digest(local.folder)}")  # two folders may have one name
    if text and folder.exists():
        raise CheckpointFault(f"{text} is a file", "Name the folder that holds its config.json.")
    if ".." in text or not _ID.match(text):
        raise NoCheckpoint(f"{text!r} is neither a folder nor a name that the hub could have", "Give one of both.")
    found = _fetched(text, [*FILES, *(_PICKLES if allow_pickle else ()), *(("*.py",) if code else ())])
    revision = found.name[:12] if found.parent.name == "snapshots" else "main"
    return _read(found, f"{text}@{revision}", allow_pickle)


def _digest(folder: Path) -> str:
    """The beginning of a hash of all that the configuration and the weights hold."""
    total = hashlib.sha256((folder / CONFIG).read_bytes())
    for file in sorted(item for pattern in (WEIGHTS, *_PICKLES) for item in folder.glob(pattern)):
        with file.open("rb") as opened:
            total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()[:12]


def _fetched(name: str, wanted: list[str]) -> Path:
    """The hub's snapshot of this id: from the cache, or over the network where that is allowed."""
    import huggingface_hub
    from huggingface_hub import errors

    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=wanted))
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise NoCheckpoint(
            f"there is no folder {name}, the hub's cache has no {name}, and the hub cannot be asked from here",
            "Either the name is unknown, or its files are not cached: check it, or download it where the hub answers.",
        ) from error
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as error:
        told = str(error).strip().partition("\n")[0]
        raise NoCheckpoint(f"the hub gives no {name}: {told}", "Check the name, and whether it is public.") from error


def _read(folder: Path, name: str, allow_pickle: bool) -> Checkpoint:
    path = folder / CONFIG
    if not path.is_file():
        raise CheckpointFault(f"{folder} holds no model: it has no {CONFIG}", "Name the folder of a saved model.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointFault(f"{path} cannot be read: {error}", "Save or download the model again.") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise CheckpointFault(f"{path} states no model_type", "It is not a configuration of transformers.")
    files = sorted(folder.glob(WEIGHTS))
    pickles = sorted(item.name for pattern in _PICKLES for item in folder.glob(pattern))
    if not files and pickles and not allow_pickle:
        raise CheckpointFault(
            f"{folder} has its weights as pickles alone ({', '.join(pickles[:3])}): loading one runs the code in it",
            "Convert it to safetensors, or add --allow-pickle if you trust where it comes from.",
        )
    if not files and not pickles:
        raise CheckpointFault(f"{folder} has no weights: no file {WEIGHTS}", "Save or download the model again.")
    for fault in (*_missing(folder), *(fault for file in files for fault in _truncated(file))):
        raise CheckpointFault(fault, "Save or download the model again.")
    return Checkpoint(name=name, folder=folder, config=config)


def _missing(folder: Path) -> Iterator[str]:
    """Shards that the index names and the folder lacks."""
    path = folder / INDEX
    if not path.is_file():
        return
    try:
        shards = sorted({*json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()})
    except (OSError, ValueError, KeyError, AttributeError) as error:
        yield f"{path} cannot be read: {error}"
        return
    lacking = [name for name in shards if not (folder / str(name)).is_file()]
    if lacking:
        yield f"{folder} lacks {len(lacking)} of {len(shards)} shards: {', '.join(map(str, lacking[:3]))}"


def _truncated(file: Path) -> Iterator[str]:
    """Whether a safetensors file ends before its header says: eight bytes of length, a JSON table, the numbers."""
    size = file.stat().st_size
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            table = json.loads(opened.read(length)) if 8 + length <= size else None
        ends = [entry["data_offsets"][1] for name, entry in (table or {}).items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        yield f"{file} is no safetensors file, or is cut off in its header"
        return
    if table is None or 8 + length + max(ends, default=0) > size:
        wanted = 8 + length + max(ends, default=0)
        yield f"{file} is cut off: it has {size} bytes, and its header speaks of {wanted}"


def subject(found: Checkpoint, catalog: Catalog) -> Subject:
    """The class that the configuration names, else the base class of its model type. Raises CheckpointFault."""
    model_type, named = found.config["model_type"], found.config.get("architectures") or []
    own = [item for item in catalog.subjects if item.model_type == model_type]
    if not own:
        known = {item.model_type for item in catalog.subjects}
        hint = f"Nearest: {', '.join(nearest(model_type, known))}. " if nearest(model_type, known) else ""
        trust = "It brings code of its own: read it, and add --trust-remote-code if you trust it."
        step = trust if CODE in found.config else "Is transformers too old?"
        raise CheckpointFault(f"{found.folder}: this transformers knows no model type {model_type!r}", f"{hint}{step}")
    return next(
        (item for name in named for item in own if item.class_name == name),
        next((item for item in own if item.is_base), own[0]),
    )
