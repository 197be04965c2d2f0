"""The default checkpoint of a model type: what transformers documents, less what is known to be wrong there."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from archsweep.errors import SettingsError

PATH = Path(__file__).with_name("checkpoints.toml")


@cache
def corrections() -> Mapping[str, Mapping[str, Any]]:
    """Entries of checkpoints.toml by model type."""
    try:
        entries = tomllib.loads(PATH.read_text())["checkpoint"]
        return {entry["model"]: entry for entry in entries}
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SettingsError(f"{PATH}: {error}") from error


def checkpoint_of(model_type: str, listed: str | None) -> str | None:
    """The checkpoint to use; None if none is known."""
    entry = corrections().get(model_type)
    if entry is None or entry.get("listed") != listed:
        return listed
    right: str | None = entry.get("right")
    return right
