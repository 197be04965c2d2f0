"""Export and import: everything comes back, twice changes nothing, and a damaged file leaves nothing behind."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import made_results as made
from archsweep.contract import RunEnd
from archsweep.encoding import encode
from archsweep.errors import ArchsweepError
from archsweep.store import append, database, exchange, read

RESULTS = [
    made.result(),
    made.result(check="forward", status="error", at="2026-11-22T10:00:02Z"),
    made.result(
        platform="web", status="unexecuted", evidence="predicted", outlook="likely", options=(("route", "a b"),)
    ),
    made.result(fingerprint="f2", weights="org/name@main", dtype="float16", metrics={"worst": float("inf")}),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.duckdb"
    database.prepare(path)
    for name in ("r1", "r2"):
        append.begin_run(path, made.run(name))
    append.append(path, RESULTS, [made.subject()], [made.environment(), made.environment("f2", notes=("bridged",))])
    append.append(path, [made.result("gpt2/GPT2Model", run="r2")])
    append.finish_run(path, RunEnd(run="r1", finished_at="2026-11-22T11:00:00Z", summary={"verified": 1}))
    return path


@pytest.mark.parametrize("name", ["r1.jsonl", "r1.jsonl.gz"])
def test_a_run_comes_back_whole_and_twice_changes_nothing(source: Path, tmp_path: Path, name: str) -> None:
    file, copy, again = tmp_path / name, tmp_path / "copy.duckdb", tmp_path / f"again-{name}"
    assert exchange.export_run(source, "r1", file) == 4
    (first,) = exchange.import_files(copy, [file])
    (second,) = exchange.import_files(copy, [file])
    assert (first.runs, first.results, first.added, second.added) == (("r1",), 4, 4, 0)
    assert exchange.export_run(copy, "r1", again) == 4
    assert again.read_bytes() == file.read_bytes()
    assert [row["run"] for row in read.runs(copy)] == ["r1"]
    wanted = "select * from cells_all where run = 'r1' order by all"
    assert read.query(copy, wanted) == read.query(source, wanted)


def test_fingerprints_stay_apart(source: Path, tmp_path: Path) -> None:
    other, file = tmp_path / "other.duckdb", tmp_path / "other.jsonl"
    database.prepare(other)
    append.begin_run(other, made.run("r7"))
    append.append(
        other, [made.result(run="r7", fingerprint="f7", status="fail")], [], [made.environment("f7", processor="other")]
    )
    exchange.export_run(other, "latest", file)
    exchange.import_files(source, [file])
    found = read.query(
        source, """select fingerprint, status from cells_all where "case" = 'bert/BertModel:cpu:parity'"""
    )
    assert sorted(found[1]) == [("f1", "pass"), ("f7", "fail")]


def _journal(file: Path, *more: str) -> Path:
    lines = [
        {"kind": "run", **encode(made.run())},
        {"kind": "environment", **encode(made.environment())},
        {"kind": "subject", **encode(made.subject())},
        {"kind": "lot", "what": "another matter"},
        {"kind": "result", **encode(made.result())},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "".join(more))
    return file


def test_a_journal_is_read_by_the_same_code_also_when_a_kill_cut_it(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    (found,) = exchange.import_files(path, [_journal(tmp_path / "r1.journal", '{"kind": "result", "case": {"sub')])
    assert (found.added, found.torn, found.ignored) == (1, True, {"lot": 1})
    end = json.dumps({"kind": "end", "run": "r1", "finished_at": "2026-11-22T11:00:00Z", "summary": {}}) + "\n"
    (found,) = exchange.import_files(path, [_journal(tmp_path / "r1.journal", end)])
    assert (found.added, found.torn) == (0, False)
    assert read.runs(path)[0]["finished_at"] == "2026-11-22T11:00:00Z"


def _line(**changes: object) -> str:
    return json.dumps({"kind": "result", **encode(made.result(check="forward")), **changes}) + "\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no json\n", "line 6: not a JSON object"),
        ("[]\n", "line 6: not a JSON object"),
        (_line(status="perfect"), "line 6: 'perfect' is not a valid Status"),
        (_line(evidence=None), "line 6: None is not a valid Evidence"),
        (_line(colour="red"), "line 6: got an unexpected keyword argument 'colour'"),
        (_line(wall_s="long"), "line 6: a field of the result has the wrong type"),
        (_line(metrics={"worst": "big"}), "line 6: a field of the result has the wrong type"),
        (_line(finished_at="yesterday"), "line 6: Invalid isoformat"),
        (_line(fingerprint="f9"), "an environment that was not recorded: f9"),
        (_line(run="r9"), "a run that never began: r9"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_made(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "a.duckdb"
    with pytest.raises(ArchsweepError) as caught:
        exchange.import_files(path, [_journal(tmp_path / "r1.jsonl", line)])
    assert reason in str(caught.value)
    assert "r1.jsonl" in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"hello\n", b'{"kind": "guess"}\n', b"\x1f\x8b\x00", b"[1]\n"])
def test_a_foreign_file_makes_no_database(tmp_path: Path, content: bytes) -> None:
    for name in ("a.jsonl", "a.jsonl.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArchsweepError, match="neither an export nor a journal"):
            exchange.import_files(tmp_path / "a.duckdb", [tmp_path / name])
    assert not (tmp_path / "a.duckdb").exists()


def test_a_newer_format_and_a_cut_archive(source: Path, tmp_path: Path) -> None:
    path, file = tmp_path / "a.duckdb", tmp_path / "a.jsonl.gz"
    (tmp_path / "new.jsonl").write_text('{"kind": "header", "format": 99}\n')
    with pytest.raises(ArchsweepError, match="newer archsweep"):
        exchange.import_files(path, [tmp_path / "new.jsonl"])
    exchange.export_run(source, "r1", file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ArchsweepError, match="damaged"):
        exchange.import_files(path, [file])
    assert not path.exists()


def test_a_damaged_file_keeps_the_others_out_and_makes_no_database(source: Path, tmp_path: Path) -> None:
    whole, damaged, path = tmp_path / "whole.jsonl", tmp_path / "damaged.jsonl", tmp_path / "new.duckdb"
    exchange.export_run(source, "r1", whole)
    lines = whole.read_text().splitlines(keepends=True)
    damaged.write_text("".join([*lines[:-1], '{"kind": "result"}\n', lines[-1]]))
    before = source.read_bytes()
    for into in (path, source):
        with pytest.raises(ArchsweepError, match=r"damaged\.jsonl, line"):
            exchange.import_files(into, [whole, damaged])
    assert not path.exists()
    assert source.read_bytes() == before
    orphans = tmp_path / "orphans.jsonl"  # each line is right, and their run is nowhere
    orphans.write_text("".join(line for line in lines if '"kind":"run"' not in line))
    with pytest.raises(ArchsweepError, match="results belong to"):
        exchange.import_files(path, [orphans])
    assert not path.exists()
    assert [item.added > 0 for item in exchange.import_files(path, [whole, whole])] == [True, False]


def test_an_unknown_run_leaves_no_file(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchsweepError, match=r"no run 'r11'\nRuns: r1"):
        exchange.export_run(source, "r11", tmp_path / "out.jsonl")
    assert [file.name for file in tmp_path.iterdir()] == ["source.duckdb"]


def test_many_results_go_through_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archsweep.store.rows.BATCH", 7)
    file = tmp_path / "many.jsonl.gz"
    with gzip.open(file, "wt") as stream:
        stream.write(json.dumps({"kind": "run", **encode(made.run())}) + "\n")
        stream.write(json.dumps({"kind": "environment", **encode(made.environment())}) + "\n")
        for number in range(50):
            stream.write(json.dumps({"kind": "result", **encode(made.result(f"type{number}/Model"))}) + "\n")
    (found,) = exchange.import_files(tmp_path / "a.duckdb", [file])
    assert found.added == 50
    assert len(read.cells(tmp_path / "a.duckdb")) == 50
