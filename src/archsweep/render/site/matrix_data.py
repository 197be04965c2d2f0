"""The matrix for the dashboard's page: columns of letters, one a class, and folded cells. Folding is analysis.matrix's.

A class on a platform (or in a check there) is one letter of its status and one of its evidence; `.` was not tried. So
1,500 classes on eight platforms are some hundred kilobytes, and the page never folds anything itself.
"""

from __future__ import annotations

import bisect
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.analysis.matrix import SEVERITY, WEAKNESS, Cell, Depth, Label, build
from archsweep.analysis.snapshot import Place, Row, Snapshot
from archsweep.contract import TINY, VERIFYING, Priority, Status
from archsweep.render.site.names import slug
from archsweep.render.words import EVIDENCE_SYMBOLS, SYMBOLS, line

STATUSES = (*(name for name in SEVERITY if name != Status.PASS), Status.PASS, Status.INAPPLICABLE)
UNTRIED = "."
LONGEST = 220  # characters of a message
FACETS = ("category", "architecture", "role", "modality", "task", "priority", "standing", "phase")
_PRIORITIES = tuple(str(item) for item in Priority)
Line = tuple[str, str]  # model type and class


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """The lines of the matrix in their order, and where each stands."""

    subjects: Sequence[Row]
    at: Mapping[Line, int]


def as_script(snapshot: Snapshot) -> str:
    """The data as a script that a page can load from anywhere, also from a file."""
    return f"window.ARCHSWEEP = Object.assign(window.ARCHSWEEP || {{}}, {{ matrix: {text(matrix(snapshot))} }});\n"


def text(value: Any) -> str:
    """Compact JSON that is harmless inside a script."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def matrix(snapshot: Snapshot) -> dict[str, Any]:
    """Everything that the page shows, as JSON values."""
    lines = _lines(snapshot)
    texts = _Interned()
    variants = sorted({variant(row) for row in snapshot.cells})
    runs = sorted(({"run": row["run"], "started": row["started_at"]} for row in snapshot.runs), key=_started)
    since = _Since(snapshot.changed_at, [run["started"] for run in runs])
    columns = [*_subjects(snapshot, lines, texts, since)]
    for name in dict.fromkeys(["", *variants]):
        columns += _classes(snapshot, lines, texts, since, name)
    return {
        "platforms": [_platform(snapshot, item.name, item.title) for item in places(snapshot)],
        "checks": list(snapshot.checks),
        "status": [[name, SYMBOLS[name]] for name in STATUSES],
        "evidence": [[name, EVIDENCE_SYMBOLS[name]] for name in WEAKNESS],
        "runs": [[line(run["run"], 80), run["started"]] for run in runs],
        "variants": list(dict.fromkeys(["", *variants])),
        **_described(lines),
        "columns": columns,
        "folded": {"all": _folded(snapshot, base=False), "base": _folded(snapshot, base=True)},
        "stages": texts.stages,
        "messages": texts.messages,
    }


def _started(run: Mapping[str, str]) -> tuple[str, str]:
    return run["started"], run["run"]


class _Interned:
    """Messages and stages, each kept once."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.stages: list[str] = []
        self._known: dict[str, int] = {}

    def of(self, row: Row) -> list[int]:
        if row["stage"] not in self.stages:
            self.stages.append(row["stage"])
        message = line(row["message"] or "", LONGEST)
        if message not in self._known:
            self._known[message] = len(self.messages)
            self.messages.append(message)
        return [self._known[message], self.stages.index(row["stage"])]


class _Since:
    """In which run a case began to end as it does, as its number among the runs from the oldest on."""

    def __init__(self, changed_at: Mapping[str, str], starts: Sequence[str]) -> None:
        self._changed_at, self._starts = changed_at, starts

    def of(self, row: Row) -> int:
        moment = self._changed_at.get(row["case"], row["finished_at"])
        return max(0, bisect.bisect_right(self._starts, moment) - 1)


