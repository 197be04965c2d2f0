"""Reads results: cells for the views, one case whole, what a planner and a judge of findings need, and guests' SQL.

Rows come out as plain dicts of JSON values; times are ISO 8601, UTC.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from archsweep.contract import TINY, Subject
from archsweep.encoding import decode
from archsweep.errors import DatabaseError
from archsweep.store.database import Connection, reading
from archsweep.store.rows import canonical, newest_version
from archsweep.store.speaking import ranked, relation

Row = dict[str, Any]

CELL_COLUMNS = (
    "case", "model_type", "class_name", "is_base", "category", "platform", "check", "dtype", "weights", "options",
    "status", "outlook", "stage", "evidence", "error_class", "operators", "blame", "blame_package", "message", "wall_s",
    "device", "fingerprint", "transformers_version", "run", "finished_at",
)  # fmt: skip

_ALLOWED = ("SELECT", "EXPLAIN")  # DuckDB counts WITH, VALUES, DESCRIBE, SHOW and SUMMARIZE as SELECT

_PLAIN = frozenset({"VARCHAR", "STRING", "BIGINT", "INTEGER", "BOOLEAN", "JSON"})  # types that are JSON values already


def query(path: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of one read-only statement, as JSON values. It can reach no file but the database.

    Raises DatabaseError with DuckDB's own message, or when the text is not exactly one statement that reads.
    """
    import duckdb

    with reading(path, confined=True) as connection:
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1:
                raise DatabaseError(f"give one statement, not {len(statements)}")
            kind = statements[0].type.name
            if kind not in _ALLOWED:
                raise DatabaseError(
                    f"{kind} is not allowed: the database is read here, never changed",
                    "Allowed: SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN.",
                )
            connection.execute(statements[0])
            names = [column[0] for column in connection.description]
            return names, [tuple(_plain(value) for value in row) for row in connection.fetchall()]
        except duckdb.Error as error:
            text = str(error)
            if "pytz" in text:
                text = "a column is a TIMESTAMP WITH TIME ZONE; cast it: COLUMN::timestamp (all times here are UTC)"
            raise DatabaseError(text) from error


def cells(
    path: Path,
    *,
    categories: Sequence[str] = (),
    platforms: Sequence[str] = (),
    models: Sequence[str] = (),
    cases: Sequence[str] = (),
    base: bool = False,
    every_fingerprint: bool = False,
    aged: bool = False,
) -> list[Row]:
    """Rows of `cells` (or of `cells_all`), each also with `default_dtype`, `architecture` and `priority`.

    `aged`: also of cases that only an older transformers knows, as the matrix shows them.
    """
    wanted = ["true"]
    values: list[str] = []
    filters = (("category", categories), ("platform", platforms), ("model_type", models), ('"case"', cases))
    for column, names in filters:
        if names:
            wanted.append(f"{column} in ({', '.join('?' for _ in names)})")
            values.extend(names)
    if base:
        wanted.append("is_base")
    if not (every_fingerprint or aged):
        wanted.append("current")
    columns = ", ".join(f'n."{name}"' for name in CELL_COLUMNS if name not in ("is_base", "category"))
    with reading(path) as connection:
        source = f"({relation(connection)})" if aged else "newest"
        return fetched(
            connection,
            f"""
            select * exclude (current) from (
                select {columns}, n.current, n.default_dtype, coalesce(s.is_base, false) as is_base,
                    coalesce(s.category, 'other') as category, s.architecture, s.priority
                from {source} n left join subjects s using (model_type, class_name, transformers_version))
            where {" and ".join(wanted)}
            order by "case", fingerprint
            """,
            values,
        )


