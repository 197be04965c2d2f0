"""Groups cells for the matrix inside the database, so that millions of results fold in a moment.

Gives what `analysis.grouping.grouped` makes of `read.cells(aged=True)`, with equal groups added up; knows no judgement.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep.analysis.grouping import LABELS, Depth, Ending, Group
from archsweep.contract import TINY, VERIFYING
from archsweep.store.database import Connection, reading
from archsweep.store.read import Row, notes
from archsweep.store.speaking import TIME, changes, relation

_COLUMNS = """"case", model_type, class_name, platform, "check", options, status, evidence, fingerprint, finished_at,
    weights, dtype, default_dtype, transformers_version, tried, device"""


@dataclass(frozen=True, kw_only=True)
class Foldable:
    """Groups for `analysis.matrix.fold`, and under which fingerprints they stand, as `read.notes` has them."""

    groups: list[Group]
    notes: list[Row]


def groups(
    path: Path,
    depth: Depth,
    *,
    categories: Sequence[str] = (),
    platforms: Sequence[str] = (),
    models: Sequence[str] = (),
    checks: Sequence[str] = (),
    base: bool = False,
    changed: bool = False,
) -> Foldable:
    """The groups of a depth, and the notes to its columns. `changed`: each with `changed_at`, which takes longer."""
    wanted: list[str] = ["true"]
    values: list[str] = []
    filters = (("category", categories), ("platform", platforms), ("model_type", models), ('"check"', checks))
    for column, names in filters:
        if names:
            wanted.append(f"{column} in ({', '.join('?' for _ in names)})")
            values.extend(names)
    if base:
        wanted.append("is_base")
    with reading(path) as connection:
        connection.execute(f"create temp table spoken as {relation(connection, _COLUMNS)}")
        spoken = "from spoken"
        if changed:
            connection.execute(f"create temp table changes as {changes(spoken)}")
        cells = _cells(spoken, wanted, changed=changed)
        if depth is Depth.CLASS:
            found = _cases(connection, cells, values)
        else:
            found = _subjects(connection, cells, values, depth)
        return Foldable(groups=found, notes=notes(connection, spoken))


def _cells(spoken: str, wanted: Sequence[str], *, changed: bool) -> str:
    return f"""
        select n."case", n.model_type, n.class_name, n.platform, n."check", n.options, n.status, n.evidence,
            n.fingerprint, n.finished_at, {"h.changed_at" if changed else "null::timestamp as changed_at"},
            n.weights = '{TINY}' and n.dtype = n.default_dtype as standard,
            coalesce(s.is_base, false) as is_base, coalesce(s.category, 'other') as category, s.priority
        from ({spoken}) n
        left join subjects s using (model_type, class_name, transformers_version)
        {'left join changes h on h."case" = n."case"' if changed else ""}
        where {" and ".join(wanted)}
        """


def _cases(connection: Connection, cells: str, values: Sequence[str]) -> list[Group]:
    """Every case alone."""
    found = connection.execute(
        f"""
        select category, model_type, class_name, platform, "check", priority, status, evidence, fingerprint,
            strftime(finished_at, '{TIME}'), strftime(changed_at, '{TIME}')
        from ({cells}) order by "case"
        """,
        list(values),
    ).fetchall()
    return [
        Group(row[:3], row[3:5], row[5], (Ending(row[4], *row[6:9]),), (row[9],), (row[10],) if row[10] else (), 1)
        for row in found
    ]


def _subjects(connection: Connection, cells: str, values: Sequence[str], depth: Depth) -> list[Group]:
    """Subjects on a platform whose verifying checks ended alike, added up."""
    ends = range(len(VERIFYING))
    latest = ", ".join(
        f'max(struct_pack(finished_at, "case", category, priority, changed_at, status, evidence, fingerprint)) '
        f"filter (\"check\" = '{VERIFYING[end]}') as e{end}"
        for end in ends
    )
    label = ", ".join(("last.category", "model_type", "class_name")[: LABELS[depth]])
    patterns = ", ".join(f"e{end}.{name}" for end in ends for name in ("status", "evidence", "fingerprint"))
    times = ", ".join(
        f"strftime(max(e{end}.{name}), '{TIME}')" for name in ("finished_at", "changed_at") for end in ends
    )
    found = connection.execute(
        f"""
        with units as (
            select model_type, class_name, platform, {latest} from ({cells})
            where standard and "check" in ({", ".join(f"'{name}'" for name in VERIFYING)})
            group by model_type, class_name, platform, options
        ), labelled as (
            select *, greatest({", ".join(f"e{end}" for end in ends)}) as last from units
        )
        select {label}, platform, last.priority, count(*), {times}, {patterns}
        from labelled group by {label}, platform, last.priority, {patterns}
        """,
        list(values),
    ).fetchall()
    return [_group(row, LABELS[depth]) for row in found]


def _group(row: tuple[Any, ...], width: int) -> Group:
    place, count, ends = row[width : width + 1], row[width + 2], len(VERIFYING)
    times, pattern = row[width + 3 : width + 3 + 2 * ends], row[width + 3 + 2 * ends :]
    return Group(
        label=row[:width],
        place=place,
        priority=row[width + 1],
        endings=_endings(pattern),
        finished_at=tuple(time for time in times[:ends] if time),
        changed_at=tuple(time for time in times[ends:] if time),
        subjects=count,
    )


@functools.lru_cache(maxsize=4096)
def _endings(pattern: tuple[str | None, ...]) -> tuple[Ending, ...]:
    """Status, evidence and fingerprint of each verifying check in turn; all None where it was not asked."""
    found = []
    for end, check in enumerate(VERIFYING):
        status, evidence, fingerprint = pattern[3 * end : 3 * end + 3]
        if status is not None and evidence is not None and fingerprint is not None:
            found.append(Ending(check, status, evidence, fingerprint))
    return tuple(found)
