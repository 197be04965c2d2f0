"""What part of the base types is verified on each executing platform, how fast, in how much memory, who is to blame?

One cold sweep after another over one database and one cache: the first makes the references, the next ones share the
exported graphs. Baseline: models a minute as first measured with tiny models on 2 cores, before this program was
written. `python benchmarks/platforms.py [--json] [--platform NAME ...] [--sample N] [--again] [--keep FOLDER]`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweeping import PROGRAM

HOME = "cpu"
EXECUTING = ("openvino", "qualcomm", "webgpu", "webnn")
MEASURED = {"webgpu": 50, "webnn": 420}  # models a minute; warm pages, without the making of references and graphs
UNTRIED = "('inapplicable', 'unavailable', 'unexecuted')"
CAUSES = """
select stage, status, coalesce(error_class, '') as error_class, coalesce(blame, '') as blame,
       coalesce(blame_package, '') as package, count(distinct model_type) as types, min(message) as example,
       string_agg(distinct model_type, ' ' order by model_type) as which
from cells where platform = '{0}' and status <> 'pass' group by all order by types desc, stage, status"""


class Place:
    """A folder with a database and a cache, in which the command line is called."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {**os.environ, "ARCHSWEEP_DB": str(folder / "results.duckdb")}
        self.cache = ("--cache", str(folder / "cache"))  # the browser is found where `archsweep setup web` put it

    def call(self, *words: str) -> str:
        command = [sys.executable, "-c", PROGRAM, *words]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"archsweep {' '.join(words[:3])} … ended with {done.returncode}")
        return done.stdout

    def query(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.call("query", sql, "--json"))
        return rows


def models(place: Place, sample: int | None) -> list[str]:
    """The base types, or so many of them drawn evenly."""
    names = [item["model_type"] for item in json.loads(place.call("list", "models", "--json"))]
    return names if sample is None else [names[index * len(names) // sample] for index in range(sample)]


def swept(place: Place, platform: str, chosen: Sequence[str]) -> dict[str, Any]:
    """One sweep of forward and parity on one platform, against the types that the CPU has verified."""
    began = time.perf_counter()
    words = ("--platform", platform, "--model", ",".join(chosen), *place.cache)
    output = place.call("run", "--base", "--quiet", "--json", *words)
    spent = time.perf_counter() - began
    summary = json.loads(output.splitlines()[-1])
    sound = verified(place, HOME)
    own = verified(place, platform) & sound
    (tried,) = place.query(
        f"""select count(*) as cells, count(*) filter (blame = 'ours') as ours
        from cells where platform = '{platform}' and status not in {UNTRIED}"""
    )
    return {
        "verified": len(own),
        "models": len(sound),
        "share": round(len(own) / max(1, len(sound)), 4),
        "blame_ours": round(tried["ours"] / max(1, tried["cells"]), 4),
        "models_per_minute": round(60 * len(chosen) / spent, 1),
        "first_measured_per_minute": MEASURED.get(platform),
        "peak_mb": summary["peak_mb"],
        "wall_s": round(spent, 1),
        "causes": place.query(CAUSES.format(platform)),
    }


def verified(place: Place, platform: str) -> set[str]:
    rows = place.query(
        f"""select model_type from cells where platform = '{platform}' group by 1
        having count(*) filter (status = 'pass') = 2"""
    )
    return {row["model_type"] for row in rows}


def measure(folder: Path, platforms: Sequence[str], sample: int | None, *, again: bool) -> dict[str, Any]:
    place = Place(folder)
    chosen = models(place, sample)
    found = {platform: swept(place, platform, chosen) for platform in (HOME, *platforms)}
    others = [found[platform] for platform in platforms]
    worst = min(others, key=lambda item: item["share"])
    answer: dict[str, Any] = {
        "figure": worst["share"], "unit": "verified share of what the CPU verifies, least of the platforms",
        "baseline": 1.0, "ratio": worst["share"], "types": len(chosen), "platforms": found,
        "wall_s": round(sum(item["wall_s"] for item in found.values()), 1),
        "peak_mb": max(item["peak_mb"] for item in found.values()),
    }  # fmt: skip
    if again:
        answer["again_s"] = round(sum(swept(place, name, chosen)["wall_s"] for name in (HOME, *platforms)), 1)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--platform", action="append", help=f"only these; without: {', '.join(EXECUTING)}")
    parser.add_argument("--sample", type=int, help="only so many types, drawn evenly")
    parser.add_argument("--again", action="store_true", help="a second time, with references and graphs in the cache")
    parser.add_argument("--keep", type=Path, help="the folder for database and cache; without: a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = given.keep or Path(folder)
        answer = measure(place, given.platform or EXECUTING, given.sample, again=given.again)
    if given.json:
        print(json.dumps(answer))
        return
    for platform, item in answer["platforms"].items():
        print(
            f"{platform}: {item['verified']} of {item['models']} verified ({item['share']:.1%}), blame ours "
            f"{item['blame_ours']:.1%}, {item['models_per_minute']} models a minute, at most {item['peak_mb']} MB"
        )
        for cause in item["causes"]:
            who = f"{cause['blame']} {cause['package']}".strip()
            print(f"  {cause['types']:4} {cause['status']} at {cause['stage']} ({who}): {cause['example'][:150]}")
            print(f"       {cause['which']}")
    print(f"{answer['types']} types on {len(answer['platforms'])} platforms: {answer['wall_s']} s", end="")
    print(f", again with a full cache: {answer['again_s']} s" if "again_s" in answer else "")


if __name__ == "__main__":
    main()
