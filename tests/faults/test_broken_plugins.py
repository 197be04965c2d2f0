"""A platform of another package that does not load: who asks for it is told, and nobody else is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import archsweep

PROGRAM = "from archsweep.commands import main; main()"
CONTENT = {
    "missing": ("import a_library_that_is_not_here", "No module named 'a_library_that_is_not_here'"),
    "unfit": ("raise TypeError('descriptors cannot be created')", "TypeError: descriptors cannot be created"),
    "hollow": ("title = 'Odd'", "has no priority, capabilities, probe, compile"),
}


def plant(folder: Path, content: str) -> None:
    """An installed package whose platform `odd` is this."""
    (folder / "odd_platform.py").write_text(content)
    about = folder / "odd_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[archsweep.platforms]\nodd = odd_platform\n")


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    paths = [str(folder), str(Path(archsweep.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env=environment, cwd=folder, text=True, capture_output=True,
        timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", CONTENT)
def test_who_asks_for_it_is_told_which_package_and_others_are_listed(name: str, tmp_path: Path) -> None:
    content, told = CONTENT[name]
    plant(tmp_path, content)
    done = call(tmp_path, "run", "--base", "--model", "bert", "--platform", "cpu,odd", "--db", "x.duckdb")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "platform 'odd' of the package 'odd-package' does not load" in done.stderr
    assert told in done.stderr
    assert "pip uninstall odd-package" in done.stderr
    listed = call(tmp_path, "list", "platforms", "--json")
    assert listed.returncode == 0, listed.stderr
    names = [row["platform"] for row in json.loads(listed.stdout)]
    assert "cpu" in names
    assert "odd" not in names


def test_a_run_on_another_platform_goes_on_and_doctor_says_why_it_is_absent(tmp_path: Path) -> None:
    plant(tmp_path, CONTENT["unfit"][0])
    words = ("--base", "--model", "bert", "--db", "x.duckdb", "--cache", "cache", "--jobs", "1", "--quiet")
    done = call(tmp_path, "run", "--platform", "cpu", *words)
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHSWEEP_CACHE", str(tmp_path / "nothing"))  # no browser: it is not what is asked for here
        asked = call(tmp_path, "doctor", "--json")
    assert asked.returncode == 0, asked.stderr
    (odd,) = [item for item in json.loads(asked.stdout)["platforms"] if item["name"] == "odd"]
    assert not odd["present"]
    assert "TypeError: descriptors cannot be created" in odd["reason"]
