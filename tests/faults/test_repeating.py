"""A failing cell prints the command that repeats it alone: run as it stands, it ends the same way."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGINS = str(Path(__file__).parent / "plugins")
PROGRAM = (
    f"import archsweep.platforms as p; p.__path__.append({PLUGINS!r}); from archsweep.commands import main; main()"
)
PATIENCE_S = 300.0


def call(folder: Path, trouble: Path, *words: str) -> tuple[int, str]:
    environment = {**os.environ, "ARCHSWEEP_CACHE": str(trouble / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env=environment, cwd=folder, text=True, capture_output=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode, done.stdout


def cells(folder: Path, trouble: Path) -> list[dict[str, Any]]:
    sql = """select "case", dtype, options, status, stage, error_class, run
        from results r join errors e on e.result = r.id order by 1"""
    code, output = call(folder, trouble, "query", sql, "--json", "--db", "sweep.duckdb")
    assert code == 0, output
    rows: list[dict[str, Any]] = json.loads(output)
    return rows


@pytest.fixture(scope="module")
def swept(trouble: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A sweep in which every case fails, for the platform's mood or for its deadline; and what it printed."""
    folder = tmp_path_factory.mktemp("repeating")
    code, output = call(
        folder, trouble, "run", "--quiet", "--import", "trouble", "--model", "program_lacks,model_hangs",
        "--platform", "troubled", "--dtype", "float16", "--option", "mood=sour", "--check", "parity", "--timeout", "6",
        "--db", "sweep.duckdb",
    )  # fmt: skip
    assert code == 1
    return folder, output


def test_every_finding_is_repeated_alone_by_the_command_that_it_prints(swept: tuple[Path, str], trouble: Path) -> None:
    folder, output = swept
    before = cells(folder, trouble)
    assert {row["status"] for row in before} == {"error", "timeout"}
    assert {(row["dtype"], row["options"]) for row in before} == {("float16", '{"mood":"sour"}')}
    printed = [line.strip() for line in output.splitlines() if line.strip().startswith("archsweep run --class")]
    assert len(printed) == len(before) == 2
    for line in printed:
        code, said = call(folder, trouble, *shlex.split(line)[1:], "--quiet", "--json", "--strict")
        summary = json.loads(said.splitlines()[-1])
        assert (code, summary["planned"], summary["executed"]) == (1, 1, 1)
    after = [row for row in cells(folder, trouble) if row["run"] != before[0]["run"]]
    assert [{**row, "run": ""} for row in after] == [{**row, "run": ""} for row in before]


def test_show_prints_the_same_command_as_the_sweep(swept: tuple[Path, str], trouble: Path) -> None:
    folder, output = swept
    for row in cells(folder, trouble):
        code, shown = call(folder, trouble, "show", row["case"], "--json", "--db", "sweep.duckdb")
        assert code == 0
        assert json.loads(shown)["repeat"] in output
