"""What one run reports: its own results and those that it took over, as rows or as a file; and the run before it.

`latest` names the newest run, `all` no run but every result that speaks for a case in `cells`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from archsweep.errors import ArchsweepError, nearest
from archsweep.store.database import Connection, reading
from archsweep.store.read import Row, fetched
from archsweep.store.rows import canonical

LATEST, EVERY = "latest", "all"

# Of each case in `wanted` the newest result, sorted by case.
_ROWS = """
    select r."case", r.model_type, r.class_name, coalesce(s.is_base, false) as is_base,
        coalesce(s.category, 'other') as category, s.architecture, s.priority, r.platform, r."check", r.dtype,
        r.default_dtype, r.weights, r.options, r.status, r.outlook, r.stage, r.evidence, e.error_class,
        coalesce(e.operators, []) as operators, r.blame, r.blame_package, r.message, r.wall_s, r.device, r.fingerprint,
        env.transformers_version, r.run, r.finished_at, r.run <> $1 as reused,
        try_cast(r.details ->> '$.recipe.parameters' as bigint) as parameters, {numbers}
    from results r
    left join errors e on e.result = r.id
    left join environments env on env.id = r.fingerprint
    left join subjects s on (s.model_type, s.class_name, s.transformers_version)
        = (r.model_type, r.class_name, env.transformers_version)
    left join ({measured}) m on m.result = r.id
    where r.id in ({wanted})
    qualify row_number() over (partition by r."case" order by r.finished_at desc, r.run desc, r.id desc) = 1
    order by r."case"
"""
_OF_RUN = "select id from results where run = $1 union select result from reused where run = $1"
_OF_EVERY = "select result from newest where current and $1 is not null"
_FINITE = "case when isfinite(value) then value end"

# All numbers of a result as a map; what is not finite is null.
_MAP = "coalesce(m.numbers, map {}) as metrics"
_MAPPED = f"""select result, map_from_entries(list((name, {_FINITE}) order by name)) as numbers
    from metrics where result in ({{wanted}}) group by result"""

# Those that a report shows, a column each: a map of 100,000 results takes longer than all the rest.
_SHOWN = ("run_s", "peak_device_mb", "peak_host_mb")
_COLUMNS = ", ".join(f"m.{name}" for name in _SHOWN)
_TRACED = f"{_COLUMNS}, right(e.traceback, 4000) as traceback"
_PIVOTED = f"""select result, {", ".join(f"max({_FINITE}) filter (where name = '{name}') as {name}" for name in _SHOWN)}
    from metrics where name in {_SHOWN} and result in ({{wanted}}) group by result"""

_COPIES = {
    "parquet": "format parquet, compression zstd",
    "jsonl": "format json, compression uncompressed, timestampformat '%Y-%m-%dT%H:%M:%S.%gZ'",
}


def named(connection: Connection, run: str) -> str:
    """The run of that name, or the newest for `latest`. Raises ArchsweepError with the nearest names."""
    known = [name for (name,) in connection.execute("select run from runs order by started_at, run").fetchall()]
    if not known:
        raise ArchsweepError("the database holds no run yet", "A sweep makes one: archsweep run --base")
    if run == LATEST:
        return str(known[-1])
    if run not in known:
        near = nearest(run, known) or tuple(reversed(known[-3:]))
        raise ArchsweepError(f"there is no run {run!r}", f"Runs: {', '.join(near)}")
    return run


def record(path: Path, run: str) -> Row:
    """Name, times, version, `settings` and `summary` of a run; of `all` the times of the first and the last."""
    with reading(path) as connection:
        if run == EVERY:
            named(connection, LATEST)
            (found,) = fetched(
                connection,
                f"select '{EVERY}' as run, min(started_at) as started_at, max(finished_at) as finished_at, "
                "'' as version, '{}' as settings, null as summary from runs",
            )
        else:
            (found,) = fetched(connection, "select * from runs where run = ?", [named(connection, run)])
    return {**found, "settings": json.loads(found["settings"]), "summary": json.loads(found["summary"] or "null")}


def rows(path: Path, run: str, *, tracebacks: bool = False) -> list[Row]:
    """A row for every case of a run by name (or of `all`), as `analysis.report` takes them; on request with the end of
    each `traceback`."""
    with reading(path) as connection:
        return fetched(connection, _select(run, _TRACED if tracebacks else _COLUMNS, _PIVOTED), [run])


def endings(path: Path, run: str) -> list[Row]:
    """What `analysis.diff` compares of a run by name, with what it took over."""
    columns = ("case", "model_type", "class_name", "platform", "check", "status", "stage", "message", "finished_at")
    with reading(path) as connection:
        return fetched(
            connection,
            f"""select {", ".join(f'r."{name}"' for name in columns)}, e.error_class
            from results r left join errors e on e.result = r.id where r.id in ({_OF_RUN}) order by r.finished_at""",
            [run],
        )


def previous(path: Path, run: str) -> str | None:
    """The last finished run before this one that was asked the same, by selection and platforms."""
    with reading(path) as connection:
        found = connection.execute(
            "select run, settings from runs where run = $1 or (finished_at is not null and (started_at, run) < "
            "(select (started_at, run) from runs where run = $1)) order by started_at desc, run desc",
            [run],
        ).fetchall()
    asked = {name: _asked(settings) for name, settings in found}
    return next((name for name, _ in found if name != run and asked[name] == asked[run]), None)


def options(path: Path, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """The options that each of these runs was given."""
    with reading(path) as connection:
        found = connection.execute(
            "select run, json_extract(settings, '$.options') from runs where run in (select unnest($1::varchar[]))",
            [list(names)],
        ).fetchall()
    return {name: json.loads(text or "null") or {} for name, text in found}


def copy(path: Path, run: str, file: Path, form: str) -> int:
    """Writes the rows of a run by name (or of `all`) to a file, with all `metrics`, as `parquet` or `jsonl`;
    returns the number of rows."""
    target = str(file).replace("'", "''")
    with reading(path) as connection:
        connection.execute(f"copy ({_select(run, _MAP, _MAPPED)}) to '{target}' ({_COPIES[form]})", [run])
        return int(connection.fetchone()[0])


def _select(run: str, numbers: str, measured: str) -> str:
    wanted = _OF_EVERY if run == EVERY else _OF_RUN
    return _ROWS.format(numbers=numbers, measured=measured.format(wanted=wanted), wanted=wanted)


def _asked(settings: str) -> str:
    known = json.loads(settings)
    return canonical([known.get("selection"), sorted(known.get("platforms") or ())])
