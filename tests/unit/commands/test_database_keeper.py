"""The keeper of a sweep's results: a database that is locked, gone or late costs nothing but a message."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from making import case, ground, options, result, subject

from archsweep.commands import _database
from archsweep.commands._database import DatabaseKeeper, journals, resumable
from archsweep.contract import Result, RunEnd, RunRecord, Status
from archsweep.errors import ArchsweepError
from archsweep.run import baseline, reuse, sweep
from archsweep.run.findings import ending
from archsweep.store import database, exchange, read

GROUND = ground()
FINGERPRINT = GROUND.environment.id
CASES = [case(check=check) for check in ("forward", "parity", "batch", "generate")]
Hold = Callable[[], "subprocess.Popen[bytes]"]


def made(number: int, status: Status = Status.PASS, run: str = "r1") -> Result:
    known = {reuse.SOURCE: reuse.source_hash(subject())}
    return result(status, of=CASES[number], fingerprint=FINGERPRINT, run=run, error_class="KeyError", details=known)


def begun(path: Path, journal: Path | None = None) -> DatabaseKeeper:
    keeper = DatabaseKeeper(path, journal)
    record = RunRecord(run="r1", started_at="2026-11-22T10:00:00Z", version="0")
    keeper.begin(record, [GROUND.environment], [subject()], [])
    return keeper


def finish(keeper: DatabaseKeeper, run: str = "r1") -> None:
    keeper.end(RunEnd(run=run, finished_at="2026-11-22T12:00:00Z", summary={"run": run}))
    keeper.close()


def stored(path: Path) -> list[str]:
    return [name for (name,) in read.query(path, 'select "case" from results order by id')[1]]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BATCH_S", "RETRY_S"):
        monkeypatch.setattr(_database, name, 0.0)
    monkeypatch.setattr(_database, "MOMENT_S", 0.05)
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    return tmp_path / "a.duckdb"


@pytest.fixture
def hold(path: Path) -> Iterator[Hold]:
    """Starts another process that keeps the database open until its standard input is closed."""
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    holders: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        return holder

    yield start
    for holder in holders:
        release(holder)


def release(holder: subprocess.Popen[bytes]) -> None:
    holder.communicate()


def test_batches_wait_while_another_process_holds_the_database(
    path: Path, hold: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = begun(path)
    keeper.add([made(0)])
    holder = hold()
    for number in (1, 2):
        keeper.add([made(number)])
        keeper.add([])
    fault = keeper.fault()
    assert fault is not None
    said = capsys.readouterr().err
    assert said.count(f"locked by process {holder.pid}") == 1
    assert "the sweep goes on" in said
    release(holder)
    keeper.add([made(3)])
    assert stored(path) == [item.id for item in CASES]
    assert keeper.fault() is None
    finish(keeper)
    assert not journals(path).exists()
    assert capsys.readouterr().err == ""


def test_what_cannot_be_stored_at_the_end_waits_in_the_journal_and_comes_in_once(path: Path, hold: Hold) -> None:
    keeper = begun(path)
    keeper.add([made(0)])
    holder = hold()
    keeper.add([made(1), made(2)])
    finish(keeper)
    fault = keeper.fault()
    assert fault is not None
    assert f"archsweep run --resume r1 --db {path}" in fault.next_step
    release(holder)
    assert stored(path) == [item.id for item in CASES[:1]]
    keeper = begun(path, resumable(journals(path), None))
    finish(keeper)
    assert keeper.fault() is None
    assert stored(path) == [item.id for item in CASES[:3]]
    assert not journals(path).exists()
    assert [row["summary"] for row in read.runs(path)] == [{"run": "r1"}]


def test_a_database_that_vanishes_is_told_of_and_made_again_on_resume(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = begun(path)
    keeper.add([made(0)])
    path.unlink()
    keeper.add([made(1)])
    finish(keeper)
    assert "there is no database" in str(keeper.fault())
    finish(begun(path, resumable(journals(path), "r1")))
    assert stored(path) == [item.id for item in CASES[:2]]
    assert journals(path).exists() is False
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("only", [None, "new", "stale", "failed"])
def test_a_resumed_run_counts_every_case_once(path: Path, only: str | None) -> None:
    """Also where what it had done is in the database already, and would itself pass for an earlier ending."""
    asked = options(only=only, checks=("forward", "parity", "batch"))
    if only == "failed":
        keeper = begun(path)
        keeper.add([made(0, Status.ERROR), made(1, Status.ERROR), made(2)])
        finish(keeper)
    keeper = DatabaseKeeper(path)
    course = sweep._prepare(asked, [subject()], [GROUND], keeper)
    before = len(course.planned)
    keeper.add([made(0, run=course.record.run)])
    keeper.close()
    assert CASES[0].id in stored(path)
    keeper = DatabaseKeeper(path, resumable(journals(path), None))
    course = sweep._prepare(asked, [subject()], [GROUND], keeper)
    keeper.close()
    left = [item.id for lot in course.lots for item in lot.cases]
    counted = [item.case.id for item in course.results] + list(course.kept) + left
    assert sorted(counted) == sorted(item.id for item in course.planned) == sorted(set(counted))
    assert len(counted) == before == (2 if only == "failed" else 3)


def test_a_run_reports_what_it_took_over_and_that_can_be_accepted(path: Path, tmp_path: Path) -> None:
    keeper = begun(path)
    keeper.add([made(0), made(1, Status.ERROR)])
    finish(keeper)
    keeper = DatabaseKeeper(path)
    course = sweep._prepare(options(only="stale"), [subject()], [GROUND], keeper)
    assert course.lots == []
    finish(keeper, course.record.run)
    versions, results = _database.results_of("latest", str(path))
    assert {item.case.id for item in results} == {item.id for item in CASES[:2]}
    assert versions["archsweep"]
    exported = tmp_path / "run.jsonl.gz"
    assert exchange.export_run(path, "latest", exported) == 0  # a run's own results only: nothing is told twice
    accepted = tmp_path / "accepted"
    baseline.write(accepted, results, versions)
    assert baseline.read(accepted) == {item.case.id: ending(item) for item in results}


def test_a_run_without_endings_is_not_accepted(path: Path) -> None:
    finish(begun(path))
    with pytest.raises(ArchsweepError, match="run latest has no endings"):
        _database.results_of("latest", str(path))


def test_every_form_of_a_baseline_holds_the_same_endings(path: Path, tmp_path: Path) -> None:
    from archsweep.commands.run import _baseline

    keeper = begun(path)
    kept = [made(0), made(1, Status.ERROR)]
    keeper.add(kept)
    finish(keeper)
    expected = {item.case.id: ending(item) for item in kept}
    for name in ("run.jsonl", "run.jsonl.gz"):
        exchange.export_run(path, "latest", tmp_path / name)
        assert _baseline(tmp_path / name) == expected
    baseline.write(tmp_path / "accepted", kept, {})
    for place in (path, tmp_path / "accepted", tmp_path / "accepted" / "bert.baseline.json"):
        assert _baseline(place) == expected


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_a_damaged_baseline_is_named(path: Path, tmp_path: Path, name: str) -> None:
    from archsweep.commands.run import _baseline

    keeper = begun(path)
    keeper.add([made(0), made(1)])
    finish(keeper)
    file = tmp_path / name
    exchange.export_run(path, "latest", file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if name.endswith(".gz") else content.replace(b'"status"', b'"stats"'))
    with pytest.raises(ArchsweepError, match=r"run\.jsonl"):
        _baseline(file)
