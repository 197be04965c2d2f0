"""What part of the base types is verified on each platform, how fast, in how much memory?

Baseline: models a minute as first measured with tiny models on 2 cores, before this program was written.
`python benchmarks/platforms.py [--json] [--platform NAME ...] [--limit N]`.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from sweeping import cold

MEASURED = {"webgpu": 50, "webnn": 420}  # models a minute, warm, without the references' making


def swept(platform: str, limit: str | None) -> dict[str, Any]:
    """One cold sweep of forward and parity on one platform."""
    found = cold("--base", "--platform", platform, *(("--limit", limit) if limit else ()))
    models, verified = found["planned"] // 2, found["by_platform"][platform]["verified"]
    return {
        "share": round(verified / models, 4),
        "verified": verified,
        "models": models,
        "models_per_minute": round(60 * models / found["wall_s"], 1),
        "first_measured_per_minute": MEASURED.get(platform),
        "peak_mb": found["peak_mb"],
        "by_status": found["by_status"],
        "wall_s": found["wall_s"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--platform", action="append", help="only these; without: openvino")
    parser.add_argument("--limit", help="only so many, to try it out")
    given = parser.parse_args()
    found = {platform: swept(platform, given.limit) for platform in given.platform or ("openvino",)}
    worst = min(found.values(), key=lambda item: item["share"])
    answer = {"figure": worst["share"], "unit": "verified share of the base types, least of the platforms",
              "baseline": 1.0, "ratio": worst["share"], "platforms": found}  # fmt: skip
    if given.json:
        print(json.dumps(answer))
        return
    for platform, item in found.items():
        speed = f"{item['models_per_minute']} models a minute, at most {item['peak_mb']} MB"
        print(f"{platform}: {item['verified']} of {item['models']} verified, {speed}; {item['by_status']}")


if __name__ == "__main__":
    main()
