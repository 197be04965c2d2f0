"""The command that repeats one case alone. Knows the flags of `archsweep run` and nothing else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from archsweep.contract import Case
from archsweep.settings import KNOWN


def case_of(row: Mapping[str, Any]) -> Case:
    """The case of a row of `cells` that has its `default_dtype` as well."""
    return Case(
        subject=f"{row['model_type']}/{row['class_name']}",
        platform=row["platform"],
        check=row["check"],
        dtype=row["dtype"],
        default_dtype=row["default_dtype"],
        weights=row["weights"],
        options=tuple(json.loads(row["options"]).items()),
    )


def command(case: Case, database: str, asked: Mapping[str, Any]) -> str:
    """A shell command. `asked` holds the options of the run in which the case ended, as its record has them."""
    words = ["archsweep", "run", "--class", case.subject, "--platform", case.platform, "--check", case.check]
    if asked.get("checkpoint"):
        words = ["archsweep", "test", asked["checkpoint"], *words[4:]]
    if case.dtype != case.default_dtype:
        words += ["--dtype", case.dtype]
    for key, value in case.options:
        words += ["--option", f"{key}={value}"]
    for module in asked.get("imports", ()):
        words += ["--import", module]
    words += [f"--{name.replace('_', '-')}" for name in ("trust_remote_code", "rules_alone") if asked.get(name)]
    for name, flag in (("timeout_s", "--timeout"), ("memory_bytes", "--memory")):
        usual = KNOWN[flag.removeprefix("--")].default()
        if asked.get(name, usual) != usual:
            words += [flag, f"{asked[name]:.15g}"]
    return shlex.join([*words, "--db", database] if database else words)