def _lines(snapshot: Snapshot) -> _Lines:
    """The mapped classes of the installed transformers, and whatever else has results."""
    found: dict[Line, Row] = {(row["model_type"], row["class_name"]): row for row in snapshot.subjects}
    for row in snapshot.cells:
        found.setdefault((row["model_type"], row["class_name"]), row)
    first = {name: number for number, name in enumerate(_PRIORITIES)}
    rank: dict[str, int] = defaultdict(lambda: len(first))
    for row in found.values():
        rank[row["category"]] = min(rank[row["category"]], first.get(str(row.get("priority")), len(first)))
    subjects = sorted(found.values(), key=lambda row: (
        rank[row["category"]], row["category"], row["model_type"], not row["is_base"], row["class_name"]
    ))  # fmt: skip
    return _Lines(subjects=subjects, at={(row["model_type"], row["class_name"]): at for at, row in enumerate(subjects)})


def _described(lines: _Lines) -> dict[str, Any]:
    types = list(dict.fromkeys(row["model_type"] for row in lines.subjects))
    number = {name: at for at, name in enumerate(types)}
    facets: dict[str, list[str]] = {name: [] for name in FACETS}
    columns: dict[str, list[Any]] = {name: [] for name in FACETS}
    for row in lines.subjects:
        for name in FACETS:
            columns[name].append([_known(facets[name], value) for value in _values(row, name)])
    for name in FACETS:
        order = sorted(range(len(facets[name])), key=lambda at: _facet_order(name, facets[name][at]))
        place = {old: new for new, old in enumerate(order)}
        facets[name] = [facets[name][at] for at in order]
        columns[name] = [[place[at] for at in cell] for cell in columns[name]]
        if all(len(cell) == 1 for cell in columns[name]):
            columns[name] = [cell[0] for cell in columns[name]]
    return {
        "facets": facets,
        "lines": {
            "type": [line(name, 120) for name in types],
            "page": [slug(name) for name in types],
            "of": [number[row["model_type"]] for row in lines.subjects],
            "name": [line(row["class_name"], 160) for row in lines.subjects],
            "base": "".join("1" if row["is_base"] else "0" for row in lines.subjects),
            **columns,
        },
    }


def _facet_order(name: str, value: str) -> tuple[Any, ...]:
    return (_PRIORITIES.index(value),) if name == "priority" and value in _PRIORITIES else (99, value)


def _known(values: list[str], value: str) -> int:
    if value not in values:
        values.append(value)
    return values.index(value)


def _values(row: Row, name: str) -> list[str]:
    value = row.get({"task": "tasks"}.get(name, name))
    values = value if isinstance(value, list | tuple) else [value]
    return [line(str(item), 80) for item in values if item not in (None, "")] or ["unknown"]


def places(snapshot: Snapshot) -> list[Place]:
    """The platforms, those first that were tried."""
    tried = {row["platform"] for row in snapshot.cells}
    return sorted(snapshot.platforms, key=lambda item: (item.name not in tried, item.name))


def _platform(snapshot: Snapshot, name: str, title: str) -> dict[str, Any]:
    note: Row = next((item for item in snapshot.notes if item["platform"] == name), {})
    return {
        "name": name, "title": title, "page": slug(name), "device": line(note.get("device") or "", 160),
        "fingerprint": note.get("fingerprint", ""), "transformers": line(note.get("transformers_version", ""), 40),
        "date": str(note.get("finished_at", ""))[:10],
    }  # fmt: skip


def variant(row: Row) -> str:
    """What of a case differs from the defaults: dtype, weights, options; empty for most."""
    parts = [] if row["dtype"] == row["default_dtype"] else [row["dtype"]]
    parts += [] if row["weights"] == TINY else [row["weights"]]
    options = json.loads(row["options"] or "{}")
    return line(" ".join([*parts, *(f"{name}={value}" for name, value in sorted(options.items()))]), 120)