def case_history(path: Path, case: str) -> list[Row]:
    """Every result of one case, newest first, each with `metrics`, `details`, `traceback` and its environment.

    `current` is true for the one that speaks for the case in `cells`.
    """
    with reading(path) as connection:
        found = fetched(
            connection,
            """
            select r.*, e.error_class, e.message as error_message, e.traceback, e.operators,
                env.transformers_version, env.processor, env.system, env.python, env.driver, env.versions, env.notes,
                coalesce(n.current, false) as current
            from results r
            left join newest n on n.result = r.id
            left join errors e on e.result = r.id
            left join environments env on env.id = r.fingerprint
            where r."case" = ?
            order by r.finished_at desc, r.run desc
            """,
            [case],
        )
        ids = [row["id"] for row in found]
        marks = ", ".join("?" for _ in ids) or "null"
        numbers = fetched(connection, f"select * from metrics where result in ({marks}) order by name", ids)
    for row in found:
        row["details"], row["versions"] = json.loads(row["details"]), json.loads(row["versions"] or "{}")
        row["metrics"] = {item["name"]: item["value"] for item in numbers if item["result"] == row["id"]}
        row["operators"] = row["operators"] or []
    return found


def platform_fingerprints(path: Path) -> list[Row]:
    """Under which fingerprints the cells of the matrix stand; see `notes`."""
    with reading(path) as connection:
        return notes(connection, relation(connection))


def notes(connection: Connection, spoken: str) -> list[Row]:
    """One row a platform and fingerprint of the relation `spoken`, the newest first.

    A fingerprint under which nothing was tried (the device was not there) is older than any under which something was,
    then an older transformers is older, then an earlier result.
    """
    found = fetched(
        connection,
        f"""
        select n.platform, n.fingerprint, count(*) as cases, max(n.finished_at) as finished_at,
            bool_or(n.tried) as tried, any_value(n.transformers_version) as transformers_version,
            coalesce(
                max(nullif(n.device, '')), any_value(e.processor) filter (n.evidence <> 'predicted'), ''
            ) as device
        from ({spoken}) n join environments e on e.id = n.fingerprint
        group by n.platform, n.fingerprint
        order by finished_at desc, n.fingerprint
        """,
    )
    ranks = {name: place for place, name in enumerate(ranked([row["transformers_version"] for row in found]))}
    return sorted(found, key=lambda row: (row["platform"], not row["tried"], -ranks[row["transformers_version"]]))


def names(path: Path) -> dict[str, list[str]]:
    """Every category, model type, platform and check that has a result."""
    from_newest = {name: f'select distinct "{name}" from newest' for name in ("model_type", "platform", "check")}
    category = """select distinct coalesce(s.category, 'other')
        from (select distinct model_type, class_name, transformers_version from newest)
        left join subjects s using (model_type, class_name, transformers_version)"""
    with reading(path) as connection:
        return {
            column: [name for (name,) in connection.execute(sql).fetchall()]
            for column, sql in (from_newest | {"category": category}).items()
        }


def known_classes(path: Path) -> list[Row]:
    """Every class with a result of tiny weights: `source`, the hash of its source at the newest result that has one
    ("" without any), the transformers of that result, and the package of the class ("" where that was not kept)."""
    with reading(path) as connection:
        return fetched(
            connection,
            """
            select n.model_type, n.class_name, coalesce(r.details ->> 'source', '') as source, n.transformers_version,
                coalesce(split_part(s.class_module, '.', 1), '') as package
            from newest n join results r on r.id = n.result
            left join subjects s on (s.model_type, s.class_name, s.transformers_version)
                = (n.model_type, n.class_name, n.transformers_version)
            where n.weights = ?
            qualify row_number() over (
                partition by n.model_type, n.class_name
                order by coalesce(r.details ->> 'source', '') <> '' desc, n.finished_at desc, n.run desc, n."case"
            ) = 1
            order by n.model_type, n.class_name
            """,
            [TINY],
        )


def case_names(path: Path) -> list[str]:
    """Ids of all cases that have a result, sorted."""
    with reading(path) as connection:
        return [name for (name,) in connection.execute('select distinct "case" from newest order by 1').fetchall()]


def durations(path: Path) -> dict[str, float]:
    """Seconds that each case took when it was last tried: the heaviest go first. Empty without a database."""
    if not path.exists():
        return {}
    with reading(path) as connection:
        found = connection.execute(
            'select "case", arg_max(wall_s, finished_at) from newest where tried group by all'
        ).fetchall()
    return {case: float(seconds) for case, seconds in found}


