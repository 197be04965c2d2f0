"""Specifications on disk: they follow from transformers, torch and the rules, and take a search each to be found.

A file for each class: whoever searches leaves what was found, be it to state it or to sweep.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archsweep.archs import catalog_cache
from archsweep.archs.specification import Specification
from archsweep.contract import Subject
from archsweep.encoding import decode, encode

if TYPE_CHECKING:
    from archsweep.archs.recipe import Recipe

HERE = Path(__file__).parent


def folder(cache: Path, imports: Sequence[str] = (), *, trust_remote_code: bool = False) -> Path:
    """Where those lie that today's versions and rules give."""
    digest = hashlib.sha256(catalog_cache.key(imports, trust_remote_code=trust_remote_code).encode())
    for path in sorted(HERE.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return cache / "specifications" / digest.hexdigest()[:24]


def read(place: Path, subjects: Sequence[Subject]) -> dict[str, Specification]:
    """What is stated of these classes, by subject, as far as it is there."""
    found = (_read(_file(place, subject.id), subject.id) for subject in subjects)
    return {item.subject: item for item in found if item is not None}


def _read(file: Path, id: str) -> Specification | None:
    try:
        found: Specification = decode(Specification, json.loads(file.read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found if found.subject == id else None


def write(place: Path, found: Sequence[Specification]) -> None:
    """Keeps them, but those that hang on a package that is not here, or on a process that died. A folder that takes
    nothing costs another search."""
    try:
        for item in found:
            if not (item.missing or item.died):
                place.mkdir(parents=True, exist_ok=True)
                with tempfile.NamedTemporaryFile("w", dir=place, suffix=".part", delete=False) as file:
                    json.dump(encode(item), file, separators=(",", ":"))
                Path(file.name).replace(_file(place, item.subject))
    except OSError:
        return


def leave(place: Path, subject: Subject, found: Recipe, words: tuple[str, ...]) -> None:
    """Keeps what a search of a sweep has found, where a search without packages that are here by chance finds the same:
    the model's code speaks of none of their `words` (see `chance`)."""
    from archsweep.archs import chance, recipe, specification

    if _file(place, subject.id).exists():
        return
    if not chance.asked(recipe.kept_model(subject, found), words):
        write(place, [specification.of(subject, found)])


def _file(place: Path, id: str) -> Path:
    return place / f"{hashlib.sha256(id.encode()).hexdigest()[:24]}.json"
