"""Results of generated files: a journal for each process, in the end one run in the database."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import making
import pytest

import made_results as made
from archsweep.contract import RunRecord
from archsweep.errors import DatabaseError, SettingsError
from archsweep.store import exchange, read
from archsweep.testing import saving

BERT, GPT2 = made.subject(), made.subject("gpt2/GPT2Model", "text-decoders")
HERE = dataclasses.replace(making.ground(), environment=made.environment())
THERE = dataclasses.replace(making.ground("npu"), environment=made.environment("f2", device="another"))


def begun(run: str = "r1") -> RunRecord:
    return saving.record(run, making.options())


def kept(database: Path) -> Path:
    """The journals of two processes, which both met one subject."""
    place = saving.folder(database, "r1")
    first, second = (saving.Saver(place / f"{name}.jsonl", begun()) for name in ("gw0", "gw1"))
    first.keep([made.result(), made.result(check="forward")], BERT, HERE)
    second.keep([made.result("gpt2/GPT2Model", status="fail")], GPT2, HERE)
    first.keep([made.result(platform="npu", fingerprint="f2", status="unavailable", evidence="none")], BERT, THERE)
    for saver in (first, second):
        saver.close()
    return place


def test_journals_of_two_processes_become_one_run(tmp_path: Path) -> None:
    database, file = tmp_path / "a.duckdb", tmp_path / "test_bert.py"
    file.write_text("# a generated file\n")
    assert saving.store(database, kept(database), begun(), [file, file], whole=True) == 4
    (run,) = read.runs(database)
    assert (run["run"], run["finished_at"] is not None) == ("r1", True)
    columns, rows = read.query(database, 'select "case", status, fingerprint, run from cells order by all')
    assert columns == ["case", "status", "fingerprint", "run"]
    assert rows == [
        ("bert/BertModel:cpu:forward", "pass", "f1", "r1"),
        ("bert/BertModel:cpu:parity", "pass", "f1", "r1"),
        ("bert/BertModel:npu:parity", "unavailable", "f2", "r1"),
        ("gpt2/GPT2Model:cpu:parity", "fail", "f1", "r1"),
    ]
    settings = read.run_settings(database, "r1")
    assert settings["selection"] == {"subjects": "generated files", "checks": ["forward", "parity"], "weights": "tiny"}
    assert settings["files"] == {"test_bert.py": hashlib.sha256(b"# a generated file\n").hexdigest()[:16]}
    summary = json.loads(str(read.query(database, "select summary from runs")[1][0][0]))
    assert summary == {"by_status": {"fail": 1, "pass": 2, "unavailable": 1}, "verified": {"cpu": 1}}


def test_once_they_are_stored_the_journals_are_gone_and_others_stay(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    other = saving.folder(database, "r0")
    (other / "main.jsonl").write_text("")
    saving.store(database, kept(database), begun(), [], whole=True)
    assert [path.name for path in other.parent.iterdir()] == ["pytest-r0"]
    assert (other / "main.jsonl").exists()
    (other / "main.jsonl").unlink()
    other.rmdir()
    saving.store(database, kept(database), begun(), [], whole=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.duckdb"]


def test_where_nothing_was_run_there_is_no_run(tmp_path: Path) -> None:
    """As with --collect-only: an empty run would be the latest one."""
    database = tmp_path / "a.duckdb"
    place = saving.folder(database, "r1")
    assert saving.store(database, place, begun(), [], whole=True) == 0
    assert read.runs(database) == []
    assert not place.parent.exists()


def test_a_run_that_was_cut_short_has_results_and_no_end(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    assert saving.store(database, kept(database), begun(), [], whole=False) == 4
    (run,) = read.runs(database)
    assert (run["results"], run["finished_at"], run["summary"]) == (4, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.duckdb"]


def test_what_was_stored_twice_counts_once(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    for _ in range(2):
        saving.store(database, kept(database), begun(), [], whole=True)
    assert read.query(database, "select count(*) from results")[1] == [(4,)]


def test_what_a_kill_leaves_behind_can_be_imported(tmp_path: Path) -> None:
    """Nothing is closed, and nothing stored: what was kept lies in the journal all the same."""
    database, other = tmp_path / "a.duckdb", tmp_path / "b.duckdb"
    saver = saving.Saver(saving.folder(database, "r1") / "main.jsonl", begun())
    saver.keep([made.result()], BERT, HERE)
    saver.keep([made.result("gpt2/GPT2Model")], GPT2, HERE)
    exchange.import_files(other, [saver.path] if saver.path else [])
    assert read.query(other, "select count(*) from cells where status = 'pass'")[1] == [(2,)]
    saver.close()


def test_without_a_place_nothing_is_kept(tmp_path: Path) -> None:
    saver = saving.Saver(None, begun())
    saver.keep([made.result()], BERT, HERE)
    saver.close()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises((SettingsError, DatabaseError), match="nowhere"):
        saving.folder(tmp_path / "nowhere" / "a.duckdb", "r1")
    (tmp_path / "a.duckdb.journals").write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match="journals cannot be made"):
        saving.folder(tmp_path / "a.duckdb", "r1")


def test_what_one_process_tells_another_hears() -> None:
    record = begun()
    assert saving.heard(json.loads(json.dumps(saving.told(record)))) == record