def previous_endings(
    path: Path, platform: str, selection: Any, before: str | None = None
) -> dict[str, tuple[str, str, str | None]]:
    """Status, stage and error class of each case in the last finished runs of the same selection on a platform.

    A run is of the same selection when `settings.selection` equals it; `before` names the run that is being judged.
    The newest ending counts, so that what a run took over from its predecessor is there as well. Tiny weights only.
    """
    with reading(path) as connection:
        runs = connection.execute(
            "select run, settings from runs where finished_at is not null and run is distinct from ?", [before]
        ).fetchall()
        same = [name for name, text in runs if canonical(json.loads(text).get("selection")) == canonical(selection)]
        if not same:
            return {}
        found = connection.execute(
            f"""
            select "case", status, stage, error_class
            from results r left join errors e on e.result = r.id
            where platform = ? and weights = ? and run in ({", ".join("?" for _ in same)})
            qualify row_number() over (partition by "case" order by finished_at desc, run desc) = 1
            """,
            [platform, TINY, *same],
        ).fetchall()
    return {case: (status, stage, error_class) for case, status, stage, error_class in found}


def runs(path: Path) -> list[Row]:
    """All runs, newest first, each with the number of its results, `settings` and `summary`."""
    with reading(path) as connection:
        found = fetched(
            connection,
            """
            select u.*, coalesce(c.results, 0) as results
            from runs u left join (select run, count(*) as results from results group by run) c using (run)
            order by u.started_at desc, u.run desc
            """,
        )
    for row in found:
        row["settings"], row["summary"] = json.loads(row["settings"]), json.loads(row["summary"] or "null")
    return found


def collected(path: Path, transformers_version: str) -> list[Row]:
    """Of each run of generated files that has results under a release: the names of its `files`, and the `model_types`
    of those results."""
    with reading(path) as connection:
        return fetched(
            connection,
            """
            select any_value(json_keys(u.settings, '$.files')) as files, list(distinct r.model_type) as model_types
            from runs u join results r using (run) join environments e on e.id = r.fingerprint
            where e.transformers_version = ? and json_exists(u.settings, '$.files')
            group by u.run order by u.run
            """,
            [transformers_version],
        )


def run_settings(path: Path, run: str) -> dict[str, Any]:
    """The settings that one run was made with; empty where the run is not known."""
    with reading(path) as connection:
        found = connection.execute("select settings from runs where run = ?", [run]).fetchone()
    settings: dict[str, Any] = json.loads(found[0]) if found else {}
    return settings


def environments(path: Path) -> dict[str, Row]:
    """All fingerprints by id."""
    with reading(path) as connection:
        found = fetched(connection, "select * from environments order by id")
    for row in found:
        row["versions"] = json.loads(row["versions"])
    return {row["id"]: row for row in found}


def fetched(connection: Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """The rows of a statement as dicts of JSON values."""
    connection.execute(sql, list(values))
    names = [column[0] for column in connection.description]
    kinds = [str(column[1]) for column in connection.description]
    columns: list[Iterable[Any]] = list(zip(*connection.fetchall(), strict=True))
    ready = [column if kind in _PLAIN else map(_plain, column) for kind, column in zip(kinds, columns, strict=False)]
    return [dict(zip(names, row, strict=True)) for row in zip(*ready, strict=True)]


def _plain(value: Any) -> Any:
    """A value of DuckDB as a JSON value; a number that JSON does not know becomes null, bytes hexadecimal."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


def subject(path: Path, model_type: str, class_name: str) -> Subject:
    """The subject of a result, as the newest transformers in the database has it. Raises DatabaseError."""
    columns = ", ".join(item.name for item in dataclasses.fields(Subject))
    with reading(path) as connection:
        rows = fetched(
            connection,
            f"select {columns}, transformers_version from subjects where model_type = ? and class_name = ?",
            [model_type, class_name],
        )
    if not rows:
        raise DatabaseError(f"{path} does not know {model_type}/{class_name}", "Run it: archsweep run --class ...")
    by_version = {row.pop("transformers_version"): row for row in rows}
    return decode(Subject, by_version[newest_version(list(by_version))])
