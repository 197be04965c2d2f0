"""Browser and browser runtime on this machine: what is pinned, what is installed, and where. Installs nothing.

A manifest written last says that an installation is whole; without it there is none.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep import settings
from archsweep.encoding import decode, encode
from archsweep.errors import Unavailable

INSTALL = "archsweep setup web"
PINS = Path(__file__).with_name("web.toml")
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where the browser and the runtime's files are. `libraries`: a folder of what the machine itself lacks."""

    browser: str
    browser_version: str
    runtime: str
    runtime_version: str
    installed: str = ""  # folder of the browser that was installed; empty: the machine's own is used
    libraries: str = ""
    checksums: Mapping[str, str]  # SHA-256 of every installed file, by its path in the folder

    @property
    def vulkan(self) -> Path | None:
        """The driver of the software adapter that came with the browser."""
        driver = Path(self.installed) / "vk_swiftshader_icd.json"
        return driver if self.installed and driver.is_file() else None


def folder() -> Path:
    return settings.cache_root() / "web"


def pins() -> dict[str, dict[str, Any]]:
    return tomllib.loads(PINS.read_text(encoding="utf-8"))


def find() -> Parts:
    """What is installed. Raises Unavailable, with what to do, if something is missing."""
    try:
        parts = decode(Parts, json.loads((folder() / MANIFEST).read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable("no browser has been set up", INSTALL) from error
    wanted = pins()["runtime"]["version"]
    if parts.runtime_version != wanted:
        raise Unavailable(f"the browser runtime here is {parts.runtime_version}, {wanted} is wanted", INSTALL)
    lost = [file for file in (Path(parts.browser), *runtime_files(parts).values()) if not file.is_file()]
    if lost:
        raise Unavailable(f"{lost[0]} is gone", INSTALL)
    return parts


def keep(parts: Parts) -> None:
    draft = folder() / f"{MANIFEST}.draft"
    draft.write_text(json.dumps(encode(parts), indent=1))
    draft.replace(folder() / MANIFEST)


def runtime_files(parts: Parts) -> dict[str, Path]:
    """The files that a page loads, by name."""
    return {Path(name).name: Path(parts.runtime) / Path(name).name for name in pins()["runtime"]["keep"]}
