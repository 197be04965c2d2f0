"""Writes results: appends them, and keeps `newest` (what `cells` and `cells_all` show) up to date, batch by batch.

Appending the same result twice changes nothing, so a journal can be replayed whole. Knows nothing of files but the
database's own path.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from archsweep.contract import Environment, Result, RunEnd, RunRecord, Subject
from archsweep.errors import DatabaseError
from archsweep.store import rows
from archsweep.store.database import Connection, writing

_SHARED = (  # columns that `results`, `newest` and an incoming batch have in common
    'run, "case", model_type, class_name, platform, "check", dtype, default_dtype, weights, options, status, outlook, '
    "stage, evidence, blame, blame_package, message, wall_s, device, fingerprint, finished_at"
)
_CARRIED = f"result, {_SHARED}, error_class, operators, transformers_version, tried"


def begin_run(path: Path, run: RunRecord) -> None:
    """Records a run. A run that is there already stays as it is, so that a resumed one is one run."""
    with writing(path) as connection:
        insert_run(connection, run)


def finish_run(path: Path, end: RunEnd) -> None:
    """Records when and with what summary a run ended."""
    with writing(path) as connection:
        insert_end(connection, end)


def append(
    path: Path,
    results: Sequence[Result],
    subjects: Sequence[Subject] = (),
    environments: Sequence[Environment] = (),
    *,
    run: RunRecord | None = None,
    reused: Collection[int] = (),
    end: RunEnd | None = None,
    patience_s: float | None = None,
) -> int:
    """Stores a batch in one transaction; returns how many results were new.

    Each result's run must have begun and its environment be known (here, or from an earlier batch); DatabaseError.
    `reused`: ids of earlier results that `run` took over. `patience_s`: how long a lock is waited for, if not as usual.
    """
    with writing(path, patience_s) as connection:
        if run is not None:
            insert_run(connection, run)
            _insert_reused(connection, run.run, reused)
        insert_environments(connection, environments)
        insert_subjects(connection, subjects, environments, {result.fingerprint for result in results})
        count = sum(insert_results(connection, batch) for batch in rows.batches(results))
        if end is not None:
            insert_end(connection, end)
        return count


def insert_run(connection: Connection, run: RunRecord) -> None:
    """The part of `begin_run` inside an open transaction."""
    connection.execute(
        "insert or ignore into runs values (?, ?::timestamp, null, ?, ?, null)",
        [run.run, run.started_at, run.version, rows.canonical(run.settings)],
    )


def _insert_reused(connection: Connection, run: str, reused: Collection[int]) -> None:
    connection.execute(
        "insert into reused select $1, id from results where id in (select unnest($2::bigint[])) "
        "and id not in (select result from reused where run = $1)",
        [run, list(reused)],
    )


def insert_end(connection: Connection, end: RunEnd) -> None:
    """The part of `finish_run` inside an open transaction. A later end of the same run takes the place of the first."""
    connection.execute(
        "update runs set finished_at = $1::timestamp, summary = $2 "
        "where run = $3 and (finished_at is null or finished_at <= $1::timestamp)",
        [end.finished_at, rows.canonical(end.summary), end.run],
    )


def insert_environments(connection: Connection, environments: Sequence[Environment]) -> None:
    """An environment's id is the hash of the rest, so one that is there already is the same."""
    if not environments:
        return
    connection.register("incoming_environments", rows.environment_columns(environments))
    connection.execute(
        "insert or ignore into environments select id, transformers_version, python, system, processor, cores, device, "
        """driver, versions, from_json(notes, '["VARCHAR"]') from incoming_environments"""
    )
    connection.unregister("incoming_environments")


def insert_subjects(
    connection: Connection,
    subjects: Sequence[Subject],
    environments: Sequence[Environment],
    fingerprints: Collection[str] = (),
) -> None:
    """Subjects as they are under the transformers versions of these environments, or of known fingerprints."""
    if not subjects:
        return
    known = connection.execute("select id, transformers_version from environments").fetchall()
    versions = {version for name, version in known if name in fingerprints}
    versions |= {rows.transformers_version(item) for item in environments}
    if not versions:
        raise DatabaseError("subjects came without the environment under which they were found")
    connection.register("incoming_subjects", rows.subject_columns(subjects))
    for version in sorted(versions):
        connection.execute(
            "insert or replace into subjects select model_type, class_name, $1, class_module, config_class, is_base, "
            """from_json(mappings, '["VARCHAR"]'), family, architecture, role, from_json(modality, '["VARCHAR"]'), """
            """category, from_json(tasks, '["VARCHAR"]'), priority, phase, standing, checkpoint """
            "from incoming_subjects",
            [version],
        )
    connection.unregister("incoming_subjects")


