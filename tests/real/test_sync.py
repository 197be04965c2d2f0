"""`archsweep sync` with the installed transformers: a model folder is new, gets its file, and is known from then on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archsweep import settings
from archsweep.archs import catalog
from archsweep.archs.catalog import Catalog

NEW, FORMER = "vit", "vit_of_old"
HEAD = '"""Made by archsweep 0.1.0.\n"""\n\nfrom archsweep.testing import Architecture\n\nARCHITECTURES = [\n'


@pytest.fixture(scope="module")
def universe() -> Catalog:
    return catalog.load(cache=settings.cache_root())


def state_all_but(universe: Catalog, family: str, path: Path, **more: list[str]) -> None:
    """One generated file that states every model type but those of a folder, and these."""
    types: dict[str, list[str]] = dict(more)
    for subject in universe.subjects:
        if subject.mappings and subject.family != family:
            types.setdefault(subject.model_type, []).append(subject.class_name)
    calls = [
        f"    Architecture(model_type={name!r}, classes={ {key: {} for key in classes}!r}),\n"
        for name, classes in sorted(types.items())
    ]
    path.parent.mkdir(parents=True)
    path.write_text(f"{HEAD}{''.join(calls)}]\n", encoding="utf-8")


def sync(folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "archsweep", "sync", "--output-dir", "models", "--quiet", "--json", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def types(items: list[dict[str, Any]]) -> list[str]:
    return [item["model_type"] for item in items]


def test_what_is_new_gets_a_file_that_passes_and_results(universe: Catalog, tmp_path: Path) -> None:
    rest = tmp_path / "models" / "test_rest.py"
    state_all_but(universe, NEW, rest)
    before = rest.read_bytes()
    code, found, _ = sync(tmp_path)
    assert (code, types(found["new"]), found["counts"]["new"]) == (0, [NEW], 1)
    assert [path.name for path in tmp_path.iterdir()] == ["models"], "to look is not to write"

    code, found, said = sync(tmp_path, "--add-models", "--db", "r.duckdb", "--jobs", "1")
    assert (code, found["added"]["passed"], found["added"]["failed"]) == (0, [NEW], {}), said
    assert found["added"]["tests"] >= 2
    assert (tmp_path / "models" / f"test_{NEW}.py").is_file()
    assert rest.read_bytes() == before, "what is not new is not written anew"

    code, found, _ = sync(tmp_path, "--db", "r.duckdb")
    assert code == 0
    assert NEW not in types(found["new"])
    assert all(item["stated"] and not item["known"] for item in found["new"]), "only results lack the others"
    assert (found["gone"], found["changed"]) == ([], []), "the source is that of the results just kept"


def test_a_type_that_went_and_one_that_came_with_its_classes_are_one(universe: Catalog, tmp_path: Path) -> None:
    own = [subject.class_name for subject in universe.subjects if subject.model_type == NEW and subject.mappings]
    state_all_but(universe, NEW, tmp_path / "models" / "test_rest.py", **{FORMER: own, "phantom": ["PhantomModel"]})
    code, found, said = sync(tmp_path)
    assert code == 0
    assert [(pair["from"], pair["to"], pair["shared"]) for pair in found["renamed"]] == [(FORMER, NEW, sorted(own))]
    assert f"{FORMER} -> {NEW}" in said
    assert (types(found["gone"]), found["new"]) == (["phantom"], [])
