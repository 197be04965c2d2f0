"""The command that repeats one cell alone. Knows the flags of `archsweep run` and nothing else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from archsweep.contract import TINY


def command(row: Mapping[str, Any], database: str) -> str:
    """A shell command for a row of `cells` that has its `default_dtype` as well."""
    words = ["archsweep", "run", "--class", f"{row['model_type']}/{row['class_name']}"]
    words += ["--platform", row["platform"], "--check", row["check"]]
    if row["dtype"] != row["default_dtype"]:
        words += ["--dtype", row["dtype"]]
    if row["weights"] != TINY:
        words += ["--weights", row["weights"]]
    for key, value in sorted(json.loads(row["options"]).items()):
        words += ["--option", f"{key}={value}"]
    return shlex.join([*words, "--db", database])
