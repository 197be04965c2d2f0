"""How many base types do the rules verify with overrides.toml emptied? Baseline: the same sweep with the overrides."""

from __future__ import annotations

import argparse
import json

from sweeping import cold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--limit", help="only so many base types, to try it out")
    given = parser.parse_args()
    words = ("--base", *(("--limit", given.limit) if given.limit else ()))
    alone, whole = cold(*words, "--rules-alone"), cold(*words)
    types = whole["planned"] // 2
    found = {
        "figure": round(100 * alone["verified"] / types, 1),
        "unit": f"% of {types} base types verified by rules alone",
        "baseline": round(100 * whole["verified"] / types, 1),
        "ratio": round(alone["verified"] / whole["verified"], 4),
        "rules_alone": alone,
        "with_overrides": whole,
    }
    if given.json:
        print(json.dumps(found))
        return
    print(f"{found['figure']} {found['unit']} ({alone['verified']}); with overrides {found['baseline']} %")


if __name__ == "__main__":
    main()