def _subjects(snapshot: Snapshot, lines: _Lines, texts: _Interned, since: _Since) -> Iterable[dict[str, Any]]:
    """A column a platform: each class folded over the checks that verify it."""
    plain = [row for row in snapshot.cells if not variant(row)]
    folded = build(plain, Depth.SUBJECT, newest=snapshot.newest).cells
    worst: dict[tuple[Line, str], Row] = {}
    for row in plain:
        key = ((row["model_type"], row["class_name"]), row["platform"])
        if row["check"] in VERIFYING and (key not in worst or _rank(row["status"]) < _rank(worst[key]["status"])):
            worst[key] = row
    rows = {(key, (name,)): row for (key, name), row in worst.items()}
    for at, item in enumerate(places(snapshot)):
        yield _column(lines, texts, since, _of(folded, (item.name,)), rows, at, -1, "")


def _classes(snapshot: Snapshot, lines: _Lines, texts: _Interned, since: _Since, name: str) -> Iterable[dict[str, Any]]:
    """A column a platform and check: each class as it ended."""
    chosen = [row for row in snapshot.cells if variant(row) == name]
    folded = build(chosen, Depth.CLASS, newest=snapshot.newest)
    rows = {((row["model_type"], row["class_name"]), (row["platform"], row["check"])): row for row in chosen}
    checks = list(snapshot.checks)
    numbers = {item.name: at for at, item in enumerate(places(snapshot))}
    for place in folded.places:
        if place[0] in numbers and place[1] in checks:
            yield _column(
                lines, texts, since, _of(folded.cells, place), rows, numbers[place[0]], checks.index(place[1]), name
            )


def _of(cells: Mapping[tuple[Label, tuple[str, ...]], Cell], place: tuple[str, ...]) -> dict[Line, Cell]:
    return {(label[1], label[2]): cell for (label, where), cell in cells.items() if where == place}


def _column(
    lines: _Lines, texts: _Interned, since: _Since, cells: Mapping[Line, Cell], rows: Mapping[Any, Row],
    platform: int, check: int, name: str,
) -> dict[str, Any]:  # fmt: skip
    statuses, evidences = [UNTRIED] * len(lines.subjects), [UNTRIED] * len(lines.subjects)
    changed, why, older, suffix = [0] * len(lines.subjects), {}, [], list[str]()
    for key, cell in cells.items():
        at, row = lines.at[key], rows.get((key, cell.place))
        statuses[at], evidences[at] = _letter(STATUSES, cell.status), _letter(WEAKNESS, cell.evidence)
        if row is not None:
            suffix = row["case"].split(":", 3)[3:]
            changed[at] = since.of(row)
            if row["status"] != Status.PASS:
                why[at] = texts.of(row)
        if cell.older:
            older.append(at)
    found: dict[str, Any] = {
        "platform": platform, "check": check, "variant": name, "suffix": "".join(f":{part}" for part in suffix),
        "s": "".join(statuses), "e": "".join(evidences), "why": why,
    }  # fmt: skip
    return found | ({"c": changed} if any(changed) else {}) | ({"older": older} if older else {})


def _letter(known: Sequence[str], name: str) -> str:
    return chr(ord("a") + known.index(name))


def _rank(status: str) -> int:
    return STATUSES.index(status)


def _folded(snapshot: Snapshot, *, base: bool) -> dict[str, list[Any]]:
    """Cells of categories and of model types: [label, platform, verified, applicable, status, evidence, counts, …]."""
    rows = [row for row in snapshot.cells if row["is_base"] or not base]
    numbers = {item.name: at for at, item in enumerate(places(snapshot))}
    found = {}
    for depth in (Depth.CATEGORY, Depth.ARCHITECTURE):
        cells = build(rows, depth, newest=snapshot.newest).cells.items()
        found[str(depth)] = [
            _cell(label, numbers[where[0]], cell) for (label, where), cell in cells if where[0] in numbers
        ]
    return found


def _cell(label: Label, platform: int, cell: Cell) -> list[Any]:
    counts = {STATUSES.index(name): count for name, count in cell.by_status.items()}
    status = STATUSES.index(cell.status) if cell.status else -1
    return [
        "/".join(line(part, 160) for part in label), platform, cell.verified, cell.applicable, status,
        WEAKNESS.index(cell.evidence), counts, cell.inapplicable, cell.older,
    ]  # fmt: skip
