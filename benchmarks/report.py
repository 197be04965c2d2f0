"""How long `archsweep report` takes over a run of 100,000 results, and how large its page is.

Each command is a process of its own, from its start to its end. The results are made up, in two runs of one selection:
a hundredth of the earlier one's endings are others, a tenth of the cases fail, for some 400 reasons, and every error
has a traceback. Baseline: a process that does nothing but read the same rows out of the database.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from archsweep.contract import (
    Architecture,
    Case,
    Environment,
    Evidence,
    Failure,
    Modality,
    Priority,
    Result,
    RunEnd,
    RunRecord,
    Stage,
    Standing,
    Status,
    Subject,
)  # fmt: skip
from archsweep.store import append, database

RESULTS, BATCH, SUFFIXES = 100_000, 25_000, (".html", ".md", ".xml", ".parquet", ".jsonl", ".json")
PLATFORMS, CHECKS = ("cpu", "cuda", "openvino", "webgpu", "webnn"), ("forward", "parity", "generate", "batch")
REASONS = 400
BASELINE = """
import sys
from pathlib import Path
from archsweep.store import runs
print(len(runs.rows(Path(sys.argv[1]), "r1")))
"""


def subject(number: int) -> Subject:
    name = f"Type{number}Model"
    return Subject(
        model_type=f"type{number}", class_name=name, class_module=f"made.type{number}",
        config_class=f"made.type{number}:Type{number}Config", is_base=True, mappings=("MODEL_MAPPING",),
        family=f"type{number}", architecture=Architecture.ENCODER_ONLY, role="backbone", modality=(Modality.TEXT,),
        category=f"category-{number % 9}", tasks=(), priority=Priority.HIGH, phase=1, standing=Standing.STAND_ALONE,
    )  # fmt: skip


def made(number: int, run: str, day: int) -> Result:
    """One case; every tenth fails, for one of REASONS."""
    index, place = divmod(number, len(PLATFORMS) * len(CHECKS))
    changed = day == 1 and number % 100 == 1
    failed = (index + place // len(CHECKS)) % 10 == 0 or changed
    reason = index % REASONS
    message = f"in layer {number}: node '/model/Reshape_{number}' takes no {'x' * (1 + reason % 20)} of kind{reason}"
    failure = Failure(
        error_class=f"Fault{reason % 7}", message=message, traceback='  File "made.py", line 1, in made\n' * 60
    )
    return Result(
        case=Case(
            subject=f"type{index}/Type{index}Model", platform=PLATFORMS[place // len(CHECKS)],
            check=CHECKS[place % len(CHECKS)],
        ),
        status=Status.ERROR if failed else Status.PASS, stage=Stage.RUN if failed else Stage.COMPARE,
        evidence=Evidence.HARDWARE, fingerprint="0123456789ab", run=run,
        finished_at=f"2026-01-0{day}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.5Z",
        wall_s=0.25 + number % 977 / 100, message=message if failed else "", failure=failure if failed else None,
        device="Example device", metrics={"worst_relative": 1e-7, "outputs": 3.0, "run_s": 0.01, "elements": 900.0},
        details={"recipe": {"parameters": 1000 + number % 999}, "seed": 0, "shapes": {"last_hidden_state": [2, 9, 48]}},
    )  # fmt: skip


def fill(path: Path, count: int) -> None:
    """Two finished runs of `count` results each."""
    environment = Environment(
        id="0123456789ab", versions={"transformers": "5.23.0", "torch": "2.13.0"}, python="3.11", system="Linux",
        processor="Example CPU", cores=2,
    )  # fmt: skip
    database.prepare(path)
    subjects = [subject(number) for number in range(1 + count // (len(PLATFORMS) * len(CHECKS)))]
    for day, run in enumerate(("r0", "r1"), start=1):
        settings = {"selection": "made", "platforms": list(PLATFORMS), "options": {}}
        record = RunRecord(run=run, started_at=f"2026-01-0{day}T00:00:00Z", version="0", settings=settings)
        for start in range(0, count, BATCH):
            results = [made(number, run, day) for number in range(start, min(start + BATCH, count))]
            append.append(path, results, () if start else subjects, [environment], run=record)
        append.finish_run(path, RunEnd(run=run, finished_at=f"2026-01-0{day}T23:00:00Z"))


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of the whole process, and the most memory that it held, in MB."""
    began, peak = time.perf_counter(), 0.0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.02)
    if process.wait() != 0:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.perf_counter() - began, peak


def measure(count: int) -> dict[str, Any]:
    """The whole benchmark with `count` results a run."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results.duckdb")
        fill(path, count)
        base, _ = timed([sys.executable, "-c", BASELINE, str(path)])
        for suffix in SUFFIXES:
            file = Path(folder, f"report{suffix}")
            command = [sys.executable, "-m", "archsweep", "report", "r1", "--db", str(path), "--output", str(file)]
            seconds, peak = timed(command)
            name = suffix.removeprefix(".")
            found |= {
                f"{name}_s": round(seconds, 2), f"{name}_mb": round(file.stat().st_size / 1e6, 3),
                f"{name}_peak_mb": round(peak),
            }  # fmt: skip
    return {
        "figure": found["html_s"], "unit": f"seconds for the page of a run of {count:,} results",
        "baseline": round(base, 2), "ratio": round(found["html_s"] / base, 1), "results": count, **found,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--results", type=int, default=RESULTS)
    arguments = parser.parse_args()
    found = measure(arguments.results)
    if arguments.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
