"""The accepted endings of a run: one small sorted file for each model type, written by `archsweep accept`.

Same results, same bytes: no times and no paths, so that a change in a baseline is a change in behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from archsweep.contract import Result, Status
from archsweep.errors import SettingsError
from archsweep.run import journal
from archsweep.run.findings import Ending, ending

SUFFIX = ".baseline.json"


def write(folder: Path, results: Iterable[Result], versions: Mapping[str, str]) -> int:
    """One file for each model type; returns how many. What the run did not touch stays: types, and cases of a type.

    Raises SettingsError for a file of that name which is no baseline.
    """
    groups: dict[str, dict[str, Any]] = {}
    for result in results:
        if result.status is not Status.BROKEN:
            groups.setdefault(result.case.subject.partition("/")[0], {})[result.case.id] = _entry(result)
    folder.mkdir(parents=True, exist_ok=True)
    held = {model_type: _cases(folder / f"{model_type}{SUFFIX}") for model_type in groups}
    for model_type, found in sorted(groups.items()):
        cases = {**held[model_type], **found}
        body = ",\n".join(f"  {json.dumps(case)}: {json.dumps(entry)}" for case, entry in sorted(cases.items()))
        head = json.dumps(dict(sorted(versions.items())))
        (folder / f"{model_type}{SUFFIX}").write_text(f'{{\n "versions": {head},\n "cases": {{\n{body}\n }}\n}}\n')
    return len(groups)


def read(path: Path) -> dict[str, Ending]:
    """Endings by case id: of a folder of accepted files or one of them, of an export or a journal.

    Raises SettingsError with file and line.
    """
    if path.is_file() and journal.is_one(path):
        return {case: ending(result) for case, result in journal.read_results(path).items()}
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not path.exists():
        raise SettingsError(f"there is no baseline at {path}", "Write one with: archsweep accept RUN --output FOLDER")
    if not files:
        raise SettingsError(f"no baseline in {path}", f"Write one with: archsweep accept RUN --output {path}")
    found: dict[str, Ending] = {}
    for file in files:
        found.update({case: _ending(entry) for case, entry in _cases(file).items()})
    return found


def _cases(file: Path) -> dict[str, Any]:
    """The entries of one file by case id; none if there is no such file."""
    if not file.exists():
        return {}
    try:
        cases: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["cases"]
        for entry in cases.values():
            _ending(entry)
        return cases
    except json.JSONDecodeError as error:
        raise SettingsError(f"{file}, line {error.lineno}: not a baseline: {error.msg}") from error
    except (OSError, UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise SettingsError(f"{file} is not a baseline ({error})") from error


def _entry(result: Result) -> Any:
    if result.status is Status.PASS:
        return "pass"
    parts = ending(result)
    entry = {"status": str(parts.status), "stage": parts.stage, "error_class": parts.error_class}
    if result.blame:
        entry["blame"] = str(result.blame)
    if result.blame_package:
        entry["blame_package"] = result.blame_package
    return entry


def _ending(entry: Any) -> Ending:
    if entry == "pass":
        return Ending(Status.PASS)
    return Ending(Status(entry["status"]), entry["stage"], entry["error_class"])
