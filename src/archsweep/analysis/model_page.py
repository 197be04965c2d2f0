"""All that a page of one model type says, from stored rows alone: rows in, one dataclass out; no torch, no I/O.

What stands in it is as it was stored: whoever writes a page makes text from outside harmless. Tiny weights only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from archsweep import registry
from archsweep.analysis import repeat
from archsweep.analysis.matrix import SEVERITY, Cell, Depth, build
from archsweep.contract import VERIFYING, Status

Row = Mapping[str, Any]
Block = tuple[str, str]  # language and lines of code
Usage = Callable[[Mapping[str, Any]], Sequence[Block]]  # what a platform has under that name

MADE, COMPARED, TIMED = VERIFYING[0], "worst_relative", "steady_s"
WRONG = frozenset(SEVERITY[: SEVERITY.index(Status.UNEXECUTED)])


class Kind(StrEnum):
    """What a limit is about."""

    ENDING = "does not work"
    INPUTS = "inputs left out or ignored"
    UNEXECUTED = "not executed"
    UNAVAILABLE = "not tried here"


@dataclass(frozen=True, kw_only=True)
class ModelClass:
    """A class of the model type. `config_class`: "module:Name"; `mappings` empty: exported, in no auto mapping."""

    name: str
    module: str
    config_class: str
    is_base: bool
    mappings: tuple[str, ...]
    tasks: tuple[str, ...]
    architecture: str
    role: str
    category: str


@dataclass(frozen=True, kw_only=True)
class Given:
    """An input: its dtype and shape as `int64 (2, 14)`; "" where a result does not say it."""

    name: str
    stated: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """How the tiny model of a class came about. `config` and `values` as `archs.statement` tells them; None where the
    result does not, for it is older than that, or what would stand there is too long (`cut`)."""

    class_name: str
    class_module: str
    case: str
    candidate: str
    parameters: int | None
    seed: int
    fed: tuple[str, ...]  # modalities
    inputs: tuple[Given, ...]
    outputs: Mapping[str, tuple[int, ...]]  # shapes by path
    dropped: tuple[str, ...]
    ignored: tuple[str, ...]
    config: Mapping[str, Any] | None = None
    values: Mapping[str, Any] | None = None
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Worked:
    """The code with which `model` ran on `inputs` on a platform, of the class `class_name`."""

    platform: str
    title: str
    class_name: str
    case: str
    dtype: str
    options: Mapping[str, str]
    device: str
    evidence: str
    verified: bool  # whether the numbers were right as well
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """One current cell. `worst_relative`: the largest relative error, of a check that compares."""

    case: str
    class_name: str
    is_base: bool
    platform: str
    check: str
    dtype: str
    default_dtype: str
    options: Mapping[str, str]
    status: str
    outlook: str
    stage: str
    evidence: str
    error_class: str
    message: str
    operators: tuple[str, ...]
    blame: str
    blame_package: str
    wall_s: float
    device: str
    fingerprint: str
    transformers_version: str
    run: str
    finished_at: str
    worst_relative: float | None
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What does not work, was not tried or is left out: once, however many cells show it. `command` repeats the first
    of its `cases` alone; `where`: platforms and checks as `openvino parity`."""

    kind: Kind
    status: str = ""
    outlook: str = ""
    stage: str = ""
    error_class: str = ""
    message: str = ""
    operators: tuple[str, ...] = ()
    blame: str = ""
    blame_package: str = ""
    classes: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """That a case ended otherwise than before; `before` is "" where it was the first time."""

    case: str
    class_name: str
    platform: str
    check: str
    before: str
    status: str
    stage: str
    error_class: str
    message: str
    evidence: str
    run: str
    finished_at: str
    transformers_version: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class ModelPage:
    """A model type, as its base class is where classes differ. `summary`: verified of applicable classes by platform;
    `timed`: the endings with a steady latency; `history`: newest first."""

    model_type: str
    category: str = "other"
    categories: tuple[str, ...] = ()  # of all its classes
    architecture: str = ""
    role: str = ""
    modality: tuple[str, ...] = ()
    priority: str = ""
    phase: int | None = None
    standing: str = ""
    checkpoint: str = ""
    family: str = ""
    transformers_version: str = ""
    classes: tuple[ModelClass, ...] = ()
    platforms: tuple[str, ...] = ()  # that have a result
    summary: Mapping[str, Cell] = field(default_factory=dict)
    made: tuple[Made, ...] = ()  # of each class, the base class first
    worked: tuple[Worked, ...] = ()
    endings: tuple[Ending, ...] = ()
    timed: tuple[Ending, ...] = ()
    limits: tuple[Limit, ...] = ()
    history: tuple[Turn, ...] = ()

    @property
    def base(self) -> ModelClass | None:
        """Its base class, else its first one."""
        return next(iter(self.classes), None)


