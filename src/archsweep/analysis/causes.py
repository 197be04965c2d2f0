"""Root causes: failures that one fix would mend together, the one that wins most first. Rows in, rows out; no I/O.

Two failures are of one cause when stage, error class, operators and the shape of the message are the same. The shape is
the message's first clause without what differs from model to model: numbers, tensor shapes, places in files, quoted
names, and the architecture's own names. It is never fitted to a model or a platform. What says nothing of its reason (a
dead worker, a deadline, wrong numbers), and what a platform's own toolchain refuses, is of one cause only on that
platform; what was raised with the same words is one cause wherever that was.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.contract import TINY, VERIFYING, Stage, Status
from archsweep.settings import DEFAULT_PLATFORM

Row = Mapping[str, Any]
Key = tuple[Any, ...]

HARMLESS = frozenset({Status.PASS, Status.INAPPLICABLE, Status.UNAVAILABLE, Status.UNEXECUTED})
OWN = frozenset({Stage.COMPILE, Stage.RUN, Stage.COMPARE})  # the stages of the platform itself
MUTE = frozenset({Status.FAIL, Status.CRASH, Status.TIMEOUT, Status.OOM})  # their message gives no reason
READ, KEPT = 1_000, 160  # characters of a message that are looked at, and of its shape
LISTED = 100  # operators that are looked for in it

_SHAPE = r"[\[({]\s*-?\d+(?:\s*[,x×]\s*-?\d+)*\s*,?\s*[\])}]"
# In this order; each leaves what the next ones do not touch.
_VARYING = (
    (re.compile(r"'[^']{0,200}'|\"[^\"]{0,200}\"|`[^`]{0,200}`|“[^”]{0,200}”"), lambda found: _quoted(found[0])),
    (re.compile(r"\bhttps?://\S+"), "<address>"),
    (re.compile(r"(?<![\w/<.])(?:[A-Za-z]:)?(?:[\\/][\w.+@-]+)+/?(?::\d+)*"), "<path>"),
    (re.compile(r"\b\w+\.(?:py|pyx|c|cc|cpp|cu|cuh|h|hpp|rs|js|mjs|ts)(?::\d+)+"), "<path>"),
    (re.compile(r"\b0[xX][0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"), "#"),
    (re.compile(rf"(?:torch\.Size\()?{_SHAPE}\)?|\b\d+(?:\s?[x×]\s?\d+)+\b"), "<shape>"),
    (re.compile(r"\b[\w.]+ at <shape>"), "<name> at <shape>"),  # an output and where in it
    (re.compile(r"\b[A-Za-z_]\w*(?:\.\w+){2,}"), "<name>"),  # a place in a tree of modules
    (re.compile(r"(?<![\w.])[-+]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?![A-Za-z])"), "#"),
    (re.compile(r"(?<=_)\d+(?![A-Za-z])|(?<=\b[A-Za-z])\d+\b|(?<![\w.])-?inf\b"), "#"),
)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Failures that look alike.

    `wins`: model types that would be verified on some platform if this alone were mended, because every verifying case
    of their base class that does not pass there is of this cause.
    """

    stage: str
    error_class: str
    shape: str
    operators: tuple[str, ...]
    statuses: Mapping[str, int]
    platforms: tuple[str, ...]
    cases: int
    architectures: tuple[str, ...]  # model types that it concerns, sorted
    wins: tuple[str, ...]  # sorted
    example: str  # the id of the case that shows it best
    message: str  # the example's own


def causes(rows: Iterable[Row]) -> list[Cause]:
    """All causes of the rows that failed: most wins first, then most architectures, then most cases."""
    rows = list(rows)
    keys = {number: key(row) for number, row in enumerate(rows) if row["status"] not in HARMLESS}
    groups: dict[Key, list[Row]] = {}
    for number, name in keys.items():
        groups.setdefault(name, []).append(rows[number])
    won: dict[Key, set[str]] = {}
    for name, model_type in _wins(rows, keys):
        won.setdefault(name, set()).add(model_type)
    found = {name: _cause(name, inside, won.get(name, set())) for name, inside in groups.items()}
    order = sorted(
        found,
        key=lambda name: (-len(found[name].wins), -len(found[name].architectures), -found[name].cases, name),
    )
    return [found[name] for name in order]


def key(row: Row) -> Key:
    """What two failures share that are of one cause; sortable."""
    operators: tuple[str, ...] = tuple(sorted(set(row["operators"] or ())))
    alone = row["status"] in MUTE or (row["status"] == Status.UNSUPPORTED and row["stage"] in OWN)
    text = shape(row["message"] or "", row["model_type"], row["class_name"], operators)
    return row["stage"], row["error_class"] or "", operators, text, row["platform"] if alone else ""


