"""Does each repro script end as its cell did, in at most 40 lines? One sweep, then each script in its own process.

Baseline: the cells that were swept. `python benchmarks/repro_scripts.py [--json] [--models A,B] [--sample N]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import tiny_subjects
from sweeping import PROGRAM

MOST_LINES = 40
ONE_THREAD = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}  # as in a worker of the sweep


def main() -> None:
    parser = tiny_subjects.options(__doc__ or "")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        names = [item.model_type for item in tiny_subjects.chosen(given.models, given.sample, place)]
        environment = {
            **os.environ,
            **ONE_THREAD,
            "ARCHSWEEP_DB": f"{folder}/results.duckdb",
            "ARCHSWEEP_CACHE": folder,
        }
        _called(environment, "run", "--base", "--quiet", "--model", ",".join(names), "--cache", folder)
        sql = "select \"case\", status from cells where \"check\" = 'parity' and status in ('pass', 'fail')"
        cells = json.loads(_called(environment, "query", sql, "--json").stdout)
        with ThreadPoolExecutor(given.jobs) as pool:
            ended = list(pool.map(lambda cell: _ended(environment, cell, place, given.limit_s), cells))
    right = [item for item in ended if not item["wrong"]]
    lines = sorted(item["lines"] for item in ended if item["lines"])
    found: dict[str, Any] = {
        "figure": len(right),
        "unit": f"scripts of at most {MOST_LINES} lines that end as their cell did",
        "baseline": len(cells),
        "ratio": round(len(right) / max(1, len(cells)), 4),
        "most_lines": max(lines, default=0),
        "others": {item["case"]: item["wrong"] for item in ended if item["wrong"]},
    }
    print(
        json.dumps(found) if given.json else f"{found['figure']} of {len(cells)}; others: {found['others'] or 'none'}"
    )


def _called(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _ended(environment: dict[str, str], cell: dict[str, str], folder: Path, limit_s: float) -> dict[str, Any]:
    """What came of one cell's script: its lines, and in what it differs from the cell, if in anything."""
    told = _called(environment, "repro", cell["case"])
    lines = len(told.stdout.splitlines())
    file = folder / f"{cell['case'].replace('/', '.').replace(':', '.')}.py"
    file.write_text(told.stdout, encoding="utf-8")
    if told.returncode:
        return {"case": cell["case"], "lines": 0, "wrong": f"no script: {told.stderr.strip().splitlines()[0][:200]}"}
    try:
        command = [sys.executable, str(file)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=limit_s, cwd=folder
        )
    except subprocess.TimeoutExpired:
        return {"case": cell["case"], "lines": lines, "wrong": f"not done after {limit_s:g} s"}
    passed = done.returncode == 0
    last = (done.stderr.strip().splitlines() or [""])[-1][:200]
    wrong = "" if passed == (cell["status"] == "pass") else f"ended with {done.returncode}: {last}"
    return {"case": cell["case"], "lines": lines, "wrong": wrong or (f"{lines} lines" if lines > MOST_LINES else "")}


if __name__ == "__main__":
    main()
