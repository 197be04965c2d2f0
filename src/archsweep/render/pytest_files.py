"""Readable pytest files: what differs between architectures as data, what is the same as one call. Writes nothing.

The same subjects and specifications give the same bytes on every machine: a file says which versions it was made from,
and nothing of when or where.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep.archs.specification import Specification
from archsweep.contract import VERIFYING, Subject
from archsweep.errors import SettingsError
from archsweep.render.literals import literal
from archsweep.render.templating import TEMPLATES, environment

SUFFIX = ".py.j2"
MARK = "Made by archsweep"  # in every file that may be written anew
_CODE = re.compile(r"^(?:from [\w.]+ import|import \w|def \w+\(|class \w+[:(]|@\w)", re.MULTILINE)
GENERATE = "generate"  # asked of a class that does
_FITS = re.compile(r"\{#-?\s*fits:\s*([\w, -]+?)\s*-?#\}")
Entry = tuple[Subject, Specification]
_SCOPED = ("ARCHITECTURES", "archsweep_case")  # without these a file tests nothing


@dataclass(frozen=True, kw_only=True)
class Template:
    """A Jinja template, and the architectures that it is written for; none: all."""

    name: str
    text: str
    fits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """The file of one model folder: its name and its text."""

    family: str
    name: str
    text: str


def file_name(family: str) -> str:
    """`test_bert.py` for `bert`; a package outside transformers with underscores for dots."""
    return f"test_{re.sub(r'[^0-9a-zA-Z_]+', '_', family)}.py"


def is_ours(text: str) -> bool:
    """Whether a file was made by archsweep, so that it may be written anew."""
    return MARK in _CODE.split(text, maxsplit=1)[0]


def templates() -> dict[str, Template]:
    """The built-in templates, by name: one for each architecture."""
    return {path.name.removesuffix(SUFFIX): _read(path) for path in sorted(TEMPLATES.glob(f"[a-z]*{SUFFIX}"))}


def template(name: str) -> Template:
    """A built-in template by its name, or one that is a file. Raises SettingsError."""
    known = templates()
    if name in known:
        return known[name]
    path = Path(name)
    if not path.is_file():
        raise SettingsError(f"no template {name!r}", f"A file, or one of: {', '.join(known)}")
    return _read(path)


def _read(path: Path) -> Template:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the template {path} cannot be read: {error}") from error
    fits = _FITS.search(text)
    named = tuple(part.strip() for part in fits[1].split(",")) if fits else ()
    return Template(name=path.name.removesuffix(SUFFIX), text=text, fits=named)


def made(
    family: str, entries: Sequence[Entry], versions: Mapping[str, str],
    chosen: Template | None = None,
) -> Made:  # fmt: skip
    """The file of one model folder. Raises SettingsError for a template that does not fit it, or whose text does not
    test what it states."""
    main = _main([subject for subject, _ in entries])
    used = chosen or templates()[str(main.architecture)]
    check_fit(used, family, [subject for subject, _ in entries])
    types = dict.fromkeys(subject.model_type for subject, _ in entries)
    stated = [
        _architecture(alike)
        for name in types
        for alike in _alike([item for item in entries if item[0].model_type == name])
    ]
    modality = list(dict.fromkeys(str(item) for subject, _ in entries for item in subject.modality))
    text = _rendered(
        used, family=family, function=file_name(family).removesuffix(".py"), file=file_name(family), main=main,
        architectures=literal_calls(stated), modality=modality, versions=versions, mark=MARK,
        generates=any(item.generates for _, item in entries), types=list(types),
    )  # fmt: skip
    _checked(text, used, family)
    return Made(family=family, name=file_name(family), text=text)


def check_fit(used: Template, family: str, subjects: Sequence[Subject]) -> None:
    """Raises SettingsError where a template is written for other architectures than that of a family's main class."""
    kind = str(_main(subjects).architecture)
    if used.fits and kind not in used.fits:
        raise SettingsError(
            f"the template {used.name} is for {', '.join(used.fits)}, and {family} is {kind}",
            f"Leave --template out, or take: --template {kind}",
        )


