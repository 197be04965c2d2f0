"""The catalog on disk: fresh, stale, damaged; no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_facts import CATALOG

from archsweep.archs import catalog_cache
from archsweep.archs.catalog import Catalog, Fault, load

FAULT = Fault(model_type="apple", class_name="AppleModel", reason="needs a spoon")
STORED = Catalog(transformers_version="5.0.0", subjects=CATALOG.subjects, faults=(FAULT,))


def refuse() -> Catalog:
    raise AssertionError("scanned, though the catalog on disk was fresh")


def test_the_second_load_comes_from_disk_and_is_equal(tmp_path: Path) -> None:
    assert load(cache=tmp_path, scan=lambda: STORED) == STORED
    assert load(cache=tmp_path, scan=refuse) == STORED


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"transformers_version": 1}', '{"subjects": [{}], "x": 0}'])
def test_a_damaged_entry_is_made_again(tmp_path: Path, damage: str) -> None:
    load(cache=tmp_path, scan=lambda: STORED)
    (entry,) = (tmp_path / "catalog").iterdir()
    entry.write_text(damage)
    assert load(cache=tmp_path, scan=lambda: STORED) == STORED
    assert load(cache=tmp_path, scan=refuse) == STORED


def test_refresh_scans_again(tmp_path: Path) -> None:
    load(cache=tmp_path, scan=lambda: STORED)
    assert load(cache=tmp_path, scan=lambda: CATALOG, refresh=True) == CATALOG


def test_a_cache_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "catalog").write_text("a file where the folder should be")
    assert load(cache=tmp_path, scan=lambda: STORED) == STORED


def test_the_key_follows_the_content_of_imported_modules_and_what_lies_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "orchard.py").write_text("import orchard_trees\n")
    (tmp_path / "orchard_trees.py").write_text("HEIGHT = 1\n")
    first = catalog_cache.key(["orchard"])
    assert catalog_cache.key(["orchard"]) == first != catalog_cache.key()
    (tmp_path / "orchard_trees.py").write_text("HEIGHT = 2\n")
    second = catalog_cache.key(["orchard"])
    (tmp_path / "orchard.py").write_text("import orchard_trees  # changed\n")
    assert len({first, second, catalog_cache.key(["orchard"])}) == 3


def test_the_key_follows_installed_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalog_cache.key()
    info = tmp_path / "natten-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: natten\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert catalog_cache.key() != before


def test_the_key_follows_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalog_cache.key()
    info = tmp_path / "orchard-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: orchard\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[archsweep.architectures]\norchard = orchard_of_nowhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert catalog_cache.key() != before


def test_the_key_is_made_without_torch_and_transformers() -> None:
    code = "import sys\nfrom archsweep.archs import catalog_cache\ncatalog_cache.key()\n"
    code += "assert not {'torch', 'transformers'} & set(sys.modules), 'imported'"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
