"""`archsweep coverage` for real: what a database holds is counted, what lies around is not; faults are refused."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import made_results
from archsweep import settings
from archsweep.archs import catalog
from archsweep.commands import main
from archsweep.contract import RunRecord
from archsweep.store import append, database

Command = Callable[..., tuple[int, str, str]]
MARKED = "before\n<!-- coverage: begin -->\n<!-- coverage: end -->\nafter\n"


@pytest.fixture(scope="module")
def universe() -> catalog.Catalog:
    return catalog.load(cache=settings.cache_root().absolute())


@pytest.fixture
def command(
    tmp_path: Path, universe: catalog.Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs `archsweep coverage` on a database of one verified architecture; gives exit code, output and errors."""
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(settings.cache_root().absolute()))
    monkeypatch.chdir(tmp_path)
    record = RunRecord(
        run="r1", started_at="2026-11-22T10:00:00Z", version="0.1",
        settings={"selection": "files", "files": {"test_bert.py": "0", "test_junk.py": "1"}},
    )  # fmt: skip
    subject = next(item for item in universe.subjects if item.id == "bert/BertModel")
    environment = made_results.environment(transformers=universe.transformers_version)
    results = [made_results.result(check=check) for check in ("forward", "parity", "reporting")]
    database.prepare(tmp_path / "r.duckdb")
    append.append(tmp_path / "r.duckdb", results, [subject], [environment], run=record)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", "coverage", "--db", "r.duckdb", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return call


def test_what_is_stored_is_counted_over_all_that_transformers_has(command: Command, universe: catalog.Catalog) -> None:
    code, out, _ = command("--json")
    found = json.loads(out)
    bases = [item for item in universe.subjects if item.is_base and item.mappings]
    assert code == 0
    assert (found["total"], found["generated"], found["verified"], found["complete"]) == (len(bases), 1, 1, 1)
    assert found["by_phase"]["1 core"]["verified"] == 1
    assert "bert" not in found["not_verified"]


def test_files_that_lie_around_move_nothing_and_deleted_results_do(command: Command, tmp_path: Path) -> None:
    before = command("--json")[1]
    folder = tmp_path / "tests" / "models"
    folder.mkdir(parents=True)
    (folder / "test_gpt2.py").write_text('"""Made by archsweep"""\n')
    assert command("--json")[1] == before
    with duckdb.connect(tmp_path / "r.duckdb") as connection:
        connection.execute("delete from newest")
        connection.execute("delete from results")
    found = json.loads(command("--json")[1])
    assert (found["generated"], found["executed"], found["verified"]) == (0, 0, 0)


def test_too_little_ends_with_1(command: Command) -> None:
    assert command("--fail-under", "0.1", "--json")[0] == 0
    code, _, told = command("--fail-under", "95", "--json")
    assert code == 1
    assert "fewer than 95 %" in told


def test_where_there_is_no_room_the_readme_stays_whole(command: Command, tmp_path: Path) -> None:
    """As with a full disk: no file may be longer than 2 KiB."""
    (tmp_path / "README.md").write_text(MARKED + "more\n" * 1_000)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.md")}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_048, limit[1]))
    try:
        code, _, told = command("--update", "README.md")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert (code, "README.md cannot be written" in told) == (2, True), told
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.md")} == before
    assert not list(tmp_path.glob(".*README*"))


def test_a_readme_in_another_encoding_is_refused_and_stays(command: Command, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(MARKED, encoding="utf-16")
    before = (tmp_path / "README.md").read_bytes()
    code, _, told = command("--update", "README.md", "--write", "out")
    assert (code, "README.md cannot be read" in told) == (2, True), told
    assert (tmp_path / "README.md").read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_the_ends_of_a_readmes_lines_stay(command: Command, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(MARKED, newline="\r\n")
    assert command("--update", "README.md")[0] == 0
    found = (tmp_path / "README.md").read_bytes()
    assert found.count(b"\n") == found.count(b"\r\n") > MARKED.count("\n")


def test_reports_the_table_and_the_badge_are_written(command: Command, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(MARKED)
    assert command("--write", "out", "--update", "README.md", "--by", "phase")[0] == 0
    report = (tmp_path / "out" / "HF_COVERAGE_REPORT.md").read_text()
    assert "- [x] bert" in report
    assert "- [ ] gpt2" in report
    assert (
        "| bert | 1 | text-encoders | ✓ | ✓ | ✓ | ✓ | – | verified |"
        in (tmp_path / "out" / "HF_COVERAGE_DETAILS.md").read_text()
    )
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("before\n")
    assert "| 1 core | 4 | 1 | 1 | 1 | 1 |" in readme
    assert (tmp_path / "coverage.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--by", "phaze"), "unknown breakdown 'phaze'"),
        (("--fail-under", "101"), "101"),
        (("--update", "README.md", "--write", "out"), "has not these two lines"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    words: tuple[str, ...], told: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("no markers\n")
    code, _, errors = command(*words)
    assert code == 2
    assert told in errors
    assert (tmp_path / "README.md").read_text() == "no markers\n"
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "coverage.svg").exists()
