"""The catalog on disk: what its key is made of, how it is read and written. Imports no torch and no transformers."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from archsweep.archs import importing
from archsweep.archs.catalog import Catalog
from archsweep.encoding import decode, encode

HERE = Path(__file__).parent


def key(imports: Sequence[str] = (), *, trust_remote_code: bool = False) -> str:
    """Everything that the catalog follows from, hashed."""
    parts: dict[str, object] = {
        "python": sys.version_info[:2],
        "transformers": _version("transformers"),
        "torch": _version("torch"),
        "rules": {path.name: _digest(path) for path in sorted(HERE.iterdir()) if path.suffix in (".py", ".toml")},
        "contract": _digest(HERE.parent / "contract.py"),
        "library": _library_digest(),
        "optional": {name: _version(name) or _is_importable(name) for name in optional_packages()},
        "entry points": [
            (point.name, point.value, point.dist.version if point.dist else "", _module_digest(point.module))
            for point in importing.entry_points()
        ],
        "imports": [(name, _module_digest(name)) for name in imports],
        "trusted": trust_remote_code,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def read(folder: Path, name: str) -> Catalog | None:
    """The stored catalog; None if there is none or it cannot be read."""
    try:
        return decode(Catalog, json.loads((folder / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(folder: Path, name: str, catalog: Catalog) -> bool:
    """Store the catalog, atomically; whether that was possible. If not, it costs only the next scan."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False) as file:
            json.dump(encode(catalog), file, separators=(",", ":"))
        Path(file.name).replace(folder / f"{name}.json")
    except OSError:
        return False
    return True


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _is_importable(name: str) -> bool:
    """For packages that are distributed under another name; looks, and imports nothing."""
    try:
        return importlib.util.find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _transformers() -> list[Path]:
    spec = importlib.util.find_spec("transformers")
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec else []


def _library_digest() -> list[str]:
    """The content of the auto mappings, which differs between two checkouts of one development version."""
    return [_digest(path) for place in _transformers() for path in sorted((place / "models" / "auto").glob("*.py"))]


def optional_packages() -> tuple[str, ...]:
    """The packages that transformers looks for, read from its source without importing it."""
    text = looking()
    table = re.search(r"^BACKENDS_MAPPING\b.*?^\)", text, re.MULTILINE | re.DOTALL)
    named = re.findall(r"_is_package_available\(\s*\"([\w.-]+)\"", text)
    listed = re.findall(r"\(\s*\"([\w-]+)\",\s*\(", table.group()) if table else []
    return tuple(sorted({*named, *listed}))


def looking() -> str:
    """The source by which transformers looks for packages; nothing where that stands elsewhere."""
    paths = [place / "utils" / "import_utils.py" for place in _transformers()]
    return next((path.read_text(encoding="utf-8") for path in paths if path.is_file()), "")


def is_here(name: str) -> bool:
    """Whether a package is installed or can be imported; looks, and imports nothing."""
    return bool(_version(name)) or _is_importable(name)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _module_digest(name: str) -> str:
    """The content of a module, or of its whole package, or of a folder; found without running it."""
    files = sorted(_files(name))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16] if files else "absent"


def _files(name: str, seen: set[str] | None = None) -> Iterator[Path]:
    if importing.is_folder(name):
        yield from (path for path in Path(name).rglob("*") if path.suffix in (".py", ".json"))
        return
    seen = seen if seen is not None else set()
    path = _source(name)
    if path is None or name in seen:
        return
    seen.add(name)
    if path.name == "__init__.py":
        yield from path.parent.rglob("*.py")
        return
    yield path
    for neighbour in _imported(path):
        beside = path.parent / f"{neighbour}.py"
        if beside.is_file():  # a module split over files that lie side by side
            yield from _files(neighbour, seen)


def _source(name: str) -> Path | None:
    """Where a module's source lies: on the module path, with the working folder as the last place."""
    first, *rest = name.split(".")
    for place in [*sys.path, str(Path.cwd())]:
        root = Path(place or ".") / first
        whole = root.joinpath(*rest)
        for path in (root / "__init__.py", whole.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _imported(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
