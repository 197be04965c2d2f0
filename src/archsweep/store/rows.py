"""Results, subjects and environments as columns that the database takes at once. Knows nothing of SQL.

A row-by-row insert reaches 4,000 rows a second, columns more than 100,000: this is why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.contract import Environment, Result, Subject
from archsweep.encoding import encode

BATCH = 25_000  # results that go into the database at once; bounds the memory

Columns = dict[str, Any]  # name -> numpy array, all of one length


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Results as columns; their rows are numbered from 0."""

    runs: frozenset[str]
    fingerprints: frozenset[str]
    results: Columns
    metrics: Columns


def batch(results: Sequence[Result]) -> Batch:
    """The columns of some results, the first of those that share run, case and fingerprint.

    Raises TypeError or ValueError where a value has the wrong type.
    """
    kept: dict[tuple[str, str, str], Result] = {}
    for result in results:
        kept.setdefault((result.run, result.case.id, result.fingerprint), result)
    results = list(kept.values())
    return Batch(
        runs=frozenset(result.run for result in results),
        fingerprints=frozenset(result.fingerprint for result in results),
        results=result_columns(results, [case for _, case, _ in kept]),
        metrics=metric_columns(results),
    )


def batches(results: Sequence[Result]) -> Iterator[Batch]:
    """All results, in batches of bounded size."""
    for start in range(0, len(results), BATCH):
        yield batch(results[start : start + BATCH])


_STRICT = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False, default=encode
)


def canonical(value: Any) -> str:
    """`value` as canonical JSON: keys sorted, no blanks. A number that JSON does not know becomes its name."""
    try:
        return text(_STRICT.encode(value))
    except (ValueError, TypeError):  # not finite, or keys that are no text
        return text(_STRICT.encode(_finite(encode(value))))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def text(value: Any) -> str:
    """`value` as text that UTF-8 can hold: what a broken process printed may carry half a character."""
    whole = str(value)
    return whole if whole.isascii() else whole.encode("utf-8", "replace").decode("utf-8")


def _objects(values: Sequence[Any]) -> Any:
    import numpy

    column = numpy.empty(len(values), dtype=object)
    column[:] = values
    return column


def result_columns(results: Sequence[Result], case_ids: Sequence[str]) -> Columns:
    """One row a result, with what is known of its failure."""
    import numpy

    cases = [result.case for result in results]
    names = [case.subject.rpartition("/") for case in cases]
    failures = [result.failure for result in results]
    return {
        "id": numpy.arange(len(results), dtype=numpy.int64),
        "run": _objects([result.run for result in results]),
        "case": _objects(case_ids),
        "model_type": _objects([name[0] for name in names]),
        "class_name": _objects([name[2] for name in names]),
        "platform": _objects([case.platform for case in cases]),
        "check": _objects([case.check for case in cases]),
        "dtype": _objects([case.dtype for case in cases]),
        "default_dtype": _objects([case.default_dtype for case in cases]),
        "weights": _objects([case.weights for case in cases]),
        "options": _objects([canonical(dict(case.options)) if case.options else "{}" for case in cases]),
        "status": _objects([result.status.value for result in results]),
        "outlook": _objects([None if result.outlook is None else result.outlook.value for result in results]),
        "stage": _objects([result.stage.value for result in results]),
        "evidence": _objects([result.evidence.value for result in results]),
        "blame": _objects([None if result.blame is None else result.blame.value for result in results]),
        "blame_package": _objects([result.blame_package for result in results]),
        "message": _objects([text(result.message) for result in results]),
        "wall_s": numpy.array([result.wall_s for result in results], dtype=numpy.float64),
        "device": _objects([text(result.device) for result in results]),
        "fingerprint": _objects([result.fingerprint for result in results]),
        "finished_at": _objects([result.finished_at for result in results]),
        "details": _objects([canonical(result.details) if result.details else "{}" for result in results]),
        "error_class": _objects([None if found is None else text(found.error_class) for found in failures]),
        "error_message": _objects([None if found is None else text(found.message) for found in failures]),
        "traceback": _objects([None if found is None else text(found.traceback) for found in failures]),
        "operators": _objects(["[]" if found is None else canonical(found.operators) for found in failures]),
    }


def metric_columns(results: Sequence[Result]) -> Columns:
    """One row a number of a result."""
    import numpy

    names: list[str] = []
    values: list[float] = []
    for result in results:
        names.extend(result.metrics)
        values.extend(result.metrics.values())
    counts = [len(result.metrics) for result in results]
    return {
        "result": numpy.repeat(numpy.arange(len(results), dtype=numpy.int64), counts),
        "name": _objects(names),
        "value": numpy.array(values, dtype=numpy.float64),
    }


def subject_columns(subjects: Sequence[Subject]) -> Columns:
    return _encoded(Subject, [encode(subject) for subject in subjects])


def environment_columns(environments: Sequence[Environment]) -> Columns:
    columns = _encoded(Environment, [encode(environment) for environment in environments])
    columns["transformers_version"] = _objects([transformers_version(item) for item in environments])
    return columns


def _encoded(kind: type, rows: Sequence[Mapping[str, Any]]) -> Columns:
    names = list(rows[0])
    return {name: _objects([_plain(row[name]) for row in rows]) for name in names}


def _plain(value: Any) -> Any:
    return canonical(value) if isinstance(value, dict | list) else value


def transformers_version(environment: Environment) -> str:
    """The version of transformers in a fingerprint; empty where it has none."""
    return environment.versions.get("transformers", "")


def newest_version(versions: Sequence[str]) -> str | None:
    """The newest of some version numbers; what is no version number is older than all that are."""
    from packaging.version import InvalidVersion, Version

    def key(number: str) -> tuple[bool, Any, str]:
        try:
            return True, Version(number), number
        except InvalidVersion:
            return False, Version("0"), number

    return max(versions, key=key, default=None)
