"""What the library offers, against what generated files state and results know. Rows in, rows out; no I/O.

A side that holds nothing at all (no file, no result) says nothing of what is new; where both do, everything is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archsweep.contract import Subject


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A model type as one generated file states it."""

    model_type: str
    classes: tuple[str, ...]
    file: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """A class that has results. `source`: the hash of its source at the newest one; "" where none was kept."""

    model_type: str
    class_name: str
    source: str
    transformers_version: str
    package: str = ""  # that it comes from; "" where that was not kept

    @property
    def id(self) -> str:
        return f"{self.model_type}/{self.class_name}"


@dataclass(frozen=True, kw_only=True)
class New:
    """A model type that no file states, or that no result knows."""

    model_type: str
    family: str
    classes: tuple[str, ...]
    stated: bool
    known: bool


@dataclass(frozen=True, kw_only=True)
class Gone:
    """A model type that the library no longer has. `last`: the transformers of its newest result, "" without any."""

    model_type: str
    classes: tuple[str, ...]
    files: tuple[str, ...]
    last: str = ""


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """A model type that went and one that came, with what shows that they are one."""

    gone: Gone
    new: New
    shared: tuple[str, ...]  # class names that both have
    same_source: bool


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A model type that is still there. `edited`: classes with another source than at their newest result;
    `added`: classes that its file lacks; `dropped`: classes that the library no longer has."""

    model_type: str
    edited: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    since: str = ""  # the oldest transformers of those results


@dataclass(frozen=True, kw_only=True)
class Difference:
    """All that differs, each part sorted by model type. `renamed` is in neither `new` nor `gone`."""

    new: tuple[New, ...]
    gone: tuple[Gone, ...]
    renamed: tuple[Renamed, ...]
    changed: tuple[Changed, ...]

    @property
    def counts(self) -> dict[str, int]:
        return {"new": len(self.new), "gone": len(self.gone), "renamed": len(self.renamed),
                "changed": len(self.changed)}  # fmt: skip

    @property
    def unstated(self) -> tuple[New, ...]:
        """What came and has no file, under a new name or not."""
        return tuple(item for item in (*self.new, *(pair.new for pair in self.renamed)) if not item.stated)


def compare(
    offered: Sequence[Subject], sources: Mapping[str, str], stated: Sequence[Stated], known: Sequence[Known]
) -> Difference:
    """`sources` maps the ids of offered classes to the hash of their source.

    Results of a package that nothing offered comes from are left out: whoever wants them compared imports it.
    """
    packages = {subject.class_module.partition(".")[0] for subject in offered}
    known = [item for item in known if not item.package or item.package in packages]
    types = {subject.model_type for subject in offered}
    new = _new(offered, stated, known)
    gone = [_gone(name, stated, known) for name in sorted(_types(stated, known) - types)]
    renamed = _renamed(gone, new, sources, known)
    left = {pair.gone.model_type for pair in renamed}, {pair.new.model_type for pair in renamed}
    return Difference(
        new=tuple(item for item in new if item.model_type not in left[1]),
        gone=tuple(item for item in gone if item.model_type not in left[0]),
        renamed=tuple(renamed),
        changed=tuple(_changed(offered, sources, stated, known)),
    )


def _types(stated: Iterable[Stated], known: Iterable[Known]) -> set[str]:
    return {item.model_type for item in stated} | {item.model_type for item in known}


def _new(offered: Sequence[Subject], stated: Sequence[Stated], known: Sequence[Known]) -> list[New]:
    """Only types with a class in a mapping: the others have no file, and are in no sweep that does not name them."""
    in_files, in_results = _types(stated, ()), _types((), known)
    found = []
    for name, subjects in _mapped(offered).items():
        has_file, has_result = name in in_files, name in in_results
        lacks = [has for side, has in ((stated, has_file), (known, has_result)) if side and not has]
        if lacks or not (stated or known):
            classes = tuple(subject.class_name for subject in subjects)
            found.append(
                New(
                    model_type=name, family=subjects[0].family, classes=classes, stated=has_file, known=has_result
                )
            )  # fmt: skip
    return found


def _mapped(offered: Sequence[Subject]) -> dict[str, list[Subject]]:
    """The classes of each model type that are in a mapping, the base class first."""
    found: dict[str, list[Subject]] = {}
    for subject in sorted(offered, key=lambda item: (item.model_type, not item.is_base, item.class_name)):
        if subject.mappings:
            found.setdefault(subject.model_type, []).append(subject)
    return found


def _gone(name: str, stated: Sequence[Stated], known: Sequence[Known]) -> Gone:
    files = [item for item in stated if item.model_type == name]
    results = [item for item in known if item.model_type == name]
    classes = {part for item in files for part in item.classes} | {item.class_name for item in results}
    return Gone(
        model_type=name, classes=tuple(sorted(classes)), files=tuple(sorted({item.file for item in files})),
        last=max((item.transformers_version for item in results), key=_number, default=""),
    )  # fmt: skip


def _number(version: str) -> tuple[tuple[int, str], ...]:
    """A version as it sorts: `5.9.0` before `5.23.0`."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in version.split("."))


def _renamed(
    gone: Sequence[Gone], new: Sequence[New], sources: Mapping[str, str], known: Sequence[Known]
) -> list[Renamed]:
    """Pairs of one that went and one that came, the most alike first; each is in one pair at most."""
    before: dict[str, set[str]] = {}
    for result in known:
        before.setdefault(result.model_type, set()).add(result.source)
    pairs = []
    for old in gone:
        for item in new:
            shared = tuple(sorted({*old.classes} & {*item.classes}))
            today = {sources.get(f"{item.model_type}/{name}", "") for name in item.classes}
            same = bool((today & before.get(old.model_type, set())) - {""})
            if shared or same:
                pairs.append(Renamed(gone=old, new=item, shared=shared, same_source=same))
    pairs.sort(key=lambda pair: (-len(pair.shared), not pair.same_source, pair.gone.model_type, pair.new.model_type))
    taken: set[tuple[str, str]] = set()
    found = []
    for pair in pairs:
        ends = {("gone", pair.gone.model_type), ("new", pair.new.model_type)}
        if not ends & taken:
            taken |= ends
            found.append(pair)
    return sorted(found, key=lambda pair: pair.gone.model_type)


def _changed(
    offered: Sequence[Subject], sources: Mapping[str, str], stated: Sequence[Stated], known: Sequence[Known]
) -> Iterable[Changed]:
    classes: dict[str, set[str]] = {}
    for subject in offered:
        classes.setdefault(subject.model_type, set()).add(subject.class_name)
    mapped = {name: {item.class_name for item in subjects} for name, subjects in _mapped(offered).items()}
    in_files: dict[str, set[str]] = {}
    for item in stated:
        in_files.setdefault(item.model_type, set()).update(item.classes)
    results: dict[str, list[Known]] = {}
    for entry in known:
        results.setdefault(entry.model_type, []).append(entry)
    for name in sorted(classes):
        own = results.get(name, [])
        edited = [item for item in own if item.source and sources.get(item.id, item.source) != item.source]
        added = mapped.get(name, set()) - in_files[name] if name in in_files else set()
        dropped = (in_files.get(name, set()) | {item.class_name for item in own}) - classes[name]
        if edited or added or dropped:
            yield Changed(
                model_type=name, edited=tuple(sorted(item.class_name for item in edited)),
                added=tuple(sorted(added)), dropped=tuple(sorted(dropped)),
                since=min((item.transformers_version for item in edited), key=_number, default=""),
            )  # fmt: skip