def insert_results(connection: Connection, batch: rows.Batch) -> int:
    """Stores what is not there yet of one batch; returns how many. The caller holds the transaction."""
    _check_known(connection, "runs", "run", batch.runs)
    _check_known(connection, "environments", "id", batch.fingerprints)
    ((last,),) = connection.execute("select coalesce(max(id), 0) from results").fetchall()
    connection.register("incoming", batch.results)
    connection.register("incoming_metrics", batch.metrics)
    runs = sorted(batch.runs)
    connection.execute(
        f"""
        create or replace temp table fresh as
        select i.id + ? as result, i.* exclude (id, finished_at, operators), i.finished_at::timestamp as finished_at,
            from_json(i.operators, '["VARCHAR"]') as operators, e.transformers_version,
            i.status not in ('unavailable', 'broken') as tried
        from incoming i join environments e on e.id = i.fingerprint
        where not exists (
            select 1 from results r
            where r.run in ({", ".join("?" for _ in runs)})
                and r.run = i.run and r."case" = i."case" and r.fingerprint = i.fingerprint)
        """,
        [last + 1, *runs],
    )
    _copy_fresh(connection, last + 1)
    connection.unregister("incoming")
    connection.unregister("incoming_metrics")
    ((count,),) = connection.execute("select count(*) from fresh").fetchall()
    if count:
        _keep_newest(connection, several_runs=len(batch.runs) > 1)
        _keep_current(connection)
    return int(count)


def _check_known(connection: Connection, table: str, column: str, names: frozenset[str]) -> None:
    known = {name for (name,) in connection.execute(f"select {column} from {table}").fetchall()}
    missing = sorted(names - known)
    if missing:
        what = "a run that never began" if table == "runs" else "an environment that was not recorded"
        raise DatabaseError(f"results belong to {what}: {', '.join(missing[:3])}")


def _copy_fresh(connection: Connection, first: int) -> None:
    connection.execute(
        f"insert into results by name select result as id, {_SHARED}, details from fresh order by result"
    )
    connection.execute(
        "insert into errors by name select result, error_class, error_message as message, traceback, operators "
        "from fresh where error_class is not null"
    )
    connection.execute(
        "insert into metrics by name select f.result, m.name, coalesce(m.value, 'nan'::double) as value "
        "from incoming_metrics m join fresh f on f.result = m.result + ?",
        [first],
    )


def _keep_newest(connection: Connection, *, several_runs: bool) -> None:
    """A fresh result takes its place in `newest` if it was tried where the old was not, or is as good and later."""
    carried = [name.strip() for name in _CARRIED.split(",")]
    best = """qualify row_number() over (
        partition by "case", fingerprint order by tried desc, finished_at desc, run desc) = 1"""
    connection.execute(
        f"""
        update newest n set {", ".join(f"{name} = f.{name}" for name in carried)}
        from (select {_CARRIED} from fresh {best if several_runs else ""}) f
        where n."case" = f."case" and n.fingerprint = f.fingerprint
            and (f.tried, f.finished_at, f.run) > (n.tried, n.finished_at, n.run)
        """
    )
    connection.execute(
        f"""
        insert into newest by name
        select {_CARRIED}, false as current from fresh f
        where not exists (select 1 from newest n where n."case" = f."case" and n.fingerprint = f.fingerprint)
        {best if several_runs else ""}
        """
    )


def _keep_current(connection: Connection) -> None:
    """Marks the row that speaks for each case: of tiny weights, under the newest transformers version there is.

    Looks at the batch's cases only, or at all when the batch brings a newer version than `current` rows have.
    """
    versions = connection.execute("select distinct transformers_version from newest where weights = 'tiny'").fetchall()
    newest = rows.newest_version([name for (name,) in versions])
    shown = connection.execute("select distinct transformers_version from newest where current").fetchall()
    same = all(name == newest for (name,) in shown)
    scope = 'and n."case" in (select "case" from fresh)' if same else ""
    connection.execute(
        f"""
        create or replace temp table spoken as
        select n."case", n.fingerprint from newest n
        where n.weights = 'tiny' and n.transformers_version = $1 {scope}
        qualify row_number() over (
            partition by n."case" order by n.tried desc, n.finished_at desc, n.run desc, n.fingerprint desc) = 1
        """,
        [newest],
    )
    picked = 'select 1 from spoken s where s."case" = n."case" and s.fingerprint = n.fingerprint'
    connection.execute(f"update newest n set current = false where n.current {scope} and not exists ({picked})")
    connection.execute(f"update newest n set current = true where not n.current and exists ({picked})")
