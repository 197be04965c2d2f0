"""What the check `speed` measured, with its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archsweep.store.database import reading
from archsweep.store.read import fetched

Row = dict[str, Any]
SPEED = "speed"


def measured(path: Path) -> list[Row]:
    """Every result of `speed` that passed (what is fast and wrong is no speed), oldest first, each with `metrics`."""
    with reading(path) as connection:
        found = fetched(
            connection,
            """
            select id, run, "case", model_type, class_name, platform, dtype, default_dtype, weights, options,
                fingerprint, finished_at
            from results where "check" = ? and status = 'pass' order by finished_at, id
            """,
            [SPEED],
        )
        numbers = fetched(
            connection,
            """select m.* from metrics m join results r on r.id = m.result where r."check" = ? and r.status = 'pass'""",
            [SPEED],
        )
    by_result: dict[int, dict[str, float]] = {}
    for item in numbers:
        by_result.setdefault(item["result"], {})[item["name"]] = item["value"]
    for row in found:
        row["metrics"] = by_result.get(row["id"], {})
    return [row for row in found if row["metrics"].get("steady_s")]
