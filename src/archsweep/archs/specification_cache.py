"""Specifications on disk: they follow from transformers, torch and the rules, and take a search each to be found."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from archsweep.archs import catalog_cache
from archsweep.archs.specification import Specification
from archsweep.contract import Subject
from archsweep.encoding import decode, encode

HERE = Path(__file__).parent


def folder(cache: Path, imports: Sequence[str] = (), *, trust_remote_code: bool = False) -> Path:
    """Where those lie that today's versions and rules give."""
    digest = hashlib.sha256(catalog_cache.key(imports, trust_remote_code=trust_remote_code).encode())
    for path in sorted(HERE.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return cache / "specifications" / digest.hexdigest()[:24]


def read(place: Path, subjects: Sequence[Subject]) -> list[Specification] | None:
    """What is stated of these classes of one model type; None unless all of them are there."""
    try:
        content = json.loads((place / f"{_name(subjects)}.json").read_text())
        found = {item.subject: item for item in (decode(Specification, value) for value in content)}
        return [found[subject.id] for subject in subjects]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(place: Path, subjects: Sequence[Subject], found: Sequence[Specification]) -> None:
    """Keeps them, unless one hangs on a package that is not here, or on a process that died. A folder that takes
    nothing costs another search."""
    if any(item.missing or item.died for item in found):
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=place, suffix=".part", delete=False) as file:
            json.dump(encode(list(found)), file, separators=(",", ":"))
        Path(file.name).replace(place / f"{_name(subjects)}.json")
    except OSError:
        return


def _name(subjects: Sequence[Subject]) -> str:
    return hashlib.sha256(subjects[0].model_type.encode()).hexdigest()[:24]
