"""Runs generated files with pytest, in a process of its own, and says of each file how that went."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsweep.errors import SettingsError

PLUGIN = "archsweep.testing.plugin"
NOTHING_COLLECTED, USAGE, INTERNAL = 5, 4, 3  # exit codes of pytest
LONGEST = 200  # characters of a fault


@dataclass(frozen=True, kw_only=True)
class Verified:
    """One file: how many of its tests passed and were skipped, and what is wrong with it; nothing where it is well."""

    path: Path
    passed: int = 0
    skipped: int = 0
    fault: str = ""


def verified(paths: Sequence[Path], given: Mapping[str, Any]) -> list[Verified]:
    """Compile, collect and run these files on the CPU. Raises SettingsError where pytest cannot be run."""
    broken = {path: fault for path in paths if (fault := _uncompiled(path))}
    sound = [path for path in paths if path not in broken]
    cases = _ran(sound, given) if sound else {}
    return [
        Verified(path=path, fault=broken[path]) if path in broken else _judged(path, cases.get(path.stem, []))
        for path in paths
    ]


def _uncompiled(path: Path) -> str:
    try:
        compile(ast.parse(path.read_text(encoding="utf-8")), str(path), "exec")
    except (SyntaxError, ValueError) as error:
        return f"does not compile: {error}"
    return ""


def _ran(paths: Sequence[Path], given: Mapping[str, Any]) -> dict[str, list[Xml.Element]]:
    """JUnit's cases by the name of their file."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        words = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", PLUGIN, "-p", "no:cacheprovider"]
        words += [f"--junitxml={report}", "--tb=short", "--continue-on-collection-errors", *_parallel(given)]
        words += [f"--save-results={given['database']}"] if given["database"] else []  # a bare path moves pytest's root
        log = Path(folder, "log.txt")
        with log.open("w", encoding="utf-8") as quiet:
            output = quiet if given["quiet"] else sys.stderr
            done = subprocess.run([*words, *map(str, paths)], stdout=output, env=_told(given), check=False)
        if done.returncode in (USAGE, NOTHING_COLLECTED, INTERNAL) or not report.exists():
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
            raise SettingsError(
                f"pytest could not run the files, or keep their results (it ended with {done.returncode})",
                "It says why above. Is it installed? pip install 'archsweep[testing]'",
            )
        found: dict[str, list[Xml.Element]] = {}
        for case in Xml.parse(report).getroot().iter("testcase"):
            place = case.get("classname", "") or case.get("name", "")
            found.setdefault(place.rpartition(".")[2], []).append(case)
        return found


def _told(given: Mapping[str, Any]) -> dict[str, str]:
    """The environment of pytest: which cache and which modules were asked for here."""
    told = {"ARCHSWEEP_CACHE": given.get("cache") or "", "ARCHSWEEP_IMPORTS": ",".join(given.get("imports") or ())}
    return {**os.environ, **{name: text for name, text in told.items() if text}}


def _parallel(given: Mapping[str, Any]) -> list[str]:
    import importlib.util

    from archsweep import settings
    from archsweep.machine import cores

    if importlib.util.find_spec("xdist") is None:
        return []
    jobs = settings.load({"jobs": given["jobs"]})["jobs"].value or cores()
    return ["-n", str(jobs)] if jobs > 1 else []


def _judged(path: Path, cases: Sequence[Xml.Element]) -> Verified:
    """A file whose every test is skipped tests nothing, and fails; so does one that was not collected."""
    bad = [(case, tag) for case in cases for tag in case if tag.tag in ("failure", "error")]
    skipped = sum(any(tag.tag == "skipped" for tag in case) for case in cases)
    passed = len(cases) - skipped - len({id(case) for case, _ in bad})
    if bad:
        case, tag = bad[0]
        fault = f"{len(bad)} of {len(cases)} tests, the first {case.get('name')}: {_said(tag)}"[:LONGEST]
    elif not cases:
        fault = "none of its tests was collected"
    elif not passed:
        fault = f"all of its {len(cases)} tests are skipped"
    else:
        fault = ""
    return Verified(path=path, passed=passed, skipped=skipped, fault=fault)


def _said(tag: Xml.Element) -> str:
    """What was raised; of a file that cannot be imported JUnit's message alone does not tell."""
    raised = [line[1:] for line in (tag.text or "").splitlines() if line.startswith("E ")]
    said = raised[-1] if raised and tag.tag == "error" else tag.get("message") or tag.text or ""
    return " ".join(said.split())
