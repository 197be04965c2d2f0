"""`archsweep pages`: the same results give the same bytes, others' files stay, bad input touches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import made_results as made
from archsweep.commands import cli
from archsweep.errors import ArchsweepError
from archsweep.store import append, database


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "a.duckdb"
    database.prepare(path)
    append.begin_run(path, made.run())
    results = [
        made.result(name, check=check) for name in ("bert/BertModel", "gpt2/G") for check in ("forward", "parity")
    ]
    append.append(path, results, [made.subject(), made.subject("gpt2/G")], [made.environment()])
    return path


def asked(path: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["pages", *words, "--db", str(path)], standalone_mode=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_pages_and_index_are_written_and_written_alike(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "pages"
    assert asked(path, "--output", str(folder), "--check").return_value == 1
    assert not folder.exists()
    assert "3 files written" in asked(path, "--output", str(folder)).output
    first = contents(folder)
    assert sorted(first) == ["bert.md", "gpt2.md", "index.md"]
    assert b"[bert](bert.md)" in first["index.md"]
    assert "0 files written, 3 as they are" in asked(path, "--output", str(folder)).output
    assert asked(path, "--output", str(folder), "--check").return_value == 0
    assert contents(folder) == first


def test_some_types_leave_the_index_alone(path: Path, tmp_path: Path) -> None:
    asked(path, "bert", "--output", str(tmp_path))
    assert sorted(contents(tmp_path)) == ["bert.md"]


def test_others_files_and_unknown_names_stop_everything(path: Path, tmp_path: Path) -> None:
    (tmp_path / "gpt2.md").write_text("by hand: Made by archsweep")
    refused = asked(path, "--output", str(tmp_path)).exception
    assert isinstance(refused, ArchsweepError)
    assert "gpt2.md" in refused.message
    assert "--output" in refused.next_step
    unknown = asked(path, "bret", "--output", str(tmp_path)).exception
    assert isinstance(unknown, ArchsweepError)
    assert "bert" in unknown.next_step
    assert contents(tmp_path) == {"gpt2.md": b"by hand: Made by archsweep"}


def test_an_empty_database_has_no_pages(tmp_path: Path) -> None:
    empty = tmp_path / "e.duckdb"
    database.prepare(empty)
    refused = asked(empty, "--output", str(tmp_path / "pages")).exception
    assert isinstance(refused, ArchsweepError)
    assert not (tmp_path / "pages").exists()
