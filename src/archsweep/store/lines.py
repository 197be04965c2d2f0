"""The stored rows of one run as the JSON values that `encoding.encode` gives, in the order of an export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archsweep.contract import Subject
from archsweep.store.database import Connection

_CHUNK = 5_000  # rows that are in memory at once


def runs_of(connection: Connection, run: str) -> Iterator[dict[str, Any]]:
    for name, started, version, settings in connection.execute(
        "select run, started_at, version, settings from runs where run = ?", [run]
    ).fetchall():
        known = json.loads(settings)
        known.get("options", {}).pop("cache", None)  # a folder of this machine says nothing on another one
        yield {"run": name, "started_at": _time(started), "version": version, "settings": known}


def ends(connection: Connection, run: str) -> Iterator[dict[str, Any]]:
    for name, finished, summary in connection.execute(
        "select run, finished_at, summary from runs where run = ? and finished_at is not null", [run]
    ).fetchall():
        yield {"run": name, "finished_at": _time(finished), "summary": json.loads(summary)}


def environments_of(connection: Connection, run: str, *, reused: bool = False) -> Iterator[dict[str, Any]]:
    """The environments of the run's results; with `reused` also of those that it took over."""
    names = ("id", "versions", "python", "system", "processor", "cores", "device", "driver", "notes")
    for row in connection.execute(
        f"select {', '.join(names)} from environments "
        f"where id in (select fingerprint from results where id in ({_wanted(reused)})) order by id",
        [run],
    ).fetchall():
        value = dict(zip(names, row, strict=True))
        yield {**value, "versions": json.loads(value["versions"])}


def _wanted(reused: bool) -> str:
    own = "select id from results where run = $1"
    return f"{own} union select result from reused where run = $1" if reused else own


def subjects_of(connection: Connection, run: str) -> Iterator[dict[str, Any]]:
    names = tuple(Subject.__dataclass_fields__)
    for row in connection.execute(
        f"""
        select distinct {", ".join(f"s.{name}" for name in names)}
        from subjects s semi join (
            select distinct r.model_type, r.class_name, e.transformers_version
            from results r join environments e on e.id = r.fingerprint where r.run = ?
        ) w using (model_type, class_name, transformers_version)
        order by s.model_type, s.class_name
        """,
        [run],
    ).fetchall():
        yield dict(zip(names, row, strict=True))


def results_of(connection: Connection, run: str, *, reused: bool = False) -> Iterator[dict[str, Any]]:
    """Every result in the order in which they were stored; with `reused` also those that the run took over."""
    names = (
        "id", "model_type", "class_name", "platform", "check", "dtype", "default_dtype", "weights", "options", "status",
        "stage", "evidence", "fingerprint", "run", "finished_at", "wall_s", "outlook", "message", "blame",
        "blame_package", "device", "details", "error_class", "error_message", "traceback", "operators", "metrics",
    )  # fmt: skip
    wanted = _wanted(reused)
    reader = connection.cursor()
    reader.execute(
        f"""
        select r.id, r.model_type, r.class_name, r.platform, r."check", r.dtype, r.default_dtype, r.weights, r.options,
            r.status, r.stage, r.evidence, r.fingerprint, r.run, r.finished_at, r.wall_s, r.outlook, r.message, r.blame,
            r.blame_package, r.device, r.details, e.error_class, e.message, e.traceback, e.operators, m.numbers
        from results r
        left join errors e on e.result = r.id
        left join (
            select result, list({{'name': name, 'value': value}} order by name) as numbers from metrics
            where result in ({wanted}) group by result
        ) m on m.result = r.id
        where r.id in ({wanted})
        order by r.id
        """,
        [run],
    )
    while chunk := reader.fetchmany(_CHUNK):
        for row in chunk:
            yield _result(dict(zip(names, row, strict=True)))


def _result(row: dict[str, Any]) -> dict[str, Any]:
    failure = None
    if row["error_class"] is not None:
        failure = {
            "error_class": row["error_class"],
            "message": row["error_message"],
            "traceback": row["traceback"],
            "operators": row["operators"],
        }
    case = {name: row[name] for name in ("platform", "check", "dtype", "default_dtype", "weights")}
    case["subject"] = f"{row['model_type']}/{row['class_name']}"
    case["options"] = sorted(json.loads(row["options"]).items())
    kept = (
        "status", "stage", "evidence", "fingerprint", "run", "wall_s", "outlook", "message", "blame", "blame_package",
        "device",
    )  # fmt: skip
    return {
        "case": case,
        **{name: row[name] for name in kept},
        "finished_at": _time(row["finished_at"]),
        "failure": failure,
        "metrics": {item["name"]: item["value"] for item in row["metrics"] or ()},
        "details": json.loads(row["details"]),
    }


def _time(moment: Any) -> str:
    return str(moment.isoformat()) + "Z"
