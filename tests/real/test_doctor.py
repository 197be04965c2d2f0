"""`archsweep doctor`, run for real: every platform with evidence and versions, and those absent with what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from archsweep import platforms


def test_every_platform_is_shown_with_evidence_and_versions_and_what_to_do_where_it_is_absent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from archsweep.commands import main; main()", "doctor"],
        env={**os.environ, "HF_HUB_OFFLINE": "1"}, text=True, capture_output=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [file.stem for file in Path(platforms.__file__).parent.glob("[!_]*.py")]
    assert len(names) >= 8
    told = re.split(rf"^(?=(?:{'|'.join(names)}) +(?:present|absent):)", done.stdout, flags=re.MULTILINE)[1:]
    assert sorted(block.split()[0] for block in told) == sorted(names)
    for block in told:
        assert re.search(r"\d+\.\d+\S*, evidence \w+, fingerprint \w{12}|no version to be found, evidence", block), (
            block
        )
        assert " present: " in block or "install: " in block, block
    for name in ("cuda", "rocm", "mps"):
        block = next(block for block in told if block.startswith(name))
        assert re.search(r"torch \d", block), block
        assert " present: " in block or f"evidence {'none' if name == 'cuda' else 'predicted'}" in block
