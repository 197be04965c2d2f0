"""From the names that a user gave to the texts of test files: selection, specifications, templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.errors import ArchsweepError, SettingsError, UnknownName

if TYPE_CHECKING:
    from archsweep.archs.catalog import Catalog
    from archsweep.archs.specification import Specification
    from archsweep.contract import Subject
    from archsweep.render.pytest_files import Made
    from archsweep.run.session import Session


FLAGS = {"categories": "category", "priorities": "priority", "phases": "phase"}  # of the fields that narrow


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which model folders files are wanted for."""

    folder: Path
    names: tuple[str, ...] = ()
    missing: bool = False
    categories: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Generated:
    """The files, and the families of which none could be made, with the reason."""

    files: tuple[Made, ...]
    lacking: dict[str, str] = field(default_factory=dict)


def families(universe: Catalog, wanted: Wanted) -> list[str]:
    """The model folders, most wanted first. Raises UnknownName, SettingsError for a name that flags leave out."""
    from archsweep.archs.selection import Selection, choose
    from archsweep.render.pytest_files import file_name

    mapped = [subject for subject in universe.subjects if subject.mappings]
    places = {subject.family for subject in mapped}
    of_type = {subject.model_type: subject.family for subject in mapped}
    named = dict.fromkeys(name if name in places else of_type.get(name, "") for name in wanted.names)
    for name in wanted.names:
        if name not in places and name not in of_type:
            raise _unknown(universe, name, sorted({*places, *of_type}))
    narrowed = Selection(categories=wanted.categories, priorities=wanted.priorities, phases=wanted.phases)
    chosen = dict.fromkeys(subject.family for subject in choose(universe, narrowed))
    out = [name for name in wanted.names if name not in chosen and of_type.get(name) not in chosen]
    if out or not chosen:
        flags = [
            f"--{flag} {','.join(getattr(wanted, field))}" for field, flag in FLAGS.items() if getattr(wanted, field)
        ]
        asked = f"{', '.join(out)} {'is' if len(out) == 1 else 'are'} not" if out else "no model folder is"
        raise SettingsError(f"{asked} in what is left by {' '.join(flags)}", "Leave out the name, or the flag.")
    found = [name for name in chosen if name in named] if named else list(chosen)
    return [name for name in found if not (wanted.missing and (wanted.folder / file_name(name)).exists())]


def _unknown(universe: Catalog, name: str, known: Sequence[str]) -> ArchsweepError:
    """Where a class is called that, or much alike: whose class it is."""
    from archsweep.archs.selection import nearest_to

    near = nearest_to(universe, name)
    if not near or "/" not in near[0]:
        return UnknownName("architecture", name, known, "models")
    hint = f"Nearest: {', '.join(near)}. A file is made of a whole architecture: archsweep generate "
    return ArchsweepError(f"unknown architecture {name!r}", hint + near[0].partition("/")[0])


def generated(wanted: Wanted, given: Mapping[str, Any]) -> Generated:
    """The files that are wanted. Raises ArchsweepError; writes nothing but the cache."""
    from archsweep import settings
    from archsweep.archs import catalog, catalog_cache, specification, specification_cache
    from archsweep.machine import cores
    from archsweep.render import pytest_files
    from archsweep.run.progress import Progress
    from archsweep.run.session import Session

    template = pytest_files.template(given["template"]) if given["template"] else None
    known = {
        name: item.value
        for name, item in settings.load({key: given[key] for key in ("cache", "jobs", "imports")}).items()
    }
    cache, imports, trusted = known["cache"].absolute(), known["imports"], given["trust_remote_code"]
    universe = catalog.kept(cache=cache, imports=imports, trust_remote_code=trusted)
    with Progress(quiet=given["quiet"]) as progress:
        progress.stage("reading the catalog")
        universe = universe or catalog.load(cache=cache, imports=imports, trust_remote_code=trusted)
        chosen = families(universe, wanted)
        groups = _groups(universe, chosen)
        if template is not None:
            for family in chosen:
                own = [subject for subjects in groups for subject in subjects if subject.family == family]
                pytest_files.check_fit(template, family, own)
        place = specification_cache.folder(cache, imports, trust_remote_code=trusted)
        found = specification_cache.read(place, [subject for subjects in groups for subject in subjects])
        unknown = [[subject for subject in subjects if subject.id not in found] for subjects in groups]
        absent = [subjects for subjects in unknown if subjects]
        if absent:
            progress.stage(f"building tiny models of {len(absent)} model types: torch and transformers are imported")
            hidden = specification.needless(catalog_cache.optional_packages())
            with Session(imports, trust_remote_code=trusted, hidden=hidden) as session:
                found |= _searched(session, absent, known["jobs"] or cores(), place, progress)
    versions = _versions(universe)
    files, lacking = [], dict[str, str]()
    for family in chosen:
        entries = [
            (subject, found[subject.id]) for subjects in groups for subject in subjects if subject.family == family
        ]
        wanting = sorted({item.missing for _, item in entries if item.missing})
        if wanting:
            lacking[family] = f"wants {', '.join(wanting)}. Install: pip install 'archsweep[models]'"
        else:
            files.append(pytest_files.made(family, entries, versions, template))
    if lacking and not files:
        family, reason = min(lacking.items())
        raise SettingsError(f"{family} {reason.partition('. ')[0]}", reason.partition(". ")[2])
    return Generated(files=tuple(files), lacking=lacking)


def _groups(universe: Catalog, chosen: Sequence[str]) -> list[list[Subject]]:
    """The mapped classes of these families, a group for each model type, the base class first."""
    groups: dict[str, list[Subject]] = {}
    rank = {family: number for number, family in enumerate(chosen)}
    members = [subject for subject in universe.subjects if subject.mappings and subject.family in rank]
    for subject in sorted(
        members, key=lambda item: (rank[item.family], item.model_type, not item.is_base, item.class_name)
    ):
        groups.setdefault(subject.model_type, []).append(subject)
    return list(groups.values())


def _searched(
    session: Session, groups: Sequence[Sequence[Subject]], jobs: int, place: Path, progress: Any
) -> dict[str, Specification]:
    from archsweep.archs import specification_cache
    from archsweep.run.specifying import specifications

    found: dict[str, Specification] = {}
    for number, (_, stated) in enumerate(specifications(session, groups, jobs), start=1):
        specification_cache.write(place, stated)
        found |= {item.subject: item for item in stated}
        progress.stage(f"building tiny models: {number} of {len(groups)} model types")
    return found


def _versions(universe: Catalog) -> dict[str, str]:
    import archsweep

    return {"archsweep": archsweep.__version__, "transformers": universe.transformers_version}
