"""File names of pages: safe on every file system, and different for different things."""

from __future__ import annotations

import hashlib
import re

_SAFE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_RUN = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")  # as runs are named
_OTHER = re.compile(r"[^a-z0-9_-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # Windows' own


def slug(name: str) -> str:
    """`name` itself where it can be a file's name anywhere, else what is left of it and a hash of the whole."""
    if _RUN.fullmatch(name):
        return name
    if _SAFE.fullmatch(name) and not name.endswith(".") and not _DEVICES.fullmatch(name) and name != "index":
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{_OTHER.sub('-', name.lower())[:60].strip('-')}-{digest}".lstrip("-")
