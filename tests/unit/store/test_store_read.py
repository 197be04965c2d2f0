"""Reading: guests' SQL cannot write or reach a file, and planners get what they plan by."""

from __future__ import annotations

from pathlib import Path

import pytest

import made_results as made
from archsweep.contract import RunEnd
from archsweep.errors import DatabaseError
from archsweep.store import append, database, read


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three finished runs of one selection, one of another, and one that never ended."""
    path = tmp_path_factory.mktemp("read") / "a.duckdb"
    database.prepare(path)
    with database.writing(path) as connection:
        append.insert_environments(connection, [made.environment(), made.environment("f2", device="another")])
    for number, selection in enumerate(["base", "base", "other", "base", "base"], start=1):
        append.begin_run(path, made.run(f"r{number}", f"2026-11-2{number}T00:00:00Z", selection))
        status = ["pass", "error", "fail", "timeout", "pass"][number - 1]
        results = [made.result(status=status, run=f"r{number}", at=f"2026-11-2{number}T01:00:00Z", wall_s=number)]
        if number == 1:
            results.append(made.result("gpt2/GPT2Model", run="r1", at="2026-11-21T01:00:00Z"))
            results.append(made.result(platform="cuda", run="r1", at="2026-11-21T01:00:00Z", fingerprint="f2"))
        append.append(path, results, [made.subject()], [])
        if number < 5:
            append.finish_run(path, RunEnd(run=f"r{number}", finished_at=f"2026-11-2{number}T02:00:00Z"))
    return path


@pytest.mark.parametrize(
    "sql",
    [
        "drop table results",
        "insert into runs by name select 'x' as run",
        "update results set status = 'pass'",
        "set memory_limit = '9GB'",
        "attach '/tmp/other.duckdb'",
        "copy results to '/tmp/out.csv'",
        "install httpfs",
        "pragma database_list",
        "select 1; select 2",
        "",
        "-- nothing",
    ],
)
def test_only_one_statement_that_reads(path: Path, sql: str) -> None:
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match=r"not allowed|one statement"):
        read.query(path, sql)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{file}')",
        "select * from read_text('{file}')",
        "select * from '{file}'",
        "select * from glob('{folder}/*')",
        "explain analyze copy results to '{folder}/out.csv'",
    ],
)
def test_no_other_file_is_reached(path: Path, tmp_path: Path, sql: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(DatabaseError):
        read.query(path, sql.format(file=file, folder=tmp_path))
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "sql", ["with a as (select 1) select * from a", "describe cells", "show tables", "explain select 1"]
)
def test_statements_that_read(path: Path, sql: str) -> None:
    assert read.query(path, sql)[1]


def test_values_come_out_as_json_values(path: Path) -> None:
    sql = """select timestamp '2026-11-22 10:00:00' as t, 1.5::decimal(4, 2), [1, 2], {'a': date '2026-11-22'},
        'x'::blob, 'nan'::double, null, true, map {'k': 1.0}"""
    assert read.query(path, sql)[1] == [
        ("2026-11-22T10:00:00Z", 1.5, [1, 2], {"a": "2026-11-22"}, "78", None, None, True, {"k": 1.0})
    ]


def test_a_mistake_in_sql_has_duckdbs_own_message(path: Path) -> None:
    with pytest.raises(DatabaseError, match="nothing_such"):
        read.query(path, "select nothing_such from cells")


def test_previous_endings_are_of_finished_runs_of_the_same_selection(path: Path) -> None:
    bert, gpt2 = "bert/BertModel:cpu:parity", "gpt2/GPT2Model:cpu:parity"
    assert read.previous_endings(path, "cpu", "base", "r5") == {
        bert: ("timeout", "compare", None),
        gpt2: ("pass", "compare", None),
    }
    assert read.previous_endings(path, "cpu", "base", "r4")[bert] == ("error", "compare", "ValueError")
    assert read.previous_endings(path, "cpu", "other") == {bert: ("fail", "compare", None)}
    assert read.previous_endings(path, "cpu", {"models": ["x"]}) == {}


def test_durations_are_the_last_ones(path: Path, tmp_path: Path) -> None:
    assert read.durations(path)["bert/BertModel:cpu:parity"] == 5.0
    assert read.durations(tmp_path / "none.duckdb") == {}


def test_history_says_which_result_speaks(path: Path) -> None:
    history = read.case_history(path, "bert/BertModel:cpu:parity")
    assert [row["run"] for row in history] == ["r5", "r4", "r3", "r2", "r1"]
    assert [row["current"] for row in history] == [True, False, False, False, False]
    assert history[3]["traceback"] == "Traceback ..."


def test_cells_by_filter(path: Path) -> None:
    assert {row["platform"] for row in read.cells(path, platforms=["cuda"])} == {"cuda"}
    assert {row["model_type"] for row in read.cells(path, models=["gpt2"])} == {"gpt2"}
    assert {row["model_type"] for row in read.cells(path, base=True)} == {"bert"}
    assert len(read.cells(path, categories=["text-encoders", "other"])) == 3


def test_fingerprints_of_platforms(path: Path) -> None:
    found = read.platform_fingerprints(path)
    assert [(row["platform"], row["fingerprint"], row["cases"]) for row in found] == [
        ("cpu", "f1", 2),
        ("cuda", "f2", 1),
    ]


@pytest.mark.parametrize("order", [("5.9.1", "5.10.0"), ("5.10.0", "5.9.1")])
def test_the_newest_release_speaks_and_releases_are_compared_as_such(order: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "releases.duckdb"
    database.prepare(path)
    category = {"5.9.1": "text-encoders", "5.10.0": "vision"}
    for place, version in enumerate(order):
        name, at = f"r{place}", f"2026-11-2{place}T01:00:00Z"
        result = made.result(run=name, at=at, fingerprint=version, status="pass" if version == "5.10.0" else "fail")
        subject = made.subject(category=category[version])
        append.append(path, [result], [subject], [made.environment(version, version)], run=made.run(name, at))
    assert read.subject(path, "bert", "BertModel").category == "vision"
    (cell,) = read.cells(path)
    assert (cell["status"], cell["transformers_version"], cell["category"]) == ("pass", "5.10.0", "vision")
