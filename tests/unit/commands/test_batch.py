"""`archsweep batch` as far as it chooses: over a stored catalog and a made-up database; no torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import made_results as made
from archsweep.archs import catalog_cache
from archsweep.archs.catalog import Catalog
from archsweep.commands import main
from archsweep.contract import Priority, RunRecord, Subject
from archsweep.store import append, database

Verb = Callable[..., tuple[int, str, str]]


def placed(name: str, phase: int, priority: Priority = Priority.CRITICAL) -> Subject:
    return dataclasses.replace(made.subject(name), phase=phase, priority=priority)


UNIVERSE = (
    placed("apple/AppleModel", 2), placed("fig/FigModel", 1, Priority.HIGH), placed("kiwi/KiwiModel", 1),
    placed("pear/PearModel", 1),
)  # fmt: skip


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs `archsweep batch` in a folder whose catalog has four model folders in two phases."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path / "cache"))
    stored = Catalog(transformers_version="5.23.0", subjects=UNIVERSE)
    catalog_cache.write(tmp_path / "cache" / "catalog", catalog_cache.key(), stored)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", "batch", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return int(ending.value.code or 0), printed.out, printed.err

    return run


def keep(path: Path, name: str, *endings: str, file: str = "", version: str = "5.23.0") -> None:
    """A run that collected a file and kept how forward and parity of a class ended."""
    run = made.run(f"run of {name}")
    settings = {**run.settings, **({"files": {file: "0" * 16}} if file else {})}
    environment = made.environment(f"f{version}", transformers=version)
    checks = zip(("forward", "parity"), endings, strict=False)
    results = [made.result(name, check, status, run=run.run, fingerprint=environment.id) for check, status in checks]
    subject = next(item for item in UNIVERSE if item.id == name)
    database.prepare(path)
    append.append(path, results, [subject], [environment], run=RunRecord(run=run.run, started_at=run.started_at,
                                                                         version="0.1", settings=settings))  # fmt: skip


def chosen(output: str) -> list[tuple[str, str]]:
    return [(item["family"], item["why"]) for item in told(output)["chosen"]]


def told(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def test_the_next_are_by_phase_then_priority_then_name(batch: Verb, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    code, said, _ = batch("3", "--dry-run", "--json")
    assert code == 0
    assert chosen(said) == [("kiwi", "never tried"), ("pear", "never tried"), ("fig", "never tried")]
    assert told(said)["waiting"] == 4
    assert "3 model folders next, 1 after that" in said
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before, "to look is not to write"


def test_what_is_done_is_not_next_and_what_failed_is(batch: Verb) -> None:
    path = Path("archsweep.duckdb")
    keep(path, "kiwi/KiwiModel", "pass", "pass", file="test_kiwi.py")
    keep(path, "pear/PearModel", "pass", "fail", file="test_pear.py")
    keep(path, "fig/FigModel", "pass", "pass")
    keep(path, "apple/AppleModel", "pass", "pass", file="test_apple.py", version="5.22.0")
    assert chosen(batch("9", "--dry-run", "--json")[1]) == [
        ("pear", "parity: fail"), ("fig", "FigModel passes, and no file of it was run"),
        ("apple", "tried only under transformers 5.22.0"),
    ]  # fmt: skip
    assert [family for family, _ in chosen(batch("9", "--dry-run", "--json", "--untried")[1])] == ["fig", "apple"]


@pytest.mark.parametrize(
    ("words", "families"),
    [
        (("--phase", "2"), ["apple"]),
        (("--phase", "1,2", "--priority", "high"), ["fig"]),
        (("--category", "text-encoders", "--phase", "1"), ["kiwi", "pear", "fig"]),
    ],
)
def test_flags_narrow_what_is_next(words: tuple[str, ...], families: list[str], batch: Verb) -> None:
    assert [family for family, _ in chosen(batch("9", "--dry-run", "--json", *words)[1])] == families


def test_a_file_by_hand_is_left_alone_and_the_next_takes_its_turn(batch: Verb) -> None:
    Path("models").mkdir()
    Path("models/test_kiwi.py").write_text("assert 1\n")
    code, said, _ = batch("1", "--output-dir", "models", "--dry-run", "--json")
    assert (code, [family for family, _ in chosen(said)]) == (0, ["pear"])
    assert told(said)["left_alone"] == ["models/test_kiwi.py"]
    assert "left alone: models/test_kiwi.py: written by hand" in said


def test_where_all_is_done_nothing_is_chosen(batch: Verb, tmp_path: Path) -> None:
    for subject in UNIVERSE:
        keep(Path("r.duckdb"), subject.id, "pass", "pass", file=f"test_{subject.family}.py")
    code, said, _ = batch("2", "--db", "r.duckdb", "--json")
    assert (code, told(said)["chosen"], told(said)["waiting"]) == (0, [], 0)
    assert not (tmp_path / "tests").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0",), "0 is not in the range"),
        (("-3",), "No such option"),
        (("many",), "'many' is not a valid integer"),
        ((), "Missing argument 'N'"),
        (("1", "--phase", "9"), "unknown phase '9'"),
        (("1", "--category", "text-encoder"), "Nearest: text-encoders"),
        (("1", "--phase", ","), "--phase is empty"),
        (("1", "--db", "no/such/r.duckdb"), "there is no folder"),
        (("1", "--db", "/proc/r.duckdb"), "cannot create /proc/r.duckdb"),
    ],
)
def test_wrong_usage_ends_with_2_and_writes_nothing(
    words: tuple[str, ...], said: str, batch: Verb, tmp_path: Path
) -> None:
    code, _, errors = batch(*words)
    assert code == 2
    assert said in errors
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
