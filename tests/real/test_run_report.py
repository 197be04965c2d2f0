"""`run --report`: written when a sweep ends, from the database or from a journal, and when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

PROGRAM = "from archsweep.commands import main; main()"
SOUND, FAILING = "bert/BertModel", "latecomer/LatecomerModel"
PATIENCE_S = 400.0


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A sweep of a class that passes, and of one that waits for a gate and then fails."""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "src")]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ARCHSWEEP_")}
    environment = {
        **mine, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1", "ARCHSWEEP_CACHE": str(folder / "cache"),
        "ARCHSWEEP_IMPORTS": "newcomer", "NEWCOMER_GATE": str(folder / "gate"),
    }  # fmt: skip
    command = [sys.executable, "-c", PROGRAM, "run", "--quiet", "--class", f"{SOUND},{FAILING}", "--jobs", "1", *words]
    return subprocess.Popen(
        command, env=environment, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output, errors


@pytest.mark.parametrize("place", ["--db", "--journal"])
def test_the_reports_of_a_sweep_are_written_when_it_ends(tmp_path: Path, place: str) -> None:
    (tmp_path / "gate").touch()
    code, output, errors = ended(
        start(tmp_path, place, "kept", "--report", "run.html", "--report", "run.xml", "--report", "run.json")
    )
    assert code == 1, output + errors
    assert [line for line in output.splitlines() if line.startswith("report: ")] == [
        "report: run.html", "report: run.xml", "report: run.json",
    ]  # fmt: skip
    assert "1 of 2 verified on 1 platform" in (tmp_path / "run.html").read_text(encoding="utf-8")
    assert len(list(ElementTree.parse(tmp_path / "run.xml").iter("testcase"))) == 4
    found = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    (cause,) = found["causes"]
    assert (cause["wins"], cause["statuses"], cause["message"]) == (
        ["latecomer"], {"error": 2}, "ValueError: the latecomer never arrives",
    )  # fmt: skip


def test_an_interrupted_sweep_reports_what_it_has(tmp_path: Path) -> None:
    process = start(tmp_path, "--db", "kept.duckdb", "--report", "run.json")
    journals = tmp_path / "kept.duckdb.journals"
    deadline = time.monotonic() + PATIENCE_S
    while sum(path.read_text().count('"result"') for path in journals.glob("*.jsonl")) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    code, output, errors = ended(process)
    assert code == 130, output + errors
    found = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (found["results"], found["finished_at"], found["by_status"]) == (2, "", {"pass": 2})