def _main(subjects: Sequence[Subject]) -> Subject:
    return next((subject for subject in subjects if subject.is_base), subjects[0])


def _rendered(used: Template, **values: Any) -> str:
    import jinja2

    try:
        text: str = environment().from_string(used.text).render(**values)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}" if line else ""
        raise SettingsError(f"the template {used.name}{place}: {error}") from error
    return text.rstrip("\n") + "\n"


def _checked(text: str, used: Template, family: str) -> None:
    """Raises SettingsError for a text that is no Python, that is not known as archsweep's, or that tests nothing."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError as error:
        raise SettingsError(
            f"the template {used.name} gives no Python for {family}: line {error.lineno}: {error.msg}"
        ) from error
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    lacking = [name for name in _SCOPED if name not in names]
    if lacking:
        raise SettingsError(
            f"the template {used.name} does not fit {family}: its text has no {' and no '.join(lacking)}"
        )
    if not is_ours(text):
        raise SettingsError(f"the template {used.name} lacks the line with {MARK!r} before its imports")


def literal_calls(stated: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each architecture as the call that states it, indented by one step."""
    return [
        "\n".join(
            [
                "    Architecture(",
                *(f"        {name}={literal(value, 2, 9 + len(name))}," for name, value in item.items()),
                "    ),",
            ]
        )
        for item in stated
    ]


def _alike(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Classes of one model type that are made alike, together: half of what either states, the other states too.

    Heads over a part of a model take the configuration of that part.
    """
    groups: list[list[Entry]] = []
    for entry in sorted(entries, key=lambda item: not item[0].is_base):
        for group in groups:
            one, other = group[0][1].config, entry[1].config
            if 2 * len(_shared(one, other)) >= max(len(one), len(other)):
                group.append(entry)
                break
        else:
            groups.append([entry])
    return groups


def _architecture(entries: Sequence[Entry]) -> dict[str, Any]:
    """The data of classes of one model type: what they share, and what each has of its own."""
    main, typical = next((item for item in entries if not item[1].lacks), entries[0])
    stated = [item.config for _, item in entries if not item.lacks] or [typical.config]
    config: Mapping[str, Any] = functools.reduce(_shared, stated)
    found: dict[str, Any] = {
        "model_type": main.model_type,
        "architecture": str(main.architecture),
        "role": main.role,
        "category": main.category,
        "modality": [str(item) for item in main.modality],
        "checkpoint": main.checkpoint,
        "config": _sorted(config),
        "inputs": dict(typical.inputs),
        "checks": list(VERIFYING),
        "classes": {subject.class_name: _own(subject, item, config, typical) for subject, item in entries},
    }
    return {name: value for name, value in found.items() if value is not None}


def _own(subject: Subject, item: Specification, config: Mapping[str, Any], typical: Specification) -> dict[str, Any]:
    """What a class has beside what is stated of its model type."""
    found = {
        "tasks": list(subject.tasks),
        "config": _sorted(_beyond(item.config, config)),
        "inputs": dict(item.inputs) if item.inputs != typical.inputs else {},
        "checks": [GENERATE] if item.generates else [],
        "lacks": item.lacks,
    }
    return {name: value for name, value in found.items() if value}


def _shared(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two configurations state alike, tables within tables."""
    found: dict[str, Any] = {}
    for name, value in one.items():
        beside = other.get(name, _shared)
        if isinstance(value, Mapping) and isinstance(beside, Mapping):
            found[name] = _shared(value, beside)
        elif repr(value) == repr(beside):  # not ==: [1] is no [True]
            found[name] = value
    return found


def _beyond(whole: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """What `whole` states and `shared` does not; laid over that, it is `whole` again if `whole` has all of `shared`."""
    found: dict[str, Any] = {}
    for name, value in whole.items():
        beside = shared.get(name, _beyond)
        if isinstance(value, Mapping) and isinstance(beside, Mapping):
            if inner := _beyond(value, beside):
                found[name] = inner
        elif repr(value) != repr(beside):
            found[name] = value
    return found


def _sorted(value: Any) -> Any:
    return {name: _sorted(value[name]) for name in sorted(value)} if isinstance(value, Mapping) else value
