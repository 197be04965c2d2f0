"""How long until `archsweep --help` and a second `archsweep list models` have answered? Baseline: bare Python."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAM = "import sys; from archsweep.commands import main; main()"
LOADED = "import sys, atexit; atexit.register(lambda: 'torch' in sys.modules and sys.stderr.write('TORCH')); " + PROGRAM
TIMES = 7


def seconds(command: list[str], environment: dict[str, str], times: int = TIMES) -> tuple[float, str]:
    """Median of several calls, and what the last one wrote to standard error."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ARCHSWEEP_CACHE": folder}
        bare, _ = seconds([sys.executable, "-c", "pass"], environment)
        shown, first = seconds([sys.executable, "-c", LOADED, "--help"], environment)
        seconds([sys.executable, "-c", PROGRAM, "list", "models", "--json"], environment, times=1)
        listed, second = seconds([sys.executable, "-c", LOADED, "list", "models", "--json"], environment)
    found = {
        "figure": round(shown, 3),
        "unit": "s for archsweep --help (median of 7)",
        "baseline": round(bare, 3),
        "ratio": round(shown / bare, 1),
        "list_models_s": round(listed, 3),
        "torch_imported": "TORCH" in first + second,
    }
    print(json.dumps(found) if given.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