def usages() -> dict[str, tuple[str, Usage]]:
    """Title and `usage` of each platform that has one: load them once for many pages."""
    loaded = registry.loadable("platforms").items()
    return {name: (str(item.title), item.usage) for name, item in loaded if hasattr(item, "usage")}


def page(
    model_type: str, subjects: Iterable[Row], cells: Iterable[Row], history: Iterable[Row] = (), *,
    known: Mapping[str, tuple[str, Usage]] | None = None, asked: Mapping[str, Row] | None = None,
) -> ModelPage:  # fmt: skip
    """The page of one model type. `subjects`: its classes, as the store or (encoded) the catalog has them; `cells` and
    `history`: rows as `store.models` gives them; `known`: what `usages` gives; `asked`: of runs by name, the options
    that they were given. Rows of other model types are passed over."""
    own = [row for row in subjects if row["model_type"] == model_type]
    found = sorted((row for row in cells if row["model_type"] == model_type), key=_place)
    classes = tuple(_class(row) for row in sorted(own, key=lambda row: (not row["is_base"], row["class_name"])))
    endings = tuple(_ending(row) for row in found)
    modules = {item.name: item.module for item in classes}
    made = tuple(_made(found, modules))
    turns = (_turn(row) for row in history if row["model_type"] == model_type)
    platforms = tuple(dict.fromkeys(item.platform for item in endings))
    return ModelPage(
        model_type=model_type, **_facts(own, found), classes=classes, platforms=platforms, summary=_summary(found),
        made=made, worked=tuple(_worked(found, usages() if known is None else known)), endings=endings,
        timed=tuple(item for item in endings if item.metrics.get(TIMED) is not None),
        limits=(*_bad(found, asked or {}), *_inputs(made), *_untried(found, asked or {})),
        history=tuple(sorted(turns, key=lambda turn: (turn.finished_at, turn.run, turn.case), reverse=True)),
    )  # fmt: skip


def _place(row: Row) -> tuple[Any, ...]:
    """The base class first; platforms by name; the verifying checks before others, the usual dtype before others."""
    check = VERIFYING.index(row["check"]) if row["check"] in VERIFYING else len(VERIFYING)
    unusual = row["dtype"] != row["default_dtype"]
    return (not row["is_base"], row["class_name"], row["platform"], check, row["check"], unusual, row["case"])


def _facts(subjects: Sequence[Row], cells: Sequence[Row]) -> dict[str, Any]:
    """What the base class says of the type; without classes, what its cells say."""
    first = next((row for row in subjects if row["is_base"]), next(iter(subjects), None))
    if first is None:
        known = next(iter(cells), {})
        return {name: known.get(name) or "" for name in ("architecture", "priority", "transformers_version")} | {
            "category": known.get("category") or "other"
        }
    text = ("category", "architecture", "role", "priority", "standing", "checkpoint", "family", "transformers_version")
    return {
        **{name: str(first.get(name) or "") for name in text},
        "phase": first["phase"],
        "modality": tuple(map(str, first["modality"])),
        "categories": tuple(dict.fromkeys(row["category"] for row in [first, *subjects])),
    }


def _class(row: Row) -> ModelClass:
    return ModelClass(
        name=row["class_name"], module=row["class_module"], config_class=row["config_class"],
        is_base=bool(row["is_base"]), mappings=tuple(row["mappings"]), tasks=tuple(row["tasks"]),
        architecture=str(row["architecture"]), role=row["role"], category=row["category"],
    )  # fmt: skip


def _ending(row: Row) -> Ending:
    same = ("case", "class_name", "platform", "check", "dtype", "default_dtype", "status", "stage", "evidence",
            "message", "wall_s", "fingerprint", "run", "finished_at")  # fmt: skip
    text = ("outlook", "error_class", "blame", "blame_package", "device", "transformers_version")
    metrics = row.get("metrics") or {}
    told: dict[str, Any] = {name: row[name] for name in same} | {name: row[name] or "" for name in text}
    return Ending(
        **told, is_base=bool(row["is_base"]),
        options=json.loads(row["options"]), operators=tuple(row["operators"] or ()), metrics=metrics,
        worst_relative=metrics.get(COMPARED),
    )  # fmt: skip


def _summary(cells: Sequence[Row]) -> dict[str, Cell]:
    return {place[0]: cell for place, cell in build(cells, Depth.ARCHITECTURE).totals.items()}


