"""`archsweep sync` over a stored catalog, files and a database that were made up; no torch."""

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
from archsweep.contract import Subject
from archsweep.store import append, database

HEAD = '"""Made by archsweep 0.1.0.\n"""\n\nfrom archsweep.testing import Architecture\n\nARCHITECTURES = '
Verb = Callable[..., tuple[int, str, str]]


def here(name: str) -> Subject:
    return dataclasses.replace(made.subject(name), class_module="orchard.trees")


@pytest.fixture
def sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs `archsweep sync` in a folder whose catalog has fig, kiwi and pear."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    subjects = (here("fig/FigModel"), here("kiwi/KiwiModel"), here("pear/PearModel"))
    catalog_cache.write(
        tmp_path / "cache" / "catalog", catalog_cache.key(), Catalog(transformers_version="5.23.0", subjects=subjects)
    )

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", "sync", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return int(ending.value.code or 0), printed.out, printed.err

    return run


def state(folder: Path, **types: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, class_name in types.items():
        call = f'Architecture(model_type="{name}", classes={{"{class_name}": {{}}}})'
        (folder / f"test_{name}.py").write_text(f"{HEAD}[{call}]\n")


def keep(path: Path, *names: str, source: str = "a1", **other: Any) -> None:
    """A database with a result of each of these classes."""
    database.prepare(path)
    with database.writing(path) as connection:
        append.insert_run(connection, made.run())
    results = [made.result(name, details={"source": source}, **other) for name in names]
    append.append(path, results, [here(name) for name in names], [made.environment(transformers="5.22.0")])


def told(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_with_nothing_to_compare_with_everything_is_new(sync: Verb, tmp_path: Path) -> None:
    before = contents(tmp_path)
    code, said, _ = sync("--json")
    assert code == 0
    assert [item["model_type"] for item in told(said)["new"]] == ["fig", "kiwi", "pear"]
    assert "3 new, 0 gone, 0 renamed, 0 changed" in said
    assert "the same command with --add-models" in said
    assert contents(tmp_path) == before, "to look is not to write"


def test_every_kind_is_shown_and_nothing_is_written(sync: Verb, tmp_path: Path) -> None:
    state(Path("models"), quince="QuinceModel", plum="PearModel", fig="FigModel")
    Path("models/test_mine.py").write_text("assert 1\n")
    keep(Path("r.duckdb"), "fig/FigModel", "pear/PearModel")
    before = contents(tmp_path)
    code, said, _ = sync("--output-dir", "models", "--db", "r.duckdb", "--dry-run", "--json")
    assert code == 0
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "new kiwi KiwiModel no file, no result" in lines
    assert "gone quince QuinceModel stated by models/test_quince.py" in lines
    assert "renamed plum -> pear PearModel shares PearModel; stated by models/test_plum.py" in lines
    assert "changed fig FigModel other source than under transformers 5.22.0" in lines
    assert "left alone: models/test_mine.py: not made by archsweep" in lines
    summary = told(said)
    assert summary["counts"] == {"new": 1, "gone": 1, "renamed": 1, "changed": 2}
    assert [(pair["from"], pair["to"]) for pair in summary["renamed"]] == [("plum", "pear")]
    assert summary["left_alone"] == {"models/test_mine.py": "not made by archsweep"}
    assert contents(tmp_path) == before


def test_where_all_is_known_nothing_is_said_of_adding(sync: Verb) -> None:
    state(Path("tests/models"), fig="FigModel", kiwi="KiwiModel", pear="PearModel")
    code, said, _ = sync()
    assert (code, "0 new, 0 gone, 0 renamed, 0 changed" in said, "--add-models" in said) == (0, True, False)
    code, said, _ = sync("--add-models", "--json")
    assert (code, told(said)["added"]["passed"]) == (0, [])


def test_many_lines_of_one_kind_are_cut_and_json_has_them_all(sync: Verb) -> None:
    state(Path("tests/models"), **{f"old_{number}": f"Old{number}Model" for number in range(30)})
    _, said, _ = sync("--json")
    assert "… and 10 more" in said
    assert sum(line.startswith("gone") for line in said.splitlines()) == 21
    assert len(told(said)["gone"]) == 30


def test_results_of_real_weights_know_no_architecture(sync: Verb) -> None:
    keep(Path("r.duckdb"), "quince/QuinceModel", weights="quince@main")
    keep(Path("s.duckdb"), "quince/QuinceModel")
    assert told(sync("--db", "r.duckdb", "--json")[1])["gone"] == []
    assert [item["model_type"] for item in told(sync("--db", "s.duckdb", "--json")[1])["gone"]] == ["quince"]


def test_the_newest_result_that_has_a_source_speaks(sync: Verb) -> None:
    keep(Path("r.duckdb"), "fig/FigModel", source="a1")
    environment = made.environment("f2", transformers="5.23.0")
    later = {"fingerprint": "f2", "at": "2026-11-23T10:00:00Z"}
    untried = made.result("fig/FigModel", "parity", "unavailable", evidence="none", details={}, **later)
    append.append(Path("r.duckdb"), [untried], [here("fig/FigModel")], [environment])
    (changed,) = told(sync("--db", "r.duckdb", "--json")[1])["changed"]
    assert (changed["edited"], changed["since"]) == (["FigModel"], "5.22.0")
    fresh = made.result("fig/FigModel", "forward", details={"source": ""}, **later)
    append.append(Path("r.duckdb"), [fresh], [here("fig/FigModel")], [environment])
    assert told(sync("--db", "r.duckdb", "--json")[1])["changed"] == [changed]
    newest = made.result("fig/FigModel", "generate", details={"source": "b2"}, **later)
    append.append(Path("r.duckdb"), [newest], [here("fig/FigModel")], [environment])
    assert told(sync("--db", "r.duckdb", "--json")[1])["changed"][0]["since"] == "5.23.0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--db", "none.duckdb"), "there is no database at none.duckdb"),
        (("--dry-run", "--add-models"), "Take one."),
        (("--add-models", "--db", "no/such/r.duckdb"), "there is no folder"),
        (("more",), "unexpected extra argument"),
    ],
)
def test_wrong_usage_ends_with_2_and_writes_nothing(
    words: tuple[str, ...], said: str, sync: Verb, tmp_path: Path
) -> None:
    before = contents(tmp_path)
    code, _, errors = sync(*words)
    assert code == 2
    assert said in errors
    assert contents(tmp_path) == before


def test_add_models_leaves_a_file_by_hand_alone(sync: Verb, tmp_path: Path) -> None:
    state(Path("tests/models"), fig="FigModel", pear="PearModel")
    Path("tests/models/test_kiwi.py").write_text("assert 1\n")
    before = contents(tmp_path)
    code, said, _ = sync("--add-models")
    assert code == 0
    assert "nothing to add" in said
    assert "left alone: tests/models/test_kiwi.py: not made by archsweep" in said
    assert contents(tmp_path) == before
