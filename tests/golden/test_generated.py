"""Generated files are the same bytes anywhere: examples/generated against what is made in another folder, time zone and
locale, from nothing but the catalog. `UPDATE_GOLDEN=1 pytest tests/golden/test_generated.py` writes them anew."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsweep import settings
from archsweep.archs import catalog
from archsweep.archs.catalog import Catalog
from archsweep.contract import Architecture as Kind
from archsweep.testing import Architecture

EXPECTED = Path(__file__).parents[2] / "examples" / "generated"
FILES = sorted(EXPECTED.glob("test_*.py"))
FAMILIES = [path.stem.removeprefix("test_") for path in FILES]
ELSEWHERE = {"TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "tr_TR"}

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def universe() -> Catalog:
    return catalog.load(cache=settings.cache_root())


@pytest.fixture(scope="module")
def folder(universe: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a cache that has the catalog, and no specification."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(settings.cache_root() / "catalog", folder / "cache" / "catalog")
    return folder


@pytest.fixture(scope="module")
def command(folder: Path) -> Command:
    """`archsweep generate` with the files' families, elsewhere."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARCHSWEEP_")}
    environment |= {**ELSEWHERE, "PYTHONHASHSEED": "17", "HF_HUB_OFFLINE": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "archsweep", "generate", *FAMILIES, "--cache", "cache", "--quiet", *words]
        return subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def made(folder: Path, command: Command) -> Path:
    """The files, made anew."""
    done = command("--output-dir", "some/other folder")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((folder / "cache" / "specifications").iterdir()), "what was found is kept"
    return folder / "some" / "other folder"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_file_is_the_same_bytes_wherever_it_is_made(file: Path, made: Path) -> None:
    content = (made / file.name).read_bytes()
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_bytes(content)
    assert content == file.read_bytes()


def test_nothing_else_is_made(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == [path.name for path in FILES]


def test_what_was_kept_gives_the_same_again(made: Path, command: Command) -> None:
    done = command("--check", "--output-dir", str(EXPECTED))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"0 stale (0 new, 0 changed), {len(FILES)} as they are" in done.stderr


@pytest.mark.parametrize("words", [("format", "--diff"), ("check",)], ids=lambda words: str(words[0]))
def test_a_formatter_and_a_linter_with_their_own_settings_find_nothing(words: tuple[str, ...]) -> None:
    asked = [sys.executable, "-m", "ruff", *words, "--isolated", "--no-cache", *map(str, FILES)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def evaluated(file: Path) -> list[Architecture]:
    space: dict[str, Any] = {}
    exec(compile(file.read_text(encoding="utf-8"), file.name, "exec"), space)
    found: list[Architecture] = space["ARCHITECTURES"]
    return found


def test_the_examples_are_of_every_category_and_of_every_architecture(universe: Catalog) -> None:
    shown = [item for file in FILES for item in evaluated(file)]
    assert {item.category for item in shown} == {subject.category for subject in universe.subjects if subject.is_base}
    assert {item.architecture for item in shown} == {*map(str, Kind)}
    assert any(own.get("lacks") for item in shown for own in item.classes.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_file_has_every_class_of_its_folder_that_an_auto_mapping_has(file: Path, universe: Catalog) -> None:
    family = file.stem.removeprefix("test_")
    known = {item.id: item for item in universe.subjects if item.family == family and item.mappings}
    stated = {item.subject(name): (item, own) for item in evaluated(file) for name, own in item.classes.items()}
    assert {*stated} == {*known}
    for id, (_, own) in stated.items():
        assert tuple(own.get("tasks", ())) == known[id].tasks


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_file_tells_nothing_of_when_and_where_it_was_made(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert re.search(r"20\d\d-\d\d|\d\d:\d\d", text) is None
    assert re.search(r"[\"' (]/\w+/", text) is None
    assert max(map(len, text.splitlines())) <= 88