def shape(message: str, model_type: str = "", class_name: str = "", operators: Sequence[str] = ()) -> str:
    """The first clause of a message, without what differs from one model to another."""
    named = tuple(name for name in operators if 0 < len(name) <= READ)[:LISTED]
    return _shape(message[:READ], model_type[:READ], class_name[:READ], named)


@functools.lru_cache(maxsize=1 << 14)
def _shape(message: str, model_type: str, class_name: str, operators: tuple[str, ...]) -> str:
    text = " ".join(message.split())
    if operators:
        text = _listed(operators).sub("<operators>", text)
    if _named(text, model_type, class_name):
        text = _own(model_type, class_name).sub("<model>", text)
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text.partition("; ")[0][:KEPT].rstrip()


def _quoted(text: str) -> str:
    """An operator says what is to be mended, so it stays; any other name in quotes does not."""
    return text if "::" in text and " " not in text else "<quoted>"


@functools.lru_cache(maxsize=1 << 10)
def _listed(operators: tuple[str, ...]) -> re.Pattern[str]:
    """A list of some operators, in any order; a namespace is parted by a dot or by colons."""
    names = [re.escape(name).replace(r"\.", r"(?:\.|::)") for name in sorted(operators, key=len, reverse=True)]
    one = rf"(?<!\w)(?:{'|'.join(names)})(?!\w)"
    return re.compile(rf"{one}(?:, {one})*")


def _named(text: str, model_type: str, class_name: str) -> bool:
    """Whether `_own`, which costs more than all else here, could find anything."""
    first = re.split(r"[-_.]", model_type)[0]
    return bool(first or class_name) and (first.lower() in text.lower() or _stem(class_name) in text)


def _stem(class_name: str) -> str:
    return re.sub(r"(?:Model|For[A-Z]\w*)$", "", class_name)


@functools.lru_cache(maxsize=1 << 12)
def _own(model_type: str, class_name: str) -> re.Pattern[str]:
    """The architecture's own names: its class, classes that begin as it or as the model type does, and the model type
    itself where it cannot be taken for a word."""
    found = [re.escape(class_name)] if class_name else []
    parts = [re.escape(part) for part in re.split(r"[-_.]", model_type) if part]
    if parts:
        found.append(rf"(?=[A-Z])(?i:{'[-_]?'.join(parts)})(?=[A-Z])\w*")
        if len(parts) > 1 or any(letter.isdigit() for letter in model_type):
            found.append("[-_]".join(parts))
    stem = _stem(class_name)
    if len(stem) > 2 and stem != class_name:
        found.append(rf"{re.escape(stem)}(?=[A-Z])\w*")
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)")


def _wins(rows: Sequence[Row], keys: Mapping[int, Key]) -> Iterator[tuple[Key, str]]:
    """(cause, model type) wherever one cause alone keeps a base class from being verified."""
    units: dict[Key, set[Key | None]] = {}
    for number, row in enumerate(rows):
        plain = row["weights"] == TINY and row["dtype"] == row["default_dtype"]
        if row["is_base"] and plain and row["check"] in VERIFYING and row["status"] != Status.PASS:
            unit = (row["model_type"], row["class_name"], row["platform"], row["options"])
            units.setdefault(unit, set()).add(keys.get(number))
    for unit, inside in units.items():
        (only, *others) = inside
        if only is not None and not others:
            yield only, unit[0]


def _cause(name: Key, inside: Sequence[Row], wins: set[str]) -> Cause:
    example = min(inside, key=lambda row: _showing(row, wins))
    return Cause(
        stage=name[0],
        error_class=name[1],
        shape=name[3],
        operators=name[2],
        statuses=dict(sorted(Counter(str(row["status"]) for row in inside).items())),
        platforms=tuple(sorted({row["platform"] for row in inside})),
        cases=len(inside),
        architectures=tuple(sorted({row["model_type"] for row in inside})),
        wins=tuple(sorted(wins)),
        example=example["case"],
        message=example["message"] or "",
    )


def _showing(row: Row, wins: set[str]) -> tuple[Any, ...]:
    """Best first: of what would be won, on the platform that is everywhere, of a base class, the earlier check."""
    check = VERIFYING.index(row["check"]) if row["check"] in VERIFYING else len(VERIFYING)
    return row["model_type"] not in wins, row["platform"] != DEFAULT_PLATFORM, not row["is_base"], check, row["case"]
