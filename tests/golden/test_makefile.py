"""What the Makefile does when a step ends badly; in archsweep's place stands a program that ends as it is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """#!/bin/sh
echo "$@" >> called
case "$*" in
  *present*) exit $SECOND ;;
  run*) exit $FIRST ;;
  setup*) exit $SETUP ;;
  matrix*) echo the matrix ;;
  report*) echo made > report.html; exit $REPORTED ;;
  dashboard*) mkdir -p site; echo made > site/index.html ;;
esac
"""


def make(folder: Path, target: str, **codes: int) -> subprocess.CompletedProcess[str]:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        if not (folder / name).exists():
            shutil.copyfile(ROOT / name, folder / name)
    program = folder / ".venv" / "bin" / "archsweep"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)
    for name in (".created", ".installed", ".developed"):
        if not (folder / ".venv" / name).exists():
            (folder / ".venv" / name).touch()
    known = {"PATH": "/usr/bin:/bin", "FIRST": "0", "SECOND": "0", "SETUP": "0", "REPORTED": "0"}
    return subprocess.run(
        ["make", "-C", str(folder), target], env=known | {name: str(code) for name, code in codes.items()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize(
    ("first", "second", "runs", "code"), [(0, 0, 2, 0), (1, 1, 2, 0), (1, 3, 2, 3), (3, 0, 1, 3), (2, 0, 1, 2)]
)
def test_a_sweep_always_ends_with_its_views_and_where_they_are(
    tmp_path: Path, first: int, second: int, runs: int, code: int
) -> None:
    done = make(tmp_path, "sweep", FIRST=first, SECOND=second)
    assert "the matrix\n" in done.stdout
    assert f"results:   {tmp_path}/archsweep.duckdb" in done.stdout
    assert f"report:    {tmp_path}/report.html\n" in done.stdout
    assert f"dashboard: {tmp_path}/site/index.html" in done.stdout
    calls = (tmp_path / "called").read_text().splitlines()
    assert len([call for call in calls if call.startswith("run --base ")]) == runs
    assert done.returncode == (2 if code else 0)  # what make itself ends with
    assert f"Error {code}" in done.stderr or not code


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_a_view_that_cannot_be_made_is_told_by_the_code_and_hides_no_other(tmp_path: Path) -> None:
    done = make(tmp_path, "sweep", REPORTED=2)
    assert "Error 2" in done.stderr
    assert "report:    not made\n" in done.stdout
    assert f"dashboard: {tmp_path}/site/index.html" in done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_a_browser_that_could_not_be_set_up_is_tried_again(tmp_path: Path) -> None:
    for setup, tried in ((1, 1), (0, 2), (0, 2)):
        done = make(tmp_path, ".venv/.browser", SETUP=setup)
        assert done.returncode == 0, done.stderr
        assert len((tmp_path / "called").read_text().splitlines()) == tried
