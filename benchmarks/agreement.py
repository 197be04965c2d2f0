"""Do two sweeps agree, whatever --jobs and load? Statuses of every case, and outputs bit for bit, by their digests.

The first sweep has the machine to itself; the second runs with another --jobs beside processes that busy all cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from typing import Any

from sweeping import PROGRAM


def endings(jobs: int, words: list[str]) -> dict[str, tuple[str, str]]:
    """Status and digest of the outputs, by case."""
    sql = """select "case", status, json_extract_string(details, '$.digest') as digest from results"""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ARCHSWEEP_CACHE": f"{folder}/cache", "ARCHSWEEP_DB": f"{folder}/results.duckdb"}
        command = [sys.executable, "-c", PROGRAM]
        subprocess.run(
            [*command, "run", "--quiet", "--jobs", str(jobs), *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        asked = subprocess.run([*command, "query", sql, "--json"], env=environment, stdout=subprocess.PIPE, check=True)
    rows: list[dict[str, Any]] = json.loads(asked.stdout)
    return {row["case"]: (row["status"], row["digest"] or "") for row in rows}


def _busy() -> None:
    while True:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--limit", help="only so many subjects, to try it out")
    parser.add_argument("--classes", action="store_true", help="every class, not only the base types")
    given = parser.parse_args()
    words = [*([] if given.classes else ["--base"]), *(["--limit", given.limit] if given.limit else [])]
    cores = len(os.sched_getaffinity(0))
    first = endings(cores, words)
    load = [multiprocessing.Process(target=_busy, daemon=True) for _ in range(cores)]
    for process in load:
        process.start()
    second = endings(cores + 1, words)
    for process in load:
        process.terminate()
    other_status = sorted(case for case in first if second.get(case, ("", ""))[0] != first[case][0])
    other_bits = sorted(case for case in first if second.get(case, ("", ""))[1] != first[case][1])
    found = {
        "figure": len(first) - len({*other_status, *other_bits}),
        "unit": f"of {len(first)} cases with the same status and the same bits",
        "baseline": len(first),
        "ratio": round(1 - len({*other_status, *other_bits}) / max(1, len(first)), 5),
        "other_status": other_status,
        "other_bits": other_bits,
    }
    if given.json:
        print(json.dumps(found))
        return
    print(f"{found['figure']} {found['unit']}")
    for case in other_status:
        print(f"  status {first[case][0]} then {second.get(case, ('missing',))[0]}: {case}")
    for case in other_bits:
        print(f"  other bits: {case}")


if __name__ == "__main__":
    main()
