"""What need not run again: cases that were tried, under today's fingerprint and today's source.

The fingerprint holds all versions, the device and archsweep's own version; the source hash sees an edited class,
configuration or base of theirs. What was not tried (a package was missing, the harness was broken) is never fresh.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archsweep.contract import Case, Evidence, Failure, Lot, Result, Stage, Status, Subject
from archsweep.run.findings import BAD

CHOICES = ("failed", "new", "stale")
SOURCE = "source"  # key in Result.details
_IMPORT = re.compile(r"^from (\.*)([\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
_CLASS = re.compile(r"^class (\w+)\(([^)]*)\)", re.MULTILINE)
UNTRIED = frozenset({Status.UNAVAILABLE, Status.BROKEN})


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The newest ending of a case under one fingerprint."""

    status: Status
    fingerprint: str
    source: str | None = None
    result: int = 0  # what its keeper calls it
    stage: str = Stage.COMPARE
    error_class: str = ""
    message: str = ""


def restrict(
    lots: Iterable[Lot], only: str | None, earlier: Mapping[str, Sequence[Earlier]]
) -> tuple[list[Lot], dict[str, tuple[Case, Earlier]]]:
    """The lots with the cases that `only` lets run, and the endings that stand for the others, by case id.

    failed: what ended badly; new: what was never tried; stale: what was never tried under this fingerprint and source.
    `earlier` holds the endings of each case, newest first.
    """
    if only is None:
        return list(lots), {}
    left: list[Lot] = []
    kept: dict[str, tuple[Case, Earlier]] = {}
    for lot in lots:
        runs = tuple(case for case in lot.cases if _wanted(lot, earlier.get(case.id, ()), only))
        for case in lot.cases:
            if case not in runs and earlier.get(case.id):
                kept[case.id] = (case, _standing(lot, earlier[case.id]))
        if runs:
            left.append(dataclasses.replace(lot, cases=runs))
    return left, kept


def as_result(case: Case, before: Earlier) -> Result:
    """An earlier ending as a result, to be judged and shown like those of this run."""
    return Result(
        case=case, status=before.status, stage=Stage(before.stage), evidence=Evidence.NONE,
        fingerprint=before.fingerprint, run="", finished_at="", wall_s=0.0, message=before.message,
        failure=Failure(error_class=before.error_class, message=before.message) if before.error_class else None,
    )  # fmt: skip


def _wanted(lot: Lot, earlier: Sequence[Earlier], only: str) -> bool:
    if only == "failed":
        return bool(earlier) and earlier[0].status in BAD | {Status.BROKEN}
    if all(item.status in UNTRIED for item in earlier):
        return True
    return only == "stale" and not _is_fresh(lot, _standing(lot, earlier))


def _standing(lot: Lot, earlier: Sequence[Earlier]) -> Earlier:
    """The ending under the lot's own fingerprint; without one, the newest."""
    return next((item for item in earlier if item.fingerprint == lot.fingerprint), earlier[0])


def _is_fresh(lot: Lot, before: Earlier) -> bool:
    if before.status in UNTRIED or before.fingerprint != lot.fingerprint:
        return False
    return before.source == source_hash(lot.subject)


@functools.lru_cache(maxsize=4096)
def source_hash(subject: Subject) -> str:
    """First 12 hex digits of a hash of the source that defines the class, its configuration and their bases, as far as
    it belongs to their own package; "" if the class has none. Imports only the top package."""
    modules: set[str] = set()
    config_module, _, config = subject.config_class.partition(":")
    _follow(config_module, config, modules)
    _follow(subject.class_module, subject.class_name, modules)
    if source_file(subject.class_module) is None:
        return ""
    return hashlib.sha256("".join(_read(name)[0] for name in sorted(modules)).encode()).hexdigest()[:12]


def _follow(module: str, name: str, seen: set[str]) -> None:
    """Adds the modules in which the class `name` of `module` and its bases are defined, read from their text."""
    digest, imported, bases = _read(module)
    if not digest:
        return
    seen.add(module)
    for base in bases.get(name, ()):
        if base in bases and base != name:
            _follow(module, base, seen)
        elif base in imported:
            _follow(imported[base], base, seen)


@functools.cache
def _read(module: str) -> tuple[str, dict[str, str], dict[str, tuple[str, ...]]]:
    """A module's digest, from where in its package its names are imported, and the bases of each of its classes."""
    file = source_file(module)
    if file is None or not file.is_file():
        return "", {}, {}
    content = file.read_bytes()
    text, package = (
        content.decode(errors="replace"),
        module if file.name == "__init__.py" else module.rpartition(".")[0],
    )
    imported: dict[str, str] = {}
    for dots, place, names in _IMPORT.findall(text):
        parts = package.split(".")
        above = ".".join(parts[: len(parts) + 1 - len(dots)] if dots else [])
        source = f"{above}.{place}".strip(".")
        if source.partition(".")[0] == module.partition(".")[0]:
            imported |= dict.fromkeys(re.findall(r"\w+", names), source)
    bases = {name: tuple(re.findall(r"\w+", inner)) for name, inner in _CLASS.findall(text)}
    return hashlib.sha256(content).hexdigest(), imported, bases


def source_file(module: str) -> Path | None:
    """Where a module's source lies, found without importing its parents."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded:
        return Path(loaded)
    top, _, rest = module.partition(".")
    spec = importlib.util.find_spec(top) if top else None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else None
    for folder in spec.submodule_search_locations or ():
        place = Path(folder).joinpath(*rest.split("."))
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None
