"""The same work in one warm process: every lot of a sweep, one after another, without forks, deadlines or journal.

What isolation costs is the sweep's wall time over this, divided by the cores. Knows of no hang: a lot that never ends,
never ends. `python benchmarks/warm.py [--limit N] [--classes]`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def sweep(limit: int | None = None, *, base: bool = True) -> dict[str, Any]:
    """Seconds of work in all lots, imports and catalog left out."""
    import dataclasses

    from archsweep import machine, registry
    from archsweep.archs import catalog
    from archsweep.archs.selection import Selection, choose
    from archsweep.encoding import encode
    from archsweep.run import plan, tasks, worker

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tasks.prepare({"imports": [], "trust_remote_code": False})
        tasks.warm_up()
        subjects = choose(catalog.scan(workers=2), Selection(base=base, limit=limit))
        options = plan.Options(
            selection=Selection(), platforms=("cpu",), checks=("forward", "parity"), cache=str(root / "cache")
        )
        platform = registry.load("platforms", "cpu")
        ground = plan.Ground(
            name="cpu", capabilities=platform.capabilities, probe=platform.probe(), environment=machine.environment()
        )
        lots = plan.make_lots(options, "warm", subjects, [ground])
        silent = os.dup(1)
        tasks.capture(root / "output")
        began = time.perf_counter()
        for number, lot in enumerate(lots):
            folder = root / str(number)
            folder.mkdir()
            (folder / worker.LOT_FILE).write_text(json.dumps(encode(dataclasses.replace(lot, folder=str(folder)))))
            worker.work(folder)
        spent = time.perf_counter() - began
        os.dup2(silent, 1)
    return {"work_s": round(spent, 1), "lots": len(lots), "cores": machine.cores()}


if __name__ == "__main__":
    wanted = int(sys.argv[sys.argv.index("--limit") + 1]) if "--limit" in sys.argv else None
    print(json.dumps(sweep(wanted, base="--classes" not in sys.argv)))
