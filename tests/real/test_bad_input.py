"""Bad input gets a clear message, the nearest names and exit code 2, and nothing is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import archsweep
import made_results as made
from archsweep.commands import main
from archsweep.store import append, database

Command = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One catalog for all: names are looked up in it."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def command(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Runs the command line in an empty folder: exit code and what it said; checks that nothing was written there."""
    for name in [name for name in os.environ if name.startswith("ARCHSWEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str]:
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        folders = {path for path in folder.rglob("*") if path.is_dir()}
        monkeypatch.setattr("sys.argv", ["archsweep", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert {path for path in folder.rglob("*") if path.is_dir()} == folders
        return int(ending.value.code or 0), printed.out + printed.err

    yield run


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--model", "bret"), ("unknown model 'bret'", "bert", "archsweep list models")),
        (("--model", ""), ("--model is empty",)),
        (("--check", " , "), ("--check is empty",)),
        (("--platform", ""), ("--platform is empty",)),
        (("--resume", "--model", "bert", "--timeout", "5"), ("--resume goes on", "--model", "--timeout")),
        (("--model", "somebody/some-checkpoint"), ("unknown model 'somebody/some-checkpoint'",)),
        (("--model", "/no/such/folder"), ("unknown model '/no/such/folder'",)),
        (("--class", "BertModle"), ("unknown class 'BertModle'", "BertModel")),
        (("--class", "gpt2/BertModel"), ("unknown class 'gpt2/BertModel'",)),
        (("--family", "lama"), ("unknown family 'lama'", "llama")),
        (("--category", "visoin"), ("unknown category 'visoin'", "vision")),
        (("--priority", "urgent"), ("unknown priority 'urgent'", "There are: critical, high, low, medium.")),
        (("--phase", "9"), ("unknown phase '9'", "There are: 1, 2, 3, 4, 5, 6.")),
        (("--platform", "cpuu"), ("unknown platform 'cpuu'", "cpu")),
        (("--hardware", "cpu,abacus"), ("unknown platform 'abacus'",)),
        (("--check", "parrity"), ("unknown check 'parrity'", "parity")),
        (("--only", "nwe"), ("nwe", "new")),
        (("--jobs", "0"), ("--jobs", "at least 1")),
        (("--jobs", "-3"), ("--jobs", "at least 1")),
        (("--jobs", "many"), ("--jobs", "must be a number")),
        (("--timeout", "0"), ("--timeout", "more than 0 seconds")),
        (("--timeout", "-1"), ("--timeout", "more than 0 seconds")),
        (("--memory", "none"), ("--memory", "3G")),
        (("--limit", "0"), ("limit",)),
        (("--import", "no_such_module"), ("cannot import 'no_such_module'",)),
        (("--resume",), ("no unfinished run",)),
        (("--baseline", "no-such-folder"), ("no-such-folder",)),
        (("--modle", "bert"), ("--modle", "--model")),
        (("--db", "no/such/folder/a.duckdb"), ("there is no folder",)),
        (("--dtype", "floot16"), ("unknown dtype 'floot16'", "Nearest: float16")),
        (("bert", "gpt2"), ("no bare names", "archsweep run --model bert,gpt2")),
        (("--option", "soc"), ("--option soc: must be KEY=VALUE",)),
        (("--option", "soc=57"), ("no option 'soc' on cpu",)),
        (("--cache", "/proc/no-such-folder"), ("the cache /proc/no-such-folder cannot be written",)),
        (("--limit", "1", "--journal", "/proc/no-such-folder/j"), ("the journal /proc/no-such-folder/j cannot",)),
        (("--limit", "1", "--journal", "no-such-folder/j"), ("cannot be made: there is no folder", "no-such-folder")),
        (("--resume", "r7"), ("no unfinished run 'r7' in archsweep.duckdb.journals",)),
    ],
)
def test_run_refuses(command: Command, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    code, said = command("run", *words)
    assert code == 2, said
    for part in parts:
        assert part in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("rnu",), ("no verb 'rnu'", "run")),
        (("matrix",), ("there is no database",)),
        (("show", "bert"), ("there is no database",)),
        (("query", "select 1"), ("there is no database",)),
        (("repro", "bert/BertModel:cpu:parity"), ("there is no database",)),
        (("accept", "latest", "--output", "accepted"), ("there is no database",)),
        (("export", "latest", "run.jsonl"), ("there is no database",)),
        (("import", "no-such-file.jsonl"), ("no-such-file.jsonl",)),
        (("list", "models", "--model", "bret"), ("unknown model 'bret'", "bert")),
        (("list", "modles"), ("modles",)),
    ],
)
def test_other_verbs_refuse(command: Command, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    code, said = command(*words)
    assert code == 2, said
    for part in parts:
        assert part in said


def test_a_cell_of_another_platform_becomes_no_script(command: Command) -> None:
    results = [made.result(platform="openvino"), made.result("bert/BertForMaskedLM")]
    subjects = [made.subject(), made.subject("bert/BertForMaskedLM")]
    database.prepare(Path("a.duckdb"))
    append.append(Path("a.duckdb"), results, subjects, [made.environment()], run=made.run())
    code, said = command("repro", "bert/BertModel:openvino:parity", "--db", "a.duckdb")
    assert code == 2, said
    assert "is written for cpu alone; not for openvino" in said
    assert "archsweep run --class bert/BertModel --platform openvino --check parity" in said
    code, said = command("repro", "bert", "--db", "a.duckdb")
    assert (code, "'bert' is 2 cells" in said, "bert/BertForMaskedLM:cpu:parity" in said) == (2, True, True), said


def test_a_database_that_is_none(command: Command) -> None:
    Path("a.duckdb").write_bytes(b"no database at all " * 1000)
    code, said = command("run", "--model", "bert", "--db", "a.duckdb")
    assert (code, "is not a database" in said) == (2, True), said


@pytest.mark.parametrize("damage", ["truncated", "another version", "a folder", "empty"])
def test_a_database_that_is_damaged(command: Command, damage: str) -> None:
    file = Path("a.duckdb")
    if damage == "a folder":
        file.mkdir()
    else:
        database.prepare(file)
        results = [made.result(f"bert/Bert{number}", message="x" * 999) for number in range(3000)]
        append.append(file, results, [made.subject()], [made.environment()], run=made.run())
        content = file.read_bytes()
        cut, other = content[: len(content) // 2], content[:12] + b"\x07" + content[13:]
        held = {"truncated": cut, "empty": b"", "another version": other}
        file.write_bytes(held[damage])
    for words in (
        ("run", "--model", "bert", "--limit", "1"),
        ("matrix",),
        ("query", "select * from cells"),
        ("show", "bert"),
    ):
        code, said = command(*words, "--db", "a.duckdb")
        assert (code, "a.duckdb" in said) == (2, True), said
        assert "Traceback" not in said


def test_a_database_of_a_newer_archsweep(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    known = database._migrations()
    with monkeypatch.context() as patch:
        patch.setattr(database, "_migrations", lambda: [*known, ("9999_more.sql", "create table more (x integer)")])
        database.prepare(Path("a.duckdb"))
    for words in (("run", "--model", "bert"), ("matrix",)):
        code, said = command(*words, "--db", "a.duckdb")
        assert (code, "made by a newer archsweep" in said) == (2, True), said


def test_a_database_that_stays_locked(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    database.prepare(Path("a.duckdb"))
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    code = "import duckdb, sys; c = duckdb.connect('a.duckdb'); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for words in (("run", "--model", "bert"), ("query", "select 1")):
            ended, said = command(*words, "--db", "a.duckdb")
            assert (ended, f"locked by process {holder.pid}" in said) == (2, True), said


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is read-only for the superuser")
def test_a_database_that_is_read_only(command: Command) -> None:
    database.prepare(Path("a.duckdb"))
    Path("a.duckdb").chmod(0o444)
    code, said = command("run", "--model", "bert", "--db", "a.duckdb")
    assert (code, "read-only" in said) == (2, True), said


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[tool.archsweep]\n\njobs = 0\n", "pyproject.toml, line 3: jobs must be at least 1"),
        ("[tool.archsweep]\njbos = 1\n", "line 2: unknown setting 'jbos'"),
        ("[tool.archsweep\n", "is not TOML"),
    ],
)
def test_a_malformed_settings_file(command: Command, text: str, part: str) -> None:
    Path("pyproject.toml").write_text(text)
    code, said = command("run", "--model", "bert")
    assert (code, part in said) == (2, True), said


def test_a_baseline_that_is_none(command: Command) -> None:
    Path("accepted").mkdir()
    Path("accepted/bert.baseline.json").write_text('{\n "cases": {\n')
    code, said = command("run", "--model", "bert", "--baseline", "accepted")
    assert (code, "bert.baseline.json, line 3" in said) == (2, True), said


def test_malformed_overrides(tmp_path: Path, cache: Path) -> None:
    """Said at once, with file and line, and not once for each case."""
    copy = tmp_path / "src" / "archsweep"
    shutil.copytree(Path(archsweep.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (copy / "archs" / "overrides.toml").write_text("\n[bert]\nconfig = { hidden_size = 8 }\n")
    here = tmp_path / "here"
    here.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "ARCHSWEEP_CACHE": str(cache)}
    words = [sys.executable, "-c", "from archsweep.commands import main; main()", "run", "--model", "bert"]
    done = subprocess.run(words, env=environment, cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "overrides.toml:2: [bert] has no `why`" in done.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("accept", "latest", "--output", "/proc/nowhere"),
        ("export", "latest", "/proc/nowhere.gz"),
        ("export", "latest", "/no/such/folder/file.gz"),
    ],
)
def test_a_place_that_cannot_be_written(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "results.duckdb"
    database.prepare(path)
    append.append(path, [made.result()], [made.subject()], [made.environment()], run=made.run())
    code, said = command(*words, "--db", str(path))
    assert code == 2
    assert "Traceback" not in said
    assert words[-1].removesuffix(".gz").removesuffix("/file") in said


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\narchsweep = 3"])
def test_settings_that_are_no_table(command: Command, text: str) -> None:
    Path("pyproject.toml").write_text(text)
    code, said = command("list", "models")
    assert code == 2
    assert "must be a table" in said
