"""What part of the cases of each depth check is verified on the CPU, how many do not apply, and what each check costs?

One cold sweep of the base types, or of every mapped class with --classes: all checks but `compile`, `quantize` and
`speed`. Baseline: `forward` and `parity` of the same sweep, which is what it costs without depth.
`python benchmarks/full_depth.py [--json] [--classes] [--model NAMES] [--check NAME ...] [--dtype NAMES] [--keep F]`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from platforms import Place

BESIDE = ("compile", "quantize", "reporting", "speed")  # are asked for apart
PLAIN = ("forward", "parity")
COUNTED = """
select "check" as name, count(*) filter (status not in ('inapplicable', 'unavailable')) as applicable,
       count(*) filter (status = 'pass') as verified, count(*) filter (status = 'inapplicable') as inapplicable,
       count(*) filter (status = 'unavailable') as unavailable, round(sum(wall_s), 1) as seconds,
       count(*) filter (is_base and status not in ('inapplicable', 'unavailable')) as base_applicable,
       count(*) filter (is_base and status = 'pass') as base_verified
from cells group by 1 order by 1"""
CATEGORIES = """
select "check" as name, category, count(*) filter (status not in ('inapplicable', 'unavailable')) as applicable,
       count(*) filter (status = 'pass') as verified, count(*) filter (status = 'inapplicable') as inapplicable
from cells group by 1, 2 order by 1, 2"""
OWN_LOSS = """
select count(*) filter (json_exists(details, '$.own_loss.given')) as counted,
       count(*) filter (json_exists(details, '$.own_loss.untried')) as untried
from results join cells using ("case", run) where results."check" = 'backward'"""
# What transformers' own mappings say of whom a check concerns; every other check concerns everything.
GENERATIVE = {"CAUSAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ", "MULTIMODAL_LM", "IMAGE_TEXT_TO_TEXT",
              "TEXT_TO_WAVEFORM", "RNNT", "TDT", "CTC", "CAUSAL_IMAGE_MODELING"}  # fmt: skip
PREDICTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "generate": lambda item: bool(GENERATIVE.intersection(item["mappings"])),
    "pipeline": lambda item: bool(item["tasks"]),
}
REASONS = """
select "check" as name, status, stage, count(*) as cases, min(message) as example,
       string_agg(model_type || '/' || class_name, ' ' order by model_type, class_name) as which
from (select *, regexp_replace(message, '[0-9.e+-]+', '#', 'g') as kind from cells
      where status not in ('pass', 'unavailable'))
group by "check", status, stage, kind order by cases desc, name"""


def measure(place: Place, checks: Sequence[str], words: Sequence[str]) -> dict[str, Any]:
    began = time.perf_counter()
    asked = [word for name in checks for word in ("--check", name)]
    summary = json.loads(place.call("run", "--quiet", "--json", *asked, *words, *place.cache).splitlines()[-1])
    spent = time.perf_counter() - began
    rows = place.query(COUNTED)
    total = sum(row["seconds"] for row in rows)
    shares = {
        row["name"]: {**row, "share": round(row["verified"] / max(1, row["applicable"]), 4),
                      "share_of_time": round(row["seconds"] / max(0.1, total), 3)}
        for row in rows
    }  # fmt: skip
    for row in shares.values():
        row["categories"] = [item for item in place.query(CATEGORIES) if item["name"] == row["name"]]
        row["predicted"] = _predicted(place, row["name"])
    applicable, verified = (sum(row[key] for row in rows) for key in ("applicable", "verified"))
    plain = sum(row["seconds"] for row in rows if row["name"] in PLAIN)
    return {
        "figure": round(verified / max(1, applicable), 4), "unit": "verified share of the applicable cases",
        "baseline": round(plain, 1), "ratio": round(total / max(0.1, plain), 2), "wall_s": round(spent, 1),
        "peak_mb": summary["peak_mb"], "applicable": applicable, "verified": verified, "checks": shares,
        "own_loss": place.query(OWN_LOSS)[0], "reasons": place.query(REASONS),
    }  # fmt: skip


def _predicted(place: Place, check: str) -> int:
    """How many of the classes that were tried the mappings of transformers say the check concerns."""
    concerned = PREDICTED.get(check)
    tried = {row["id"] for row in place.query(
        f"""select distinct model_type || '/' || class_name as id from cells
        where "check" = '{check}' and status <> 'unavailable'"""
    )}  # fmt: skip
    known = json.loads(place.call("list", "classes", "--json"))
    return len([item for item in known if item["id"] in tried and (concerned is None or concerned(item))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--classes", action="store_true", help="every mapped class, not only the base types")
    parser.add_argument("--model", help="only these, by comma")
    parser.add_argument("--check", action="append", help=f"only these; without: all but {', '.join(BESIDE)}")
    parser.add_argument("--dtype", help="in these, by comma; without: in the platform's first one")
    parser.add_argument("--keep", type=Path, help="the folder for database and cache; without: a temporary one")
    given = parser.parse_args()
    words = [*(() if given.classes else ("--base",)), *(("--model", given.model) if given.model else ())]
    words += ["--dtype", given.dtype] if given.dtype else []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(given.keep or Path(folder))
        known = [item["check"] for item in json.loads(place.call("list", "checks", "--json"))]
        checks = given.check or [name for name in known if name not in BESIDE]
        answer = measure(place, checks, words)
    if given.json:
        print(json.dumps(answer))
        return
    for name, row in answer["checks"].items():
        print(
            f"{name}: {row['verified']} of {row['applicable']} verified ({row['share']:.1%}), of base types "
            f"{row['base_verified']} of {row['base_applicable']}, {row['inapplicable']} "
            f"inapplicable, {row['predicted']} concerned by transformers' mappings, "
            f"{row['share_of_time']:.0%} of the time"
        )
        for item in row["categories"]:
            print(
                f"    {item['category']}: {item['verified']} of {item['applicable']}, "
                f"{item['inapplicable']} inapplicable"
            )
    print("own losses: {counted} counted, of {untried} classes no labels were found".format(**answer["own_loss"]))
    for reason in answer["reasons"]:
        print(f"  {reason['cases']:4} {reason['name']} {reason['status']}: {reason['example'][:150]}")
        print(f"       {reason['which'][:300]}")
    print(f"all: {answer['figure']:.1%} in {answer['wall_s']} s, {answer['ratio']} times forward and parity alone")


if __name__ == "__main__":
    main()
