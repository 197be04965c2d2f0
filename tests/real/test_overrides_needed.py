"""An override that the rules have overtaken is a debt without a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_override_is_needed(tmp_path: Path) -> None:
    """Without it a class of its type would not verify, would be fed less, or would be too large."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "ARCHSWEEP_CACHE": str(tmp_path)}
    command = [sys.executable, str(ROOT / "benchmarks" / "overrides_needed.py"), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["needless"] == [], "the rules do without these"
    assert found["figure"] == found["baseline"] > 0
