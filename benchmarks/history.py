"""Makes a database with the history of many runs: 1,546 classes × 8 platforms × 4 checks × 203, 10 million results.

The first run comes in through `append`. The others are copies of its rows in SQL, in the order in which `append` would
have stored them, with endings that change from time to time; `newest` is then made by the rule that `append` keeps up
(tests/unit/store/test_store_append.py). Numbers and tracebacks are those of the first run only: no matrix reads them.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from archsweep.contract import (
    Architecture,
    Case,
    Environment,
    Evidence,
    Modality,
    Priority,
    Result,
    RunRecord,
    Stage,
    Standing,
    Status,
    Subject,
)  # fmt: skip
from archsweep.store import append, database

CLASSES, TYPES, RUNS = 1_546, 480, 203
PLATFORMS = ("cpu", "cuda", "mps", "openvino", "qualcomm", "rocm", "webgpu", "webnn")
CHECKS = ("forward", "parity", "backward", "export")
CATEGORIES = ("text-decoders", "text-encoder-decoders", "text-encoders", "audio", "vision", "multimodal", "other")
VERSIONS = ("5.19.0", "5.20.0", "5.21.0", "5.22.0", "5.23.0")  # of transformers; each has a fifth of the runs
MODEL = "type007"
_BATCH = 8  # runs in one transaction
_STATUS = """case when hash("case", n // 30) % 100 < 78 then 'pass'
    else list_value('error', 'error', 'fail', 'unsupported', 'unexecuted', 'unavailable', 'timeout')[
        1 + (hash(model_type, class_name, platform, n // 30) % 7)::integer] end"""


def run_name(number: int) -> str:
    return f"r{number:04}"


def subject(number: int) -> Subject:
    name = f"type{number % TYPES:03}"
    return Subject(
        model_type=name, class_name=f"Type{number % TYPES:03}For{number // TYPES}", class_module="transformers",
        config_class="transformers:Config", is_base=number < TYPES, mappings=("MODEL_MAPPING",), family=name,
        architecture=Architecture.ENCODER_ONLY, role="text encoder", modality=(Modality.TEXT,),
        category=CATEGORIES[number % TYPES % len(CATEGORIES)], tasks=("fill-mask",), priority=Priority.HIGH, phase=1,
        standing=Standing.STAND_ALONE,
    )  # fmt: skip


def environment(number: int) -> Environment:
    return Environment(
        id=f"00000000000{number}", versions={"transformers": VERSIONS[number]}, python="3.11", system="Linux",
        processor="Example CPU", cores=2,
    )  # fmt: skip


def make(path: Path, runs: int = RUNS) -> float:
    """Writes the database; returns the seconds that it took."""
    began = time.perf_counter()
    database.prepare(path)
    subjects = [subject(number) for number in range(CLASSES)]
    results = [
        Result(
            case=Case(subject=item.id, platform=platform, check=check), status=Status.PASS, stage=Stage.COMPARE,
            evidence=Evidence.HARDWARE, fingerprint=environment(0).id, run=run_name(0), wall_s=0.25,
            finished_at="2026-01-01T00:00:00.250000Z", device="Example device",
            metrics={"worst_relative": 1e-7, "outputs": 3.0, "parameters": 120_000.0, "seconds": 0.1},
        )
        for item in subjects for platform in PLATFORMS for check in CHECKS
    ]  # fmt: skip
    environments = [environment(number) for number in range(len(VERSIONS))]
    first = RunRecord(run=run_name(0), started_at="2026-01-01T00:00:00Z", version="0")
    append.append(path, results, subjects, environments, run=first)
    for start in range(1, runs, _BATCH):
        with database.writing(path) as connection:
            _copy(connection, start, min(runs, start + _BATCH), runs, len(results))
    with database.writing(path) as connection:
        _keep(connection)
    return round(time.perf_counter() - began, 1)


def _copy(connection: Any, start: int, stop: int, runs: int, cases: int) -> None:
    """Runs `start` to `stop`, one a day; a thirtieth of the cases is not asked under the newest transformers."""
    versions = len(VERSIONS)
    connection.execute(
        "insert into runs select 'r' || printf('%04d', n), timestamp '2026-01-01' + to_days(n::integer), null, '0', "
        "'{}', null from range(?, ?) as s(n)",
        [start, stop],
    )
    connection.execute(
        f"""
        insert into results by name
        select t.* replace (
            n * {cases} + t.id as id, 'r' || printf('%04d', n) as run, {_STATUS} as status,
            case when {_STATUS} in ('unavailable') then 'none'
                when t.platform in ('qualcomm', 'webgpu') then 'emulator' else 'hardware' end as evidence,
            case when {_STATUS} = 'pass' then '' else 'it ended otherwise, and this says how' end as message,
            '00000000000' || (n * {versions} // {runs}) as fingerprint,
            t.finished_at + to_days(n::integer) + to_microseconds(t.id * 1000) as finished_at)
        from range(?, ?) as s(n), (select * from results where run = 'r0000') t
        where n * {versions} // {runs} < {versions - 1} or hash(t."case") % 30 > 0
        order by n, t.id
        """,
        [start, stop],
    )


def _keep(connection: Any) -> None:
    columns = [name for (name,) in connection.execute("select column_name from (describe newest)").fetchall()]
    shared = [
        f'r."{name}"' for name in columns if name not in ("result", "error_class", "operators", "current", "tried")
    ]
    shared.remove('r."transformers_version"')
    connection.execute("delete from newest")
    connection.execute(
        f"""
        insert into newest by name
        with best as (
            select "case", fingerprint, max(struct_pack(tried := status not in ('unavailable', 'broken'), finished_at,
                run, id)) as b
            from results group by all
        )
        select r.id as result, {", ".join(shared)}, e.error_class, coalesce(e.operators, []) as operators,
            v.transformers_version, b.tried as tried, v.transformers_version = '{VERSIONS[-1]}' as current
        from best join results r on r.id = b.id join environments v on v.id = r.fingerprint
        left join errors e on e.result = r.id
        """
    )


def size(path: Path) -> dict[str, Any]:
    with database.reading(path) as connection:
        counts = {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]
            for name in ("results", "newest", "runs")
        }
    return counts | {"database_mb": round(path.stat().st_size / 2**20)}