def _made(cells: Sequence[Row], modules: Mapping[str, str]) -> Iterator[Made]:
    """Of each class the result that says most: one with a configuration before one without, a pass before others."""
    by_class: dict[str, list[Row]] = {}
    for row in cells:
        if row["check"] == MADE and _recipe(row).get("candidate"):
            by_class.setdefault(row["class_name"], []).append(row)
    for name, rows in by_class.items():
        row = min(rows, key=lambda row: ("config" not in _recipe(row), row["status"] != Status.PASS))
        told, shapes = _recipe(row), (row["details"].get("shapes") or {}).items()
        called = told.get("called") or dict.fromkeys(told.get("inputs") or (), "")
        yield Made(
            class_name=name, class_module=modules.get(name, ""), case=row["case"], candidate=told["candidate"],
            parameters=told.get("parameters"), seed=told.get("seed") or 0, fed=tuple(told.get("fed") or ()),
            inputs=tuple(Given(name=key, stated=value) for key, value in called.items()),
            outputs={path: tuple(shape) for path, shape in shapes},
            dropped=tuple(told.get("dropped") or ()), ignored=tuple(told.get("ignored") or ()),
            config=told.get("config"), values=told.get("values"), cut=tuple(told.get("cut") or ()),
        )  # fmt: skip


def _recipe(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = (row.get("details") or {}).get("recipe") or {}
    return found


def _worked(cells: Sequence[Row], known: Mapping[str, tuple[str, Usage]]) -> Iterator[Worked]:
    """For each class and platform, the code of the pass that is most as usual: dtype and options."""
    right = {
        (row["class_name"], row["platform"], row["dtype"], row["options"])
        for row in cells
        if row["check"] == VERIFYING[-1] and row["status"] == Status.PASS
    }
    seen = set()
    passes = [row for row in cells if row["check"] == MADE and row["status"] == Status.PASS]
    for row in sorted(passes, key=lambda row: (row["dtype"] != row["default_dtype"], row["options"] != "{}")):
        key = (row["class_name"], row["platform"])
        if key in seen or row["platform"] not in known or not row.get("details"):
            continue
        seen.add(key)
        title, usage = known[row["platform"]]
        options = json.loads(row["options"])
        case = {"dtype": row["dtype"], "options": options, "evidence": row["evidence"]}
        yield Worked(
            platform=row["platform"], title=title, class_name=row["class_name"], case=row["case"], dtype=row["dtype"],
            options=options, device=row["device"] or "", evidence=row["evidence"],
            verified=(*key, row["dtype"], row["options"]) in right,
            blocks=tuple((language, text) for language, text in usage({**row["details"], "case": case})),
        )  # fmt: skip


def _bad(cells: Sequence[Row], asked: Mapping[str, Row]) -> Iterator[Limit]:
    groups = _alike(row for row in cells if row["status"] in WRONG)
    for rows in sorted(groups, key=lambda rows: (SEVERITY.index(rows[0]["status"]), -len(rows), rows[0]["case"])):
        yield _limit(Kind.ENDING, rows, asked)


def _untried(cells: Sequence[Row], asked: Mapping[str, Row]) -> Iterator[Limit]:
    for status, kind in ((Status.UNEXECUTED, Kind.UNEXECUTED), (Status.UNAVAILABLE, Kind.UNAVAILABLE)):
        for rows in _alike(row for row in cells if row["status"] == status):
            yield _limit(kind, rows, asked)


def _alike(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        same = ("status", "outlook", "stage", "error_class", "message", "blame", "blame_package")
        groups.setdefault((*(row[name] or "" for name in same), *(row["operators"] or ())), []).append(row)
    return list(groups.values())


def _limit(kind: Kind, rows: Sequence[Row], asked: Mapping[str, Row]) -> Limit:
    first = rows[0]
    text = ("status", "outlook", "stage", "error_class", "message", "blame", "blame_package")
    return Limit(
        kind=kind, **{name: first[name] or "" for name in text}, operators=tuple(first["operators"] or ()),
        classes=tuple(dict.fromkeys(row["class_name"] for row in rows)),
        where=tuple(dict.fromkeys(f"{row['platform']} {row['check']}" for row in rows)),
        cases=tuple(row["case"] for row in rows),
        command=repeat.command(repeat.case_of(first), "", asked.get(first["run"], {})),
    )  # fmt: skip


def _inputs(made: Iterable[Made]) -> Iterator[Limit]:
    """Inputs that the class refuses beside its others, and masks that it takes and ignores."""
    groups: dict[str, list[Made]] = {}
    for item in made:
        if item.dropped:
            groups.setdefault(f"left out: {', '.join(item.dropped)}", []).append(item)
        if item.ignored:
            groups.setdefault(f"taken and ignored: {', '.join(item.ignored)}", []).append(item)
    for message, items in groups.items():
        yield Limit(
            kind=Kind.INPUTS, message=message, classes=tuple(item.class_name for item in items),
            cases=tuple(item.case for item in items),
        )  # fmt: skip


def _turn(row: Row) -> Turn:
    same = ("case", "class_name", "platform", "check", "status", "stage", "message", "evidence", "run", "finished_at",
            "fingerprint")  # fmt: skip
    text = ("before", "error_class", "transformers_version")
    return Turn(**{name: row[name] for name in same}, **{name: row[name] or "" for name in text})
