"""Kill anything at any time: nothing is lost, nothing counts twice, nobody is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsweep.run import journal
from archsweep.run.keeping import unfinished

MODELS = "model_sound,program_raises,program_refuses,program_lacks,program_exits,model_hangs"
PLANNED = 12
PROGRAM = "from archsweep.commands import main; main()"
PATIENCE_S = 180.0


def start(trouble: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, "run", "--quiet", "--json", "--jobs", "1", *words]
    environment = {**os.environ, "ARCHSWEEP_CACHE": str(trouble / "cache")}
    return subprocess.Popen(
        command, env=environment, cwd=trouble, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def sweep_words(file: Path) -> list[str]:
    return ["--import", "trouble", "--model", MODELS, "--timeout", "8", "--journal", str(file)]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def results(file: Path) -> list[str]:
    if not file.exists():
        return []
    return [
        value["case"]["subject"] + ":" + value["case"]["check"]
        for kind, value in journal.read(file)
        if kind == "result"
    ]


def children(process: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert output.strip(), errors
    return process.returncode, json.loads(output.strip().splitlines()[-1])


def check_complete(file: Path, summary: dict[str, Any]) -> None:
    names = results(file)
    assert len(names) == len(set(names)) == PLANNED == summary["planned"]
    assert summary["by_status"] == {"pass": 10, "timeout": 2}
    assert unfinished(file) is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_or_interrupted_sweep_goes_on_where_it_was(
    trouble: Path, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "run.jsonl"
    first = start(trouble, *sweep_words(file))
    wait_for(lambda: results(file), "a first result")
    zygotes = children(first.pid)
    workers = [worker for zygote in zygotes for worker in children(zygote)]
    first.send_signal(number)
    first.communicate(timeout=PATIENCE_S)
    assert first.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    wait_for(lambda: not any(map(alive, zygotes + workers)), "the zygote and its workers to be gone")
    before = unfinished(file)
    assert before is not None
    assert 0 < len(before[1]) < PLANNED
    code, summary = finish(start(trouble, "--resume", "--journal", str(file)))
    assert code == 1
    assert summary["run"] == before[0].run
    assert summary["executed"] == PLANNED - len(before[1])
    check_complete(file, summary)


def test_a_killed_zygote_is_replaced_and_nobody_is_blamed(trouble: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    sweep = start(trouble, *sweep_words(file))
    wait_for(lambda: results(file), "a first result")
    os.kill(children(sweep.pid)[0], signal.SIGKILL)
    code, summary = finish(sweep)
    assert code == 1
    check_complete(file, summary)


def test_a_finished_or_foreign_journal_is_not_resumed_or_overwritten(trouble: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    words = ["--import", "trouble", "--model", "model_sound", "--journal", str(file)]
    code, _ = finish(start(trouble, *words))
    assert code == 0
    content = file.read_bytes()
    for again in (words, ["--resume", "--journal", str(file)]):
        process = start(trouble, *again)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 2
        assert "error:" in errors
    assert file.read_bytes() == content
