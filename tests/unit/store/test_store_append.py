"""Appending: nothing twice, nothing lost, and `cells` always what a look at all results would give."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import made_results as made
from archsweep.contract import Result, RunEnd
from archsweep.errors import DatabaseError
from archsweep.store import append, database, read, rows

VERSIONS = {"f1": "5.23.0", "f2": "5.23.0", "g1": "5.9.1", "h1": "5.24.0.dev0"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "a.duckdb"
    database.prepare(path)
    with database.writing(path) as connection:
        _fill(connection)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "a.duckdb"))


def _fill(connection: database.Connection) -> None:
    for name in ("r1", "r2"):
        append.insert_run(connection, made.run(name))
    append.insert_environments(connection, [made.environment(name, version) for name, version in VERSIONS.items()])


def _cells(path: Path, view: str = "cells") -> list[tuple[Any, ...]]:
    return read.query(path, f'select "case", fingerprint, status from {view} order by all')[1]


def test_a_result_is_stored_whole(path: Path) -> None:
    stored = made.result(status="error", options=(("engine", "b"), ("device", "a")), platform="web")
    append.append(path, [stored], [made.subject()])
    ((cell,),) = [read.cells(path)]
    assert cell["case"] == stored.case.id
    assert cell["options"] == '{"device":"a","engine":"b"}'
    assert (cell["error_class"], cell["operators"]) == ("ValueError", ["aten::add"])
    assert (cell["is_base"], cell["category"], cell["priority"]) == (True, "text-encoders", "critical")
    (row,) = read.case_history(path, stored.case.id)
    assert row["metrics"] == stored.metrics
    assert row["details"] == stored.details
    assert row["traceback"] == "Traceback ..."
    assert row["finished_at"] == "2026-11-22T10:00:01.500000Z"


def test_the_columns_of_the_views_are_the_promised_ones(path: Path) -> None:
    for view in ("cells", "cells_all"):
        assert read.query(path, f"select * from {view}")[0] == list(read.CELL_COLUMNS)


def test_appending_twice_counts_nothing_twice(path: Path) -> None:
    results = [made.result(), made.result(check="forward"), made.result(fingerprint="f2")]
    assert append.append(path, results) == 3
    assert append.append(path, results) == 0
    assert append.append(path, [*results, *results, made.result(run="r2")]) == 1
    assert read.query(path, "select count(*) from results")[1] == [(4,)]
    assert read.query(path, "select count(*) from metrics")[1] == [(8,)]


def test_evidence_is_never_null(path: Path) -> None:
    with duckdb.connect(str(path)) as connection, pytest.raises(duckdb.ConstraintException, match="evidence"):
        connection.execute(
            """insert into results by name select 1 as id, 'r1' as run, 'c' as "case", 'm' as model_type,
            'c' as class_name, 'cpu' as platform, 'parity' as "check", 'float32' as dtype, 'float32' as default_dtype,
            'tiny' as weights, '{}' as options, 'pass' as status, 'compare' as stage, '' as message, 1.0 as wall_s,
            '' as device, 'f1' as fingerprint, now()::timestamp as finished_at, '{}' as details"""
        )


@pytest.mark.parametrize("wrong", [{"run": "r9"}, {"fingerprint": "f9"}])
def test_a_result_of_nowhere_is_refused_with_its_whole_batch(path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(DatabaseError, match=next(iter(wrong.values()))):
        append.append(path, [made.result(), made.result(check="forward", **wrong)], [made.subject()])
    assert read.query(path, "select count(*) from results")[1] == [(0,)]
    assert read.query(path, "select count(*) from subjects")[1] == [(0,)]


def test_what_was_not_tried_here_hides_nothing(path: Path) -> None:
    case = made.result().case.id
    append.append(path, [made.result(fingerprint="f2", at="2026-11-01T00:00:00Z")])
    append.append(path, [made.result(status="unavailable"), made.result(status="broken", run="r2")])
    assert _cells(path) == [(case, "f2", "pass")]
    append.append(path, [made.result(status="fail", run="r2", fingerprint="f2", at="2026-11-23T00:00:00Z")])
    assert _cells(path) == [(case, "f2", "fail")]


def test_the_newest_transformers_alone_speaks_in_cells(path: Path) -> None:
    case = made.result().case.id
    append.append(path, [made.result(fingerprint="g1"), made.result("old/OldModel", fingerprint="g1")])
    assert len(_cells(path)) == 2
    append.append(path, [made.result(status="fail", at="2026-11-01T00:00:00Z")])
    assert _cells(path) == [(case, "f1", "fail")]
    append.append(path, [made.result(status="error", fingerprint="g1", run="r2", at="2026-12-01T00:00:00Z")])
    assert _cells(path) == [(case, "f1", "fail")]
    assert len(_cells(path, "cells_all")) == 3


def test_real_checkpoints_are_in_cells_all_only(path: Path) -> None:
    append.append(path, [made.result(weights="org/name@main")])
    assert _cells(path) == []
    assert [case for case, _, _ in _cells(path, "cells_all")] == ["bert/BertModel:cpu:parity:float32:org/name+40main"]


def test_a_run_is_begun_once_and_ends(path: Path) -> None:
    append.begin_run(path, made.run("r1", "2027-01-01T00:00:00Z"))
    append.finish_run(path, RunEnd(run="r1", finished_at="2026-11-22T11:00:00Z", summary={"verified": 3}))
    run = next(row for row in read.runs(path) if row["run"] == "r1")
    assert (run["started_at"], run["finished_at"]) == ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z")
    assert run["summary"] == {"verified": 3}


def test_text_that_no_database_likes(path: Path) -> None:
    nasty = "a\x00b \ud800 \u202e <script> 'quote' " + "x" * 1_000_000
    append.append(path, [made.result(status="fail", message=nasty, details={"worst": float("nan"), "text": "\udfff"})])
    (row,) = read.case_history(path, made.result().case.id)
    assert row["message"] == nasty.replace("\ud800", "?")
    assert row["details"] == {"worst": "nan", "text": "?"}


def test_numbers_that_are_not_finite(path: Path) -> None:
    append.append(path, [made.result(status="fail", metrics={"worst": float("inf"), "mean": float("nan")})])
    assert read.query(path, "select name, isinf(value), isnan(value) from metrics order by name")[1] == [
        ("mean", False, True),
        ("worst", True, False),
    ]
    assert read.query(path, "select value from metrics")[1] == [(None,), (None,)]


_RESULTS = st.lists(
    st.builds(
        made.result,
        st.sampled_from(["bert/BertModel", "gpt2/GPT2Model"]),
        st.sampled_from(["forward", "parity"]),
        st.sampled_from(["pass", "fail", "unavailable", "broken"]),
        run=st.sampled_from(["r1", "r2"]),
        fingerprint=st.sampled_from(sorted(VERSIONS)),
        at=st.sampled_from([f"2026-11-22T10:00:0{second}Z" for second in range(5)]),
        weights=st.sampled_from(["tiny", "tiny", "org/name"]),
    ),
    max_size=30,
    unique_by=lambda result: (result.run, result.case.id, result.fingerprint),
)


@settings(max_examples=15, deadline=None)
@given(results=_RESULTS, cut=st.integers(0, 30), repeated=st.integers(0, 5))
def test_the_kept_cells_equal_a_window_over_all_results(results: list[Result], cut: int, repeated: int) -> None:
    with duckdb.connect(":memory:") as connection:
        database._migrate(connection, Path(":memory:"))
        _fill(connection)
        for part in (results[:cut], [*results[:repeated], *results[cut:]]):
            for batch in rows.batches(part):
                append.insert_results(connection, batch)
        newest = {"5.9.1": 0, "5.23.0": 1, "5.24.0.dev0": 2}
        shown = max((VERSIONS[r.fingerprint] for r in results if r.case.weights == "tiny"), key=newest.get, default="")
        window = """
            select "case", fingerprint, status from (
                select *, row_number() over (
                    partition by {group}
                    order by status not in ('unavailable', 'broken') desc, finished_at desc, run desc, fingerprint desc
                ) as place
                from results r join environments e on e.id = r.fingerprint where {which})
            where place = 1 order by all"""
        tiny = f"weights = 'tiny' and transformers_version = '{shown}'"
        expected = {"cells": ('"case"', tiny), "cells_all": ('"case", fingerprint', "true")}
        for view, (group, which) in expected.items():
            kept = connection.execute(f'select "case", fingerprint, status from {view} order by all').fetchall()
            assert kept == connection.execute(window.format(group=group, which=which)).fetchall()
