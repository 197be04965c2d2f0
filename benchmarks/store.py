"""How many results a second go into the database, how much memory that takes, and how fast the matrix comes out again.

Storing: made-up results, each with four numbers and every tenth with a traceback; they come in appends of 50,000, as of
several runs over the same cases. Baseline: the same rows of the table `results` alone, inserted one by one.

Querying (`history.py`): a database of 10 million results. `matrix_s`: opening it, querying and folding, in a warm
process; `process_s`: the whole `archsweep matrix --json`. Medians, and the slowest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

import history
from archsweep.contract import Case, Environment, Evidence, Failure, Result, RunRecord, Stage, Status
from archsweep.store import append, database, exchange, read, rows

APPEND, CASES, BASELINE_ROWS, REPEATS = 50_000, 200_000, 2_000, 9


def made(number: int, run: str) -> Result:
    """One of CASES cases; every tenth raised."""
    case = number % CASES
    raised = case % 10 == 0
    failure = Failure(error_class="ValueError", message="shapes differ", traceback="  File x, line 1\n" * 30)
    return Result(
        case=Case(
            subject=f"type{case // 8}/Type{case // 8}ForTask{case // 4 % 2}",
            platform=("cpu", "cuda")[case % 2],
            check=("forward", "parity")[case // 2 % 2],
        ),
        status=Status.ERROR if raised else Status.PASS,
        stage=Stage.COMPARE,
        evidence=Evidence.HARDWARE,
        fingerprint="0123456789ab",
        run=run,
        finished_at=f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.5Z",
        wall_s=0.25,
        message="shapes differ" if raised else "",
        failure=failure if raised else None,
        device="Example CPU",
        metrics={"worst_relative": 1e-7, "outputs": 3.0, "parameters": 120_000.0, "seconds": 0.1},
        details={"worst_output": "last_hidden_state", "seed": 0, "fed": ["text"]},
    )


def fill(path: Path, count: int) -> dict[str, Any]:
    """Stores `count` results; gives the seconds, and this process's memory after the first append and at the end."""
    environment = Environment(
        id="0123456789ab",
        versions={"transformers": "5.23.0"},
        python="3.11",
        system="Linux",
        processor="Example CPU",
        cores=2,
    )
    database.prepare(path)
    seconds, busy, memory = 0.0, 0.0, []
    process = psutil.Process()
    for start in range(0, count, APPEND):
        run = f"r{start // CASES:04}"
        results = [made(number, run) for number in range(start, min(start + APPEND, count))]
        began, busy_before = time.perf_counter(), time.process_time()
        append.begin_run(path, RunRecord(run=run, started_at="2026-01-01T00:00:00Z", version="0"))
        append.append(path, results, environments=[environment])
        seconds += time.perf_counter() - began
        busy += time.process_time() - busy_before
        memory.append(process.memory_info().rss / 2**20)
    return {
        "seconds": seconds,
        "a_cpu_second": round(count / busy),
        "memory_first_mb": round(memory[0]),
        "memory_last_mb": round(memory[-1]),
    }


def one_by_one(path: Path) -> float:
    """Rows a second when each row is its own insert, in one transaction."""
    batch = rows.batch([made(number, "r0000") for number in range(BASELINE_ROWS)])
    names = [name for name in batch.results if name not in ("error_class", "error_message", "traceback", "operators")]
    values = list(zip(*(batch.results[name].tolist() for name in names), strict=True))
    columns = ", ".join(f'"{name}"' for name in names)
    began = time.perf_counter()
    with database.writing(path) as connection:
        connection.executemany(f"insert into results ({columns}) values ({', '.join('?' for _ in names)})", values)
    return BASELINE_ROWS / (time.perf_counter() - began)


def measure(count: int) -> dict[str, Any]:
    """The whole benchmark with `count` results."""
    with tempfile.TemporaryDirectory() as folder:
        path, plain, other = Path(folder, "a.duckdb"), Path(folder, "b.duckdb"), Path(folder, "c.duckdb")
        filled = fill(path, count)
        began = time.perf_counter()
        ((cells,),) = read.query(path, "select count(*) from cells where status = 'error'")[1]
        query_s = time.perf_counter() - began
        began = time.perf_counter()
        exported = exchange.export_run(path, "latest", Path(folder, "run.jsonl"))
        export_s = time.perf_counter() - began
        began = time.perf_counter()
        exchange.import_files(other, [Path(folder, "run.jsonl")])
        import_s = time.perf_counter() - began
        database.prepare(plain)
        baseline = one_by_one(plain)
        size = path.stat().st_size
    figure = count / filled.pop("seconds")
    return {
        "figure": round(figure),
        "unit": "results stored a second",
        "baseline": round(baseline),
        "ratio": round(figure / baseline, 1),
        "results": count,
        "exported_a_second": round(exported / export_s),
        "imported_a_second": round(exported / import_s),
        "query_of_cells_s": round(query_s, 3),
        "cells_in_error": cells,
        "bytes_a_result": round(size / count),
        **filled,
    }


def queried(path: Path) -> dict[str, Any]:
    """Seconds for the matrix of the database at `path`, at each depth."""
    from archsweep.commands import matrix

    none: dict[str, tuple[str, ...]] = dict.fromkeys(("categories", "models", "platforms", "checks"), ())
    none |= {"statuses": (), "evidences": ()}
    one = none | {"models": (history.MODEL,)}
    asked: dict[str, tuple[str, dict[str, tuple[str, ...]], str | None]] = {
        **{depth: (depth, none, None) for depth in ("category", "architecture", "subject")},
        "class_of_one_model": ("class", one, None),
        "class": ("class", none, None),
        "category_changed_since_a_run": ("category", none, history.run_name(history.RUNS - 10)),
    }
    found: dict[str, Any] = {}
    for name, (depth, wanted, since) in asked.items():
        taken = []
        for _ in range(REPEATS if since is None else 3):
            began = time.perf_counter()
            matrix.built(path, depth, wanted, since=since, base=False, fold=False, order="priority")
            taken.append(time.perf_counter() - began)
        found[name] = {"matrix_s": round(statistics.median(taken), 3), "slowest_s": round(max(taken), 3)}
        if since is None:
            flags = ["--by", depth, *(["--model", history.MODEL] if wanted is one else []), "--json"]
            command = [sys.executable, "-m", "archsweep", "matrix", *flags, "--db", str(path)]
            times = []
            for _ in range(3):
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                times.append(time.perf_counter() - began)
            found[name]["process_s"] = round(statistics.median(times), 3)
    return found


def _lines(found: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    lines: list[tuple[str, Any]] = []
    for name, value in found.items():
        lines += _lines(value, f"{before}{name}.") if isinstance(value, dict) else [(before + name, value)]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--results", type=int, default=400_000, help="how many are stored; 0: storing is not measured")
    parser.add_argument("--runs", type=int, default=history.RUNS, help="of the history that is queried; 0: none")
    parser.add_argument("--history", type=Path, help="its database: kept, and taken as it is if it is there")
    arguments = parser.parse_args()
    found = measure(arguments.results) if arguments.results else {}
    if arguments.runs:
        with tempfile.TemporaryDirectory() as folder:
            path = arguments.history or Path(folder, "history.duckdb")
            if not path.exists():
                found["history_made_s"] = history.make(path, arguments.runs)
            found["history"] = history.size(path) | {"queries": queried(path)}
    if arguments.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in _lines(found)))


if __name__ == "__main__":
    main()
