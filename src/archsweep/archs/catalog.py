"""The universe of subjects: what the installed transformers, imported modules and entry points offer.

`load` answers from disk and imports neither torch nor transformers; `scan` asks transformers, in this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from archsweep.contract import Subject
from archsweep.encoding import decode, encode
from archsweep.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something mapped that cannot be imported or read. Its subject, if it has one, stays in the universe."""

    model_type: str
    class_name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All subjects, those of the most wanted model type first, and what went wrong while they were read."""

    transformers_version: str
    subjects: tuple[Subject, ...]
    faults: tuple[Fault, ...] = ()


def load(
    *,
    cache: Path,
    imports: Sequence[str] = (),
    trust_remote_code: bool | None = None,
    scan: Callable[[], Catalog] | None = None,
    refresh: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Catalog:
    """The catalog, from `cache` if it is fresh there, else scanned (by default in a process of its own) and stored.

    `tell` hears that it could not be stored.
    """
    from archsweep.archs import catalog_cache

    trusted = bool(trust_remote_code)
    stored = None if refresh else kept(cache=cache, imports=imports, trust_remote_code=trusted)
    if stored is not None:
        return stored
    folder, name = cache / "catalog", catalog_cache.key(imports, trust_remote_code=trusted)
    fresh = scan() if scan is not None else _scan_apart(imports, trusted)
    if not catalog_cache.write(folder, name, fresh) and tell:
        tell(
            f"the catalog cannot be kept in {folder}: every call reads transformers anew.\n"
            "Another place: ARCHSWEEP_CACHE=FOLDER"
        )
    return fresh


def kept(*, cache: Path, imports: Sequence[str] = (), trust_remote_code: bool = False) -> Catalog | None:
    """The catalog from `cache`, where a fresh one is there. Starts nothing."""
    from archsweep.archs import catalog_cache

    return catalog_cache.read(cache / "catalog", catalog_cache.key(imports, trust_remote_code=trust_remote_code))


def scan(imports: Sequence[str] = (), *, trust_remote_code: bool = False, workers: int = 1) -> Catalog:
    """Ask transformers, in this process. With more than one worker others are forked and do part of the reading."""
    from archsweep.archs import scanning

    library = scanning.read_library(imports, trust_remote_code=trust_remote_code, workers=workers)
    return scanning.make_catalog(library)


def _scan_apart(imports: Sequence[str], trust_remote_code: bool) -> Catalog:
    request = json.dumps({"imports": list(imports), "trust_remote_code": trust_remote_code})
    command = [sys.executable, "-m", "archsweep.archs.catalog", request]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    lines = done.stdout.decode(errors="replace").splitlines()
    answer = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    if "error" in answer:
        raise SettingsError(*answer["error"])
    if done.returncode or "catalog" not in answer:
        raise SettingsError(
            "reading the installed transformers failed", done.stderr.decode(errors="replace").strip()[-2000:]
        )
    catalog: Catalog = decode(Catalog, answer["catalog"])
    return catalog


def _answer(request: str) -> None:
    """The other side of `_scan_apart`: one JSON line on standard output."""
    options = json.loads(request)
    try:
        found = scan(options["imports"], trust_remote_code=options["trust_remote_code"], workers=2)
        answer = {"catalog": encode(found)}
    except SettingsError as error:
        answer = {"error": [error.message, error.next_step]}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    _answer(sys.argv[1])
