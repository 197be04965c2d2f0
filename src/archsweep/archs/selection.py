"""Which subjects of the catalog are meant: pure, knows no command line and no transformers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from archsweep.archs.catalog import Catalog
from archsweep.contract import Priority, Subject
from archsweep.errors import SettingsError, UnknownName, nearest

PHASES = tuple(str(number) for number in range(1, 7))


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Values of one field widen, fields narrow one another; an empty field asks for nothing.

    `classes` takes class names and subject ids. Classes in no auto mapping join with `exported`, or when named.
    """

    models: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    base: bool = False
    exported: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class _Filter:
    field: str
    kind: str  # how an unknown value is called
    listing: str  # the `archsweep list` that shows the known values; "" for few
    values: Callable[[Subject], tuple[str, ...]]


_FILTERS = (
    _Filter("models", "model", "models", lambda subject: (subject.model_type,)),
    _Filter("families", "family", "families", lambda subject: (subject.family,)),
    _Filter("classes", "class", "classes", lambda subject: (subject.class_name, subject.id)),
    _Filter("categories", "category", "categories", lambda subject: (subject.category,)),
    _Filter("priorities", "priority", "", lambda subject: (str(subject.priority),)),
    _Filter("phases", "phase", "", lambda subject: (str(subject.phase),)),
    _Filter("architectures", "architecture", "", lambda subject: (str(subject.architecture),)),
    _Filter("roles", "role", "", lambda subject: (subject.role,)),
    _Filter("modalities", "modality", "", lambda subject: tuple(map(str, subject.modality))),
    _Filter("tasks", "task", "", lambda subject: subject.tasks),
)
_ALWAYS_KNOWN = {"phases": PHASES, "priorities": tuple(map(str, Priority))}


def choose(catalog: Catalog, selection: Selection) -> tuple[Subject, ...]:
    """The selected subjects, most wanted first: by phase, priority, in the catalog's order of model types, base
    class before the others.

    Raises UnknownName for a value that no subject of the catalog has, SettingsError for a limit below 1.
    """
    if selection.limit is not None and selection.limit < 1:
        raise SettingsError(f"--limit must be at least 1, not {selection.limit}")
    chosen: Iterable[Subject] = catalog.subjects
    for item in _FILTERS:
        wanted = set(getattr(selection, item.field))
        if wanted:
            _check(item, wanted, catalog)
            chosen = [subject for subject in chosen if wanted.intersection(item.values(subject))]
    if not (selection.exported or selection.classes):
        chosen = [subject for subject in chosen if subject.mappings]
    if selection.base:
        chosen = [subject for subject in chosen if subject.is_base]
    wanted_types = dict.fromkeys(subject.model_type for subject in catalog.subjects)
    place = {model_type: number for number, model_type in enumerate(wanted_types)}
    return tuple(sorted(chosen, key=functools.partial(_order, place))[: selection.limit])


def _check(item: _Filter, wanted: set[str], catalog: Catalog) -> None:
    known = set(_ALWAYS_KNOWN.get(item.field, ()))
    for subject in catalog.subjects:
        known.update(item.values(subject))
    for name in sorted(wanted - known):
        raise UnknownName(item.kind, name, sorted(known), item.listing)


def meant(catalog: Catalog, name: str) -> tuple[Subject, ...]:
    """The classes that the name of a model type means: those in a mapping, else all; or the one class of an id such as
    TYPE/CLASS. None where it is neither."""
    known = {subject.model_type for subject in catalog.subjects}
    if name not in known:
        return tuple(subject for subject in catalog.subjects if subject.id == name)
    mapped = choose(catalog, Selection(models=(name,)))
    return mapped or choose(catalog, Selection(models=(name,), exported=True))


def nearest_to(catalog: Catalog, name: str) -> tuple[str, ...]:
    """What somebody may have meant by a name that is no model type and no id of a class: ids of a class of that name or
    of that model type, else model types, and ids of classes, that are called much alike."""
    classes: dict[str, list[str]] = {}
    for subject in choose(catalog, Selection(exported=True)):
        classes.setdefault(subject.class_name, []).append(subject.id)
    if name in classes:
        return tuple(classes[name][:3])
    model_type, _, class_name = name.partition("/")
    inner = [subject.class_name for subject in catalog.subjects if subject.model_type == model_type]
    if inner and class_name:
        return tuple(f"{model_type}/{found}" for found in nearest(class_name, inner)) or (model_type,)
    known = sorted({subject.model_type for subject in catalog.subjects} | {*classes})
    found = nearest(name.rpartition("/")[2] or model_type, known)  # of a hub id, the part behind the owner's name
    return tuple(classes[item][0] if item in classes else item for item in found)


_RANK = {priority: number for number, priority in enumerate(Priority)}


def _order(place: Mapping[str, int], subject: Subject) -> tuple[int, int, int, bool, str]:
    rank = _RANK[subject.priority]
    return subject.phase, rank, place[subject.model_type], not subject.is_base, subject.class_name
