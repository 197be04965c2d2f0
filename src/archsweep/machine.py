"""The fingerprint: which machine, versions and device a number stands on. Imports none of the packages it reports."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from archsweep.contract import Environment

# Packages whose version can change a number or a status; platforms add their own through Probe.versions.
PACKAGES = ("archsweep", "torch", "transformers", "tokenizers", "safetensors", "numpy", "timm", "torchvision", "scipy")


def environment(
    *, versions: Mapping[str, str] | None = None, device: str = "", driver: str = "", notes: Iterable[str] = ()
) -> Environment:
    """The fingerprint of this machine, with what a platform's probe adds. Equal facts give an equal id."""
    facts = {
        "versions": dict(sorted({**installed_versions(), **(versions or {})}.items())),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "cores": cores(),
        "device": device,
        "driver": driver,
        "notes": tuple(sorted(notes)),
    }
    identity = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return Environment(id=identity, **facts)  # type: ignore[arg-type]


def without_folders(text: str) -> str:
    """`text` with names of files under this machine's own folders (temporary, home, Python's, the one it was started
    in) shortened: what a result tells is the same wherever it was made, and tells nobody where that was."""
    return _files().sub(lambda found: found.group("inside") or found.group("name"), text)


@functools.cache
def _files() -> re.Pattern[str]:
    own = {tempfile.gettempdir(), sys.prefix, sys.base_prefix}
    for place in (Path.home, Path.cwd):
        with contextlib.suppress(RuntimeError, OSError):  # a user without a home, a folder that is gone
            own.add(str(place()))
    roots = "|".join(re.escape(root) for root in sorted(own - {"/", ""}, key=len, reverse=True))
    packages = r"(?:[\w.+-]+/)*(?:site-packages|dist-packages|src|lib/python[\d.]+)/"
    return re.compile(rf"(?:{roots})/(?:{packages}(?P<inside>[\w.+-]+(?:/[\w.+-]+)*)|(?:[\w.+-]+/)*(?P<name>[\w.+-]*))")


def installed_versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Version of each of the packages that is installed."""
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name == "archsweep":
                import archsweep

                found[name] = archsweep.__version__
    return found


@functools.cache
def processor_name() -> str:
    """Model name of the processor, e.g. "AMD EPYC 7B13"."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Processor", "Hardware") and value.strip():
                return value.strip()
    import cpuinfo  # asks the system's own tools; takes about a second

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine())


def cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
