"""Opening the database: what is wrong with it is said, and nothing is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from archsweep.errors import DatabaseError
from archsweep.store import database, read


def _hold(path: Path) -> subprocess.Popen[bytes]:
    """Another process that keeps the database open until its standard input ends."""
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_prepare_makes_a_database_and_leaves_one_that_is_there_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    database.prepare(path)
    before = path.read_bytes()
    database.prepare(path)
    assert path.read_bytes() == before
    assert read.query(path, "select count(*) from cells") == (["count_star()"], [(0,)])


def test_a_database_without_tables_becomes_one_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(DatabaseError, match="holds no results yet"):
        read.cells(path)
    database.prepare(path)
    assert read.cells(path) == []


def test_reading_never_creates(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no database at"):
        read.cells(tmp_path / "a.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no folder"):
        database.prepare(tmp_path / "no" / "a.duckdb")


@pytest.mark.parametrize("content", [b"", b"no database at all " * 1000])
def test_not_a_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(content)
    for action in (database.prepare, read.cells):
        with pytest.raises(DatabaseError, match="is not a database"):
            action(path)
    assert path.read_bytes() == content


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="is a folder"):
        database.prepare(tmp_path)


def test_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table mine (x integer)")
    before = path.read_bytes()
    for action in (database.prepare, read.cells):
        with pytest.raises(DatabaseError, match="not one of archsweep's"):
            action(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_and_an_older_one_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.duckdb"
    known = database._migrations()
    with monkeypatch.context() as patch:
        patch.setattr(database, "_migrations", lambda: [*known, ("9999_more.sql", "create table more (x integer)")])
        database.prepare(path)
        read.query(path, "select * from more")
    before = path.read_bytes()
    for action in (database.prepare, read.cells):
        with pytest.raises(DatabaseError, match="made by a newer archsweep"):
            action(path)
    assert path.read_bytes() == before

    older = tmp_path / "b.duckdb"
    database.prepare(older)
    monkeypatch.setattr(database, "_migrations", lambda: [*known, ("9999_more.sql", "create table more (x integer)")])
    with pytest.raises(DatabaseError, match="made by an older archsweep"):
        read.cells(older)
    database.prepare(older)
    assert read.query(older, "select * from more")[1] == []


def test_a_lock_that_stays_is_named_and_one_that_goes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.duckdb"
    database.prepare(path)
    holder = _hold(path)
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    with pytest.raises(DatabaseError, match=f"locked by process {holder.pid} for more than"):
        read.cells(path)
    monkeypatch.setattr(database, "PATIENCE_S", 30.0)
    assert holder.stdin is not None
    holder.stdin.close()
    assert read.cells(path) == []
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


def test_readers_do_not_lock_one_another_out(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    database.prepare(path)
    with database.reading(path) as first, database.reading(path) as second:
        assert first.execute("select 1").fetchall() == second.execute("select 1").fetchall()


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [int(name.partition("_")[0]) for name, _ in database._migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
