"""Do two runs of `speed` agree within the spread that they state? Baseline: the part that chance alone would let agree.

Each type is measured twice, in two sweeps of one worker at a time. Two medians agree if they lie no further apart than
WITHIN times the root of the sum of their squared spreads. Run it on an idle machine.
`python benchmarks/speed_repeatability.py [--json] [--model NAMES]`.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path
from typing import Any

from platforms import Place

MODELS = "bert,gpt2,t5,vit,llama,whisper,clip,resnet,mamba,wav2vec2,detr,mixtral"
WITHIN = 3.0
MEASURED = """
select model_type, max(value) filter (name = 'steady_s') as median,
       max(value) filter (name = 'steady_spread_s') as spread
from metrics join results on metrics.result = results.id
where "check" = 'speed' and status = 'pass' and run = '{0}' group by 1"""


def measured(place: Place, models: str) -> dict[str, tuple[float, float]]:
    words = ("--base", "--model", models, "--platform", "cpu", "--check", "speed", "--jobs", "1")
    summary = json.loads(place.call("run", "--quiet", "--json", *words, *place.cache).splitlines()[-1])
    return {row["model_type"]: (row["median"], row["spread"]) for row in place.query(MEASURED.format(summary["run"]))}


def compare(models: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        first, second = measured(place, models), measured(place, models)
    rows: list[dict[str, Any]] = []
    for name in sorted(first.keys() & second.keys()):
        (a, spread_a), (b, spread_b) = first[name], second[name]
        apart = abs(a - b) / max(math.hypot(spread_a, spread_b), 1e-9)
        rows.append({"model_type": name, "first_s": a, "second_s": b, "spreads_apart": round(apart, 2)})
    agree = sum(row["spreads_apart"] <= WITHIN for row in rows) / max(1, len(rows))
    return {"figure": round(agree, 3), "unit": f"part of the medians that agree within {WITHIN:g} spreads",
            "baseline": 0.997, "ratio": round(agree / 0.997, 3), "types": rows}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", default=MODELS)
    given = parser.parse_args()
    answer = compare(given.model)
    if given.json:
        print(json.dumps(answer))
        return
    for row in answer["types"]:
        apart = row["spreads_apart"]
        print(f"{row['model_type']}: {row['first_s']:.6f} s and {row['second_s']:.6f} s, {apart} spreads apart")
    print(f"{answer['figure']:.1%} {answer['unit']}")


if __name__ == "__main__":
    main()
