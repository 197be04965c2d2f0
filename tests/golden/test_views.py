"""What the reading verbs print, byte for byte. `UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import made_results as made
from archsweep.analysis.matrix import Depth, Matrix
from archsweep.commands import main
from archsweep.contract import Priority, Result, RunEnd, Subject
from archsweep.render.terminal import footnotes
from archsweep.store import append, database

EXPECTED = Path(__file__).parent / "views"
HOSTILE = "=evil|`<script>\x1b[2J\u202e"

Verb = Callable[..., tuple[int, str, str]]


def _universe() -> tuple[list[Subject], list[Result]]:
    """Two categories of subjects with every kind of ending, on three platforms, one under an older fingerprint."""
    low = dataclasses.replace(made.subject("odd/OddModel", "other"), priority=Priority.LOW)
    hostile = dataclasses.replace(made.subject(f"{HOSTILE}/OddModel", "other"), priority=Priority.LOW)
    subjects = [made.subject(), made.subject("roberta/RobertaModel"), low, hostile]
    results: list[Result] = []
    endings = {
        "bert/BertModel": {"cpu": "pass", "npu": "unexecuted", "web": "pass"},
        "roberta/RobertaModel": {"cpu": "error", "npu": "pass", "web": "unavailable"},
        "odd/OddModel": {"cpu": "pass", "npu": "unavailable"},
        f"{HOSTILE}/OddModel": {"cpu": "fail", "npu": "unavailable"},
    }
    for name, platforms in endings.items():
        for platform, status in platforms.items():
            ground = {"npu": "emulator"}.get(platform, "hardware") if status != "unavailable" else "none"
            older = {"fingerprint": "f0", "run": "r0", "at": "2026-11-01T10:00:00Z"} if name.startswith("odd") else {}
            for check in ("forward", "parity"):
                results.append(made.result(name, check, status, platform=platform, evidence=ground, **older))
    results.append(
        made.result(status="fail", run="r0", fingerprint="f0", at="2026-11-01T10:00:00Z", message=HOSTILE * 20)
    )
    results.append(made.result("odd/OddModel", "backward", "inapplicable", evidence="none"))
    return subjects, results


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    path = folder / "results.duckdb"
    database.prepare(path)
    with database.writing(path) as connection:
        append.insert_run(connection, made.run("r0", "2026-11-01T10:00:00Z"))
        append.insert_run(connection, made.run())
        append.insert_end(connection, RunEnd(run="r1", finished_at="2026-11-22T11:00:00Z"))
    environments = [made.environment(), made.environment("f0", driver="1.2", notes=("an older machine",))]
    subjects, results = _universe()
    append.append(path, results, subjects, environments)
    return folder


@pytest.fixture
def verb(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs the command line in the folder of the database: exit code, standard output, standard error."""
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("ARCHSWEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARCHSWEEP_DB", "results.duckdb")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795435200")  # 2026-11-23

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", *arguments])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return int(ending.value.code or 0), printed.out, printed.err

    return run


