"""Opens the results database for a moment: creates and migrates it, waits for its lock, and says what is wrong with it.

Knows nothing of results.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from archsweep.errors import ArchsweepError, DatabaseError

Connection = Any  # a duckdb.DuckDBPyConnection

PATIENCE_S = 5.0  # how long a lock is waited for
_PAUSE_S = 0.05
_OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
# One thread: building a batch from Python objects takes turns with Python itself, and more threads only wait for it.
_WRITER = {**_OFFLINE, "memory_limit": "1GB", "threads": "1"}
_CONFINED = {**_OFFLINE, "enable_external_access": "false", "lock_configuration": "true"}


def prepare(path: Path) -> None:
    """Creates the database, or brings an older one up to date. Raises DatabaseError, and then writes nothing."""
    if not path.exists() and not path.absolute().parent.is_dir():
        raise DatabaseError(f"cannot create {path}: there is no folder {path.absolute().parent}")
    if path.exists():
        with reading(path, migrated=False) as connection:
            number = _schema_number(connection, path)
        if number == len(_migrations()):
            _check_writable(path)
            return
    with _open(path, read_only=False, settings=_WRITER) as connection:
        _migrate(connection, path)


@contextlib.contextmanager
def writing(path: Path, patience_s: float | None = None) -> Iterator[Connection]:
    """A connection inside one transaction: committed at the end, rolled back when the block raises.

    `patience_s`: how long a lock is waited for, if not PATIENCE_S.
    """
    _check_exists(path)
    duckdb = _duckdb()
    with _open(path, read_only=False, settings=_WRITER, patience_s=patience_s) as connection:
        _check_current(connection, path)
        connection.execute("begin")
        try:
            yield connection
            connection.execute("commit")
        except BaseException as error:
            with contextlib.suppress(duckdb.Error):  # an error at commit has rolled back already
                connection.execute("rollback")
            if isinstance(error, duckdb.Error):
                raise DatabaseError(_explain(error, path)) from error
            raise


@contextlib.contextmanager
def reading(path: Path, *, confined: bool = False, migrated: bool = True) -> Iterator[Connection]:
    """A read-only connection; `confined`: it can reach no other file and no network. Never creates the file."""
    _check_exists(path)
    duckdb = _duckdb()
    with _open(path, read_only=True, settings=_CONFINED if confined else _OFFLINE) as connection:
        try:
            if migrated:
                _check_current(connection, path)
            yield connection
        except duckdb.Error as error:  # what a damaged file gives only when its rows are read
            raise DatabaseError(_explain(error, path)) from error


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise DatabaseError(
            f"there is no database at {path}",
            "A sweep makes one: archsweep run --base. Another place is given with --db FILE or ARCHSWEEP_DB.",
        )


def _check_writable(path: Path) -> None:
    if not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)):
        raise DatabaseError(f"{path} cannot be written: it, or its folder, is read-only")


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise ArchsweepError(f"the results database needs duckdb: {error}", "Install: pip install duckdb") from error
    return duckdb


@contextlib.contextmanager
def _open(
    path: Path, *, read_only: bool, settings: dict[str, str], patience_s: float | None = None
) -> Iterator[Connection]:
    duckdb = _duckdb()
    patience_s = PATIENCE_S if patience_s is None else patience_s
    if not read_only and path.exists():
        _check_writable(path)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=dict(settings))
            break
        except (duckdb.IOException, duckdb.ConnectionException, duckdb.BinderException) as error:
            if not _is_locked(error):
                raise DatabaseError(_explain(error, path)) from error
            if time.monotonic() > deadline:
                raise DatabaseError(*_locked(error, path, patience_s)) from error
            time.sleep(_PAUSE_S)
        except duckdb.Error as error:
            raise DatabaseError(_explain(error, path)) from error
    try:
        yield connection
    finally:
        connection.close()


def _is_locked(error: Exception) -> bool:
    text = str(error)
    return "Could not set lock" in text or "different configuration" in text or "already attached" in text


def _locked(error: Exception, path: Path, patience_s: float) -> tuple[str, str]:
    holder = re.search(r"\(PID (\d+)\)", str(error))
    who = f"by process {holder.group(1)} " if holder else ""
    return (
        f"{path} has been locked {who}for more than {patience_s:g} s",
        "archsweep itself holds it only for moments: close what else has it open, and try again.",
    )


def _explain(error: Exception, path: Path) -> str:
    text = str(error).splitlines()[0]
    if "not a valid DuckDB database" in text:
        return f"{path} is not a database"
    if re.search(
        r"(storage|database) version|serialization|older version of DuckDB|newer version", text, re.IGNORECASE
    ):
        return f"{path} was written by another version of DuckDB: {text}"
    if "Is a directory" in text or path.is_dir():
        return f"{path} is a folder, not a database"
    if "Permission denied" in text or "Read-only" in text:
        return f"{path} cannot be opened: it, or its folder, is read-only"
    if re.search(r"could not read (enough|all)|checksum|corrupt|truncated", text, re.IGNORECASE):
        return f"{path} is damaged, or was cut off: {text}"
    return f"{path}: {text}"


def _migrations() -> list[tuple[str, str]]:
    """Name and text of every migration, in order; the first has number 1."""
    folder = resources.files("archsweep.store").joinpath("schema")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [(file.name, file.read_text(encoding="utf-8")) for file in files]


def _schema_number(connection: Connection, path: Path) -> int:
    """How many migrations the database has seen; 0 for one without any table."""
    tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if not tables:
        return 0
    if "schema_migrations" not in tables:
        raise DatabaseError(f"{path} is a DuckDB database, but not one of archsweep's")
    ((number,),) = connection.execute("select coalesce(max(number), 0) from schema_migrations").fetchall()
    known = len(_migrations())
    if number > known:
        raise DatabaseError(
            f"{path} was made by a newer archsweep (its schema is {number}, this one knows {known})",
            "Update archsweep, or use another file with --db.",
        )
    return int(number)


def _check_current(connection: Connection, path: Path) -> None:
    number, known = _schema_number(connection, path), len(_migrations())
    if number == 0:
        raise DatabaseError(f"{path} holds no results yet", "A sweep fills it: archsweep run --base")
    if number < known:
        raise DatabaseError(
            f"{path} was made by an older archsweep (its schema is {number}, this one's is {known})",
            "The next `archsweep run` or `archsweep import` brings it up to date.",
        )


def _migrate(connection: Connection, path: Path) -> None:
    done = _schema_number(connection, path)
    connection.execute("begin")
    connection.execute(
        "create table if not exists schema_migrations (number integer primary key, name varchar not null)"
    )
    for number, (name, text) in enumerate(_migrations(), start=1):
        if number > done:
            connection.execute(text)
            connection.execute("insert into schema_migrations values (?, ?)", [number, name])
    connection.execute("commit")
