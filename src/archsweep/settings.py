"""Where settings come from: defaults, pyproject.toml [tool.archsweep], environment, flags. Knows no platform and no check."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Folder of the content-addressed caches: ARCHSWEEP_CACHE, else the user's cache folder."""
    chosen = os.environ.get("ARCHSWEEP_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "archsweep"


def database_path() -> Path:
    """The results database: ARCHSWEEP_DB, else `archsweep.duckdb` in the working folder."""
    return Path(os.environ.get("ARCHSWEEP_DB", "archsweep.duckdb"))
