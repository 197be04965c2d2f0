"""Reads what a page of one model type is made from: of one, of some or of all of them, in the same few statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep.contract import TINY, VERIFYING, Subject
from archsweep.store.database import Connection, reading
from archsweep.store.read import CELL_COLUMNS, Row, fetched
from archsweep.store.rows import newest_version

DETAILS = ("recipe", "program", "shapes")  # of the first verifying check: how it was made, compiled, what came out
SUBJECT_COLUMNS = tuple(Subject.__dataclass_fields__)


@dataclass(frozen=True, kw_only=True)
class ModelRows:
    """Of one model type. `subjects`: its classes as the newest transformers has them that knows the type.

    `cells`: the rows of `cells`, with `default_dtype`, `architecture`, `priority`, `metrics` by name, and `details` as
    far as DETAILS says ({} for every check but the first verifying one). `history`: of each case the results that
    ended otherwise than the one before, in the order in which they ended, and the first; what was not tried is none.
    """

    subjects: tuple[Row, ...] = ()
    cells: tuple[Row, ...] = ()
    history: tuple[Row, ...] = ()


def model_rows(path: Path, models: Sequence[str] = ()) -> dict[str, ModelRows]:
    """By model type, sorted: of these, or of all that have a result. A type without any is not among them."""
    with reading(path) as connection:
        cells = _cells(connection, models)
        history = _history(connection, models)
        subjects = _subjects(connection, models)
    found = sorted({row["model_type"] for row in cells})
    by_type: tuple[dict[str, list[Row]], ...] = ({}, {}, {})
    for rows, groups in zip((subjects, cells, history), by_type, strict=True):
        for row in rows:
            groups.setdefault(row["model_type"], []).append(row)
    return {
        name: ModelRows(
            subjects=tuple(_newest(by_type[0].get(name, []))),
            cells=tuple(by_type[1][name]),
            history=tuple(by_type[2].get(name, [])),
        )
        for name in found
    }


def _of(models: Sequence[str], table: str) -> str:
    return f"{table}.model_type in ({', '.join('?' for _ in models)})" if models else "true"


def _cells(connection: Connection, models: Sequence[str]) -> list[Row]:
    columns = ", ".join(f'n."{name}"' for name in CELL_COLUMNS if name not in ("is_base", "category"))
    kept = ", ".join(f"'{name}', r.details -> '{name}'" for name in DETAILS)
    rows = fetched(
        connection,
        f"""
        select n.result, {columns}, n.default_dtype, coalesce(s.is_base, false) as is_base,
            coalesce(s.category, 'other') as category, s.architecture, s.priority,
            case when n."check" = ? then json_object({kept}) end as details
        from newest n
        join results r on r.id = n.result
        left join subjects s on (s.model_type, s.class_name, s.transformers_version)
            = (n.model_type, n.class_name, n.transformers_version)
        where n.current and {_of(models, "n")}
        order by n."case", n.fingerprint
        """,
        [VERIFYING[0], *models],
    )
    numbers = fetched(
        connection,
        f"""
        select m.result, m.name, m.value from metrics m
        join newest n on n.result = m.result
        where n.current and {_of(models, "n")}
        order by m.result, m.name
        """,
        models,
    )
    by_result: dict[int, dict[str, Any]] = {}
    for item in numbers:
        by_result.setdefault(item["result"], {})[item["name"]] = item["value"]
    for row in rows:
        details = json.loads(row["details"] or "{}")
        row["details"] = {name: value for name, value in details.items() if value is not None}
        row["metrics"] = by_result.get(row.pop("result"), {})
    return rows


def _history(connection: Connection, models: Sequence[str]) -> list[Row]:
    """Changes are found case by case over all machines: what a case did last, wherever that was."""
    return fetched(
        connection,
        f"""
        select t.* exclude (id), env.transformers_version
        from (
            select r.id, r."case", r.model_type, r.class_name, r.platform, r."check", r.status, r.stage, r.evidence,
                r.message, r.fingerprint, r.run, r.finished_at, e.error_class,
                lag(r.status) over turns as before
            from results r left join errors e on e.result = r.id
            where r.weights = ? and r.status not in ('unavailable', 'broken') and {_of(models, "r")}
            window turns as (partition by r."case" order by r.finished_at, r.run)
            qualify before is null or (r.status, r.stage, coalesce(e.error_class, '')) is distinct from
                (lag(r.status) over turns, lag(r.stage) over turns, coalesce(lag(e.error_class) over turns, ''))
        ) t left join environments env on env.id = t.fingerprint
        order by t.finished_at, t.run, t."case"
        """,
        [TINY, *models],
    )


def _subjects(connection: Connection, models: Sequence[str]) -> list[Row]:
    columns = ", ".join(f"s.{name}" for name in SUBJECT_COLUMNS)
    return fetched(
        connection,
        f"""
        select {columns}, s.transformers_version from subjects s where {_of(models, "s")}
        order by s.model_type, s.is_base desc, s.class_name
        """,
        models,
    )


def _newest(rows: Sequence[Row]) -> list[Row]:
    """Those of the newest transformers among them."""
    newest = newest_version(sorted({row["transformers_version"] for row in rows}))
    return [row for row in rows if row["transformers_version"] == newest]
