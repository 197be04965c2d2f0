"""`archsweep test NAME` of a model type and of a class: all that is known of it, and every check on tiny models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from archsweep import registry
from archsweep.commands import main

Verb = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verb(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Verb:
    """Runs `archsweep test` in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", "test", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return called


def test_a_class_is_asked_all_that_is_usual_and_a_model_type_is_all_its_mapped_classes(verb: Verb) -> None:
    given = ("--db", "r.duckdb", "--jobs", "1", "--quiet", "--json")
    code, said, errors = verb("vit/ViTModel", *given)
    assert code == 0, said + errors
    cells = {line.split()[0] for line in said.splitlines() if line.startswith("vit/ViTModel:")}
    usual = {name for name, check in registry.loadable("checks").items() if not getattr(check, "costly", False)}
    assert cells == {f"vit/ViTModel:cpu:{check}" for check in usual}
    assert json.loads(said.splitlines()[-1])["known"]["classes"] == ["ViTModel"]

    code, said, errors = verb("vit", "--check", "forward", *given)
    assert code == 0, said + errors
    known = json.loads(said.splitlines()[-1])["known"]
    assert (known["category"], known["phase"], known["base_class"]) == (["vision"], 1, "ViTModel")
    assert known["checkpoint"].startswith("google/vit")
    assert len(known["classes"]) > 2
    for name in known["classes"]:
        assert any(line.startswith(f"vit/{name}:cpu:forward ") and "pass" in line for line in said.splitlines())
    facts = dict(line.split(maxsplit=1) for line in said.splitlines() if len(line.split()) > 1)
    assert (facts["category"].strip(), facts["architecture"].strip()) == ("vision", "encoder-only")
    assert facts["priority"].strip() == "high"
    assert f"{len(usual) - 1} more of earlier runs: archsweep show vit --db r.duckdb" in said


def test_a_folder_of_that_name_wins_and_is_said(verb: Verb, tmp_path: Path) -> None:
    Path("vit").mkdir()
    code, said, errors = verb("vit", "--db", "r.duckdb", "--quiet")
    assert code == 2
    assert "vit is a folder here, and a model type too. The folder is taken" in said
    assert "has no config.json" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["vit"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("vitt", "vit"), ("vit/ViTModle", "vit/ViTModel"), ("ViTModel", "vit/ViTModel"), ("nobody/vit", "vit"),
        ("no such thing", "none"),
    ],
)  # fmt: skip
def test_what_is_nothing_at_all_ends_with_2_and_what_is_near(name: str, near: str, verb: Verb, tmp_path: Path) -> None:
    code, _, errors = verb(name, "--quiet")
    assert code == 2
    assert f"nearest: {near}" in errors
    assert not any(tmp_path.iterdir())
    if " " not in name:
        assert "the name is unknown, or its files are not cached" in errors


@pytest.mark.parametrize("flag", ["--allow-pickle", "--trust-remote-code"])
def test_flags_for_checkpoints_are_refused_for_architectures(flag: str, verb: Verb, tmp_path: Path) -> None:
    code, _, errors = verb("vit", flag)
    assert code == 2
    assert "is for the files of a checkpoint, and vit is a model type" in errors
    assert not any(tmp_path.iterdir())
