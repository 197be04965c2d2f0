"""The README's matrix is what `archsweep matrix` prints of the committed results: nobody types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = "from archsweep.commands import main; main()"


def archsweep(*words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_matrix_in_the_readme_is_generated(tmp_path: Path) -> None:
    database = str(tmp_path / "results.duckdb")
    archsweep("import", *map(str, sorted((ROOT / "results").glob("*.jsonl.gz"))), "--db", database)
    printed = archsweep("matrix", "--format", "markdown", "--db", database)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    excerpt = text.partition("<!-- matrix: begin -->")[2].partition("<!-- matrix: end -->")[0]
    assert len(printed.splitlines()) > 10
    assert printed.strip() in excerpt
