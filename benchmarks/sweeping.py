"""Times whole sweeps: cold ones with empty cache and database, the naive floor, and the same work in a warm process."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAM = "from archsweep.commands import main; main()"


def cold(*words: str) -> dict[str, Any]:
    """The summary of `archsweep run` with nothing cached; its wall time as seen from outside."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", PROGRAM, "run", "--json", "--quiet", *words]
        environment = {**os.environ, "ARCHSWEEP_CACHE": f"{folder}/cache", "ARCHSWEEP_DB": f"{folder}/results.duckdb"}
        began = time.perf_counter()
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        spent = time.perf_counter() - began
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**summary, "wall_s": round(spent, 1), "exit_code": done.returncode}


def script(name: str, *words: str) -> dict[str, Any]:
    """What another script of this folder prints as JSON."""
    done = subprocess.run([sys.executable, HERE / name, *words], stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def report(text: str, *, classes: bool) -> None:
    """Run, compare and print: for people, or with --json one object."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--limit", help="only so many, to try it out")
    parser.add_argument("--no-warm", action="store_true", help="leave out the same work in one warm process")
    given = parser.parse_args()
    limit = ("--limit", given.limit) if given.limit else ()
    swept = cold(*limit) if classes else cold("--base", *limit)
    floor = script("naive.py", *limit)
    subjects = swept["planned"] // 2
    expected = floor["wall_s"] / floor["models"] * subjects  # the floor runs base types; scaled where classes are swept
    found = {
        "figure": swept["wall_s"],
        "unit": f"s for a cold sweep of {subjects} {'classes' if classes else 'base types'}, forward and parity",
        "baseline": round(expected, 1),
        "ratio": round(expected / swept["wall_s"], 2),
        "sweep": swept,
        "naive": floor,
    }
    if not given.no_warm:
        warm = script("warm.py", *limit, *(("--classes",) if classes else ()))
        found |= {"warm": warm, "wall_over_work": round(swept["wall_s"] * warm["cores"] / warm["work_s"], 2)}
    if given.json:
        print(json.dumps(found))
        return
    print(f"{found['figure']} {found['unit']}: {swept['verified']} verified, at most {swept['peak_mb']} MB")
    print(
        f"naive floor: {found['baseline']} s ({floor['ran']} of {floor['models']} base types ran): {found['ratio']} x"
    )
    if "wall_over_work" in found:
        print(f"wall time over the same work in one warm process, divided by the cores: {found['wall_over_work']}")
