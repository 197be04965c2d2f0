"""Are generated test files whole, alike everywhere, and do they say what a sweep says? And how long does it take?

Generates the files of every model folder with nothing cached, with the catalog alone, after a sweep of the same cases
and with all cached, once more in another folder, time zone and locale; looks at them with ruff; runs the files with
`pytest -n 2`. Baseline: the sweep. `python benchmarks/generated_files.py [--json] [--phase NUMBERS] [--keep FOLDER]`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platforms import Place

ELSEWHERE = {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}
CHECKS = ("forward", "parity", "generate")  # that files ask for
PLUGIN = "archsweep.testing.plugin"
ENDED = 'select "case", status from cells'


def generated(place: Place, folder: Path, *words: str) -> float:
    """Seconds that the files of all model folders take."""
    began = time.perf_counter()
    place.call("generate", "--all", "--quiet", "--output-dir", str(folder), *place.cache, *words)
    return round(time.perf_counter() - began, 1)


def hashed(folder: Path) -> dict[str, str]:
    """The hash of each file's bytes, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.py"))}


def clean(folder: Path) -> bool:
    """Whether ruff's own rules and format, without any project's settings, have nothing to say."""
    words = (["check", "--isolated", "-q"], ["format", "--isolated", "--check", "-q"])
    return all(
        subprocess.run([sys.executable, "-m", "ruff", *item, folder], check=False).returncode == 0 for item in words
    )


def ran(place: Place, folder: Path, report: Path) -> tuple[float, dict[str, dict[str, str]]]:
    """Seconds of one run, and how each test ended, by file and case id."""
    began = time.perf_counter()
    environment = {**place.environment, "ARCHSWEEP_CACHE": place.cache[1], "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", PLUGIN, "-p", "no:cacheprovider"]
    command += [f"--junitxml={report}", "--save-results", environment["ARCHSWEEP_DB"] + ".files", str(folder)]
    subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    spent = round(time.perf_counter() - began, 1)
    found: dict[str, dict[str, str]] = {}
    for case in Xml.parse(report).getroot().iter("testcase"):
        tags = {tag.tag for tag in case}
        name = case.get("name", "")
        ending = "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"
        file = case.get("classname", "").rpartition(".")[2] + ".py"
        found.setdefault(file, {})[name.partition("[")[2].removesuffix("]")] = ending
    return spent, found


def compared(swept: Mapping[str, str], files: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Files whose every case is verified, or does not apply, in the sweep: how many of them pass, and which do not."""
    verified, failing = [], []
    for name, cases in files.items():
        endings = [swept.get(case, "none") for case in cases]
        if "pass" in endings and set(endings) <= {"pass", "inapplicable", "unavailable"}:
            verified.append(name)
            if "failed" in cases.values() or "passed" not in cases.values():
                failing.append(name)
    alone = [
        case
        for cases in files.values()
        for case, ending in cases.items()
        if swept.get(case) == "pass" and ending != "passed"
    ]
    red = [case for cases in files.values() for case, ending in cases.items() if ending == "failed"]
    return {
        "files_verified": len(verified), "files_passing": len(verified) - len(failing), "failing": failing,
        "cases_that_pass_in_the_sweep_alone": alone, "red": red,
        "skipping_only": [name for name, cases in files.items() if set(cases.values()) == {"skipped"}],
    }  # fmt: skip


def beside(root: Path, name: str, place: Place) -> Place:
    """A place of its own whose cache has the catalog of another one, and nothing else."""
    made = Place(root / name)
    shutil.copytree(Path(place.cache[1], "catalog"), Path(made.cache[1], "catalog"))
    return made


def measure(root: Path, words: tuple[str, ...]) -> dict[str, Any]:
    place, folders = Place(root), {name: root / name for name in ("first", "catalog", "swept", "warm", "elsewhere")}
    first = folders["first"]
    cold = generated(place, first, *words)
    catalog = generated(beside(root, "with_catalog", place), folders["catalog"], *words)
    other = beside(root, "with_sweep", place)
    asked = [word for name in CHECKS for word in ("--check", name)]
    began = time.perf_counter()
    other.call("run", "--quiet", *asked, *words, *other.cache)
    sweep = round(time.perf_counter() - began, 1)
    swept = {row["case"]: row["status"] for row in other.query(ENDED)}
    after = generated(other, folders["swept"], *words)
    warm = generated(place, folders["warm"], *words)
    place.environment |= ELSEWHERE
    elsewhere = generated(place, folders["elsewhere"] / "deeper", *words)
    for name in ELSEWHERE:
        place.environment.pop(name)
        if name in os.environ:
            place.environment[name] = os.environ[name]
    folders["elsewhere"] /= "deeper"
    alike = len({json.dumps(hashed(folder)) for folder in folders.values()}) == 1
    spent, files = ran(place, first, root / "report.xml")
    found = compared(swept, files)
    return {
        "figure": round(found["files_passing"] / max(1, found["files_verified"]), 4),
        "unit": "of the files whose cases a sweep verifies pass when they are run", "baseline": sweep,
        "ratio": round(spent / sweep, 2), "files": len(hashed(first)), "collected": len(files),
        "clean": clean(first), "alike_everywhere": alike, "cold_s": cold, "with_catalog_s": catalog,
        "after_sweep_s": after, "warm_s": warm, "elsewhere_s": elsewhere, "sweep_s": sweep, "pytest_s": spent, **found,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--phase", help="only the model folders of these phases, by comma")
    parser.add_argument("--keep", type=Path, help="the folder for files, database and cache; without: a temporary one")
    given = parser.parse_args()
    words = ("--phase", given.phase) if given.phase else ()
    with tempfile.TemporaryDirectory() as folder:
        answer = measure(given.keep or Path(folder), words)
    if given.json:
        print(json.dumps(answer))
        return
    print(
        f"{answer['files']} files: with nothing cached {answer['cold_s']} s, with the catalog "
        f"{answer['with_catalog_s']} s, after a sweep {answer['after_sweep_s']} s, with all cached {answer['warm_s']} s"
    )
    print(f"clean: {answer['clean']}; "
          f"alike in another folder, time zone and locale: {answer['alike_everywhere']}")  # fmt: skip
    print(f"{answer['files_passing']} of {answer['files_verified']} files pass whose cases a sweep verifies")
    print(f"pytest -n 2: {answer['pytest_s']} s, the sweep {answer['sweep_s']} s; red: {len(answer['red'])} cases")
    for name in answer["failing"]:
        print(f"  fails: {name}")


if __name__ == "__main__":
    main()
