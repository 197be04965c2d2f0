"""Kill anything at any time: nothing is lost, nothing counts twice, nobody is left behind."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
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
from archsweep.store import read

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


def marked(mark: str) -> list[int]:
    """Processes in whose environment `mark` stands, but for those that have ended."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes() and alive(int(folder.name)):
                found.append(int(folder.name))
    return found


def test_killed_at_any_moment_again_and_again_it_still_ends_whole(
    trouble: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the database; models that leave processes behind and that hang are among them."""
    moments = random.Random(5)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("ARCHSWEEP_TEST_MARK", str(tmp_path))
    database, folder = tmp_path / "a.duckdb", tmp_path / "a.duckdb.journals"
    models, planned = f"{MODELS},model_leaves_a_child", PLANNED + 2
    words = ["--import", "trouble", "--model", models, "--timeout", "5", "--db", str(database)]

    def done() -> int:
        return sum(len(results(path)) for path in folder.glob("*.jsonl"))

    def go_on() -> subprocess.Popen[str]:
        return start(trouble, *(["--resume", "--db", str(database)] if folder.exists() else words))

    for more in (0, 1, 4):  # in the midst of the imports, then after some results
        sweep, goal = go_on(), done() + more
        wait_for(lambda sweep=sweep, goal=goal: done() >= goal or sweep.poll() is not None, "results")
        time.sleep(moments.uniform(0.0, 2.0))
        sweep.kill()
        sweep.communicate()
        wait_for(lambda: not marked(str(tmp_path)), "everybody to be gone")
        assert list(tmp_path.glob("archsweep-*")) == []
        assert len(list(folder.glob("*.jsonl"))) == (more > 0)
    assert 5 <= done() < planned
    code, summary = finish(go_on())
    assert (code, summary["planned"], summary["by_status"]) == (1, planned, {"pass": 12, "timeout": 2})
    assert not marked(str(tmp_path))
    found = read.query(database, 'select run, "case", status from results')[1]
    assert {run for run, _, _ in found} == {summary["run"]}
    assert len(found) == len({case for _, case, _ in found}) == planned
    assert collections.Counter(status for _, _, status in found) == summary["by_status"]
    assert not folder.exists()


def test_a_database_held_by_another_process_to_the_end_costs_nothing(trouble: Path, tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    words = ["--import", "trouble", "--model", MODELS, "--timeout", "8", "--db", str(database)]
    sweep = start(trouble, *words)
    journals = tmp_path / "a.duckdb.journals"
    wait_for(lambda: [name for path in journals.glob("*.jsonl") for name in results(path)], "a first result")
    code = f"import duckdb, sys; c = duckdb.connect({str(database)!r}); print('held', flush=True); sys.stdin.read()"
    holder = wait_for(lambda: hold(code), "the database to be free for a moment")
    output, errors = sweep.communicate(timeout=PATIENCE_S)
    summary = json.loads(output.strip().splitlines()[-1])
    assert sweep.returncode == 2
    assert summary["planned"] == summary["executed"] == PLANNED
    assert f"locked by process {holder.pid}" in errors
    again = next(line for line in errors.splitlines() if "run --resume" in line).partition("archsweep run ")[2]
    holder.communicate()
    ended, resumed = finish(start(trouble, *again.split()))
    assert (ended, resumed["executed"], resumed["by_status"]) == (1, 0, summary["by_status"])
    assert read.query(database, 'select count(*), count(distinct "case") from results')[1] == [(PLANNED, PLANNED)]
    assert not journals.exists()


def hold(code: str) -> subprocess.Popen[str] | None:
    """A process that holds the database, if that was free."""
    pipe = subprocess.PIPE
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert holder.stdout is not None
    if holder.stdout.readline() == "held\n":
        return holder
    holder.communicate()
    return None


def test_readers_see_the_sweep_grow_and_hinder_nothing(trouble: Path, tmp_path: Path) -> None:
    """Two at a time, as fast as they can."""
    database = tmp_path / "a.duckdb"
    words = ["--import", "trouble", "--model", MODELS, "--timeout", "8", "--db", str(database)]
    sweep = start(trouble, *words)
    wait_for(lambda: database.exists() or sweep.poll() is not None, "the database")
    most, rounds = 0, 0
    sql = "select count(*) as n from cells"
    command = [sys.executable, "-c", PROGRAM, "query", sql, "--json", "--db", str(database)]
    while sweep.poll() is None:
        readers = [
            subprocess.Popen(command, cwd=trouble, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)
        ]
        seen = []
        for reader in readers:
            output, errors = reader.communicate(timeout=PATIENCE_S)
            if reader.returncode == 2 and "holds no results yet" in errors:
                continue  # it was being made
            assert reader.returncode == 0, errors
            seen.append(json.loads(output)[0]["n"])
        assert all(number >= most for number in seen)
        most, rounds = max([most, *seen]), rounds + 1
    output, errors = sweep.communicate()
    assert (sweep.returncode, errors) == (1, "")
    assert rounds > 1
    assert read.query(database, sql)[1] == [(PLANNED,)]


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
