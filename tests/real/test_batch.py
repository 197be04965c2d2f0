"""`archsweep batch` for one small model folder: chosen, generated, run, recorded; next again until it passes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NARROWED = ("--phase", "1", "--category", "vision", "--jobs", "1", "--json")  # one folder, of the smallest


FAILING = """import pytest

@pytest.fixture(autouse=True)
def spoiler():
    raise OSError("made to fail")
"""


def batch(folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "archsweep", "batch", *words, *NARROWED],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_a_folder_is_next_until_its_file_passes_and_then_done(tmp_path: Path) -> None:
    spoiler = tmp_path / "tests" / "models" / "conftest.py"
    spoiler.parent.mkdir(parents=True)
    spoiler.write_text(FAILING)
    code, found, said = batch(tmp_path, "3")
    (first,) = found["chosen"]
    family = first["family"]
    assert (code, found["passed"], found["waiting"], first["why"]) == (1, [], 1, "never tried"), said
    assert "made to fail" in found["failed"][family]
    assert (spoiler.parent / first["file"]).is_file(), "a file that fails stays"

    spoiler.unlink()
    code, found, said = batch(tmp_path, "3")
    assert (code, found["passed"], found["failed"], found["waiting"]) == (0, [family], {}, 0), said
    assert f"1 of 1: tests/models/{first['file']}: {found['tests']} tests passed" in said

    code, found, _ = batch(tmp_path, "3", "--dry-run")
    assert (code, found["chosen"], found["waiting"]) == (0, [], 0)