def _same(name: str, text: str) -> None:
    file = EXPECTED / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("matrix.txt", ["matrix"]),
        ("matrix.md", ["matrix", "--format", "markdown"]),
        ("matrix.csv", ["matrix", "--format", "csv"]),
        ("matrix.json", ["matrix", "--json"]),
        ("matrix_fold.txt", ["matrix", "--fold"]),
        ("matrix_architecture.txt", ["matrix", "--by", "architecture"]),
        ("matrix_architecture.md", ["matrix", "--by", "architecture", "--format", "markdown"]),
        ("matrix_architecture.csv", ["matrix", "--by", "architecture", "--format", "csv"]),
        ("matrix_shown.txt", ["matrix", "--status", "unavailable"]),
        ("matrix_shown.md", ["matrix", "--evidence", "none", "--format", "markdown"]),
        ("matrix_class.txt", ["matrix", "--by", "class"]),
        ("matrix_unavailable.txt", ["matrix", "--by", "class", "--status", "unavailable", "--platform", "npu,web"]),
        ("show_error.txt", ["show", "roberta/RobertaModel:cpu:parity"]),
        ("show_history.txt", ["show", "bert/BertModel:cpu:parity"]),
        ("show_list.txt", ["show", "BertModel"]),
        ("show_list_messages.txt", ["show", "roberta"]),
        ("query.txt", ["query", "select status, count(*) as cases, max(wall_s) from cells group by all order by all"]),
        ("query.csv", ["query", "--csv", "select distinct model_type, operators from cells order by all"]),
    ],
)
def test_view(verb: Verb, name: str, arguments: list[str]) -> None:
    code, out, err = verb(*arguments)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= 100 or name.endswith(
        (".md", ".csv", ".json", "show_error.txt")
    )
    _same(name, out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["matrix", "--platform", "cpuu"], "results.duckdb has no results of platform 'cpuu'\nNearest: cpu, npu."),
        (["matrix", "--model", "brt"], "has no results of model 'brt'\nNearest: bert"),
        (["matrix", "--category", "sound"], "has no results of category 'sound'\nIt has: other, text-encoders."),
        (["matrix", "--status", "fial"], "unknown status 'fial'\nNearest: fail"),
        (["show", "bert/BertModle:cpu:parity"], "Nearest: bert/BertModel:cpu:parity"),
        (["query", "select nothing_such from cells"], "nothing_such"),
        (["query", "drop table results"], "DROP is not allowed"),
        (["export", "r9", "out.jsonl"], "there is no run 'r9'"),
        (["import", "nothing.jsonl"], "there is no file nothing.jsonl"),
        (["matrix", "--db", "none.duckdb"], "there is no database at none.duckdb"),
        (["show", "bert", "--db", "none.duckdb"], "there is no database at none.duckdb"),
        (["query", "select 1", "--db", "none.duckdb"], "there is no database at none.duckdb"),
        (["export", "latest", "out.jsonl", "--db", "none.duckdb"], "there is no database at none.duckdb"),
    ],
)
def test_bad_input_is_named_and_writes_nothing(verb: Verb, folder: Path, arguments: list[str], message: str) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    code, out, err = verb(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["matrix", "--model", ""], "--model is empty"),
        (["matrix", "--status", " , "], "--status is empty"),
        (["matrix", "--category", ""], "--category is empty"),
        (["query", "select 1", "--json", "--csv"], "--json and --csv exclude one another"),
    ],
)
def test_wrong_usage_names_the_flag_that_was_given(verb: Verb, arguments: list[str], message: str) -> None:
    code, out, err = verb(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_many_columns_are_read_as_well_as_few(verb: Verb) -> None:
    """Off a terminal a row is a line, however long; on one that is too narrow each value has a line of its own."""
    sql = "select * from cells where status = 'error' order by all limit 1"
    _, out, _ = verb("query", sql)
    head, _, row, count = out.splitlines()
    columns = head.split()
    assert len(columns) > 20
    assert "roberta/RobertaModel:cpu:forward" in row.split()
    assert count == "1 row"
    from archsweep.render.terminal import console, show_rows

    file = io.StringIO()
    terminal = console(width=40, file=file)
    terminal._force_terminal, terminal._color_system = True, None
    show_rows(["a", "b"], [["x" * 36, None], ["y" * 36, 3]], terminal)
    assert file.getvalue().splitlines() == ["a: " + "x" * 36, "b: null", "", "a: " + "y" * 36, "b: 3", "", "2 rows"]
    show_rows(["a", "b"], [[1, 2]], terminal)
    assert file.getvalue().splitlines()[7].split() == ["a", "b"]


def test_a_footnote_leaves_out_what_is_empty() -> None:
    empty = Matrix(depth=Depth.CATEGORY, labels=(), places=(("rocm",),), cells={}, totals={})
    note = {
        "platform": "rocm", "device": "", "fingerprint": "f1", "transformers_version": "5.23.0",
        "finished_at": "2026-11-22T10",
    }  # fmt: skip
    assert list(footnotes(empty, [note])) == ["rocm: fingerprint f1, transformers 5.23.0, 2026-11-22"]


def test_rows_of_query_are_json(verb: Verb) -> None:
    code, out, _ = verb("query", "--json", "select platform, count(*) as cases from cells group by all order by all")
    assert code == 0
    assert json.loads(out)[0] == {"platform": "cpu", "cases": 9}


def test_export_and_import_by_command(verb: Verb, tmp_path: Path) -> None:
    file, other = str(tmp_path / "r1.jsonl.gz"), str(tmp_path / "other.duckdb")
    assert verb("export", "latest", file)[0] == 0
    assert "is there already" in verb("export", "latest", file)[2]
    assert verb("export", "latest", file, "--force")[0] == 0
    first, second = (json.loads(verb("import", file, "--db", other, "--json")[1])[0] for _ in range(2))
    assert (first["runs"], first["added"], second["added"]) == (["r1"], first["results"], 0)
    assert " 0 new" in verb("import", file, "--db", other)[1]


def test_show_as_json_has_the_command_that_repeats_it(verb: Verb) -> None:
    shown = json.loads(verb("show", "bert/BertModel:cpu:parity", "--json")[1])
    repeat = "archsweep run --class bert/BertModel --platform cpu --check parity --db results.duckdb"
    assert (shown["repeat"], shown["status"]) == (repeat, "pass")
    assert [row["run"] for row in shown["history"]] == ["r1", "r0"]
