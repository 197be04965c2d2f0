"""What is the dispatch table worth? Its word on MPS against the symbols in torch's wheel for macOS, fetched by pip.

A native operator must have its entry `at::mps::NAME` in the library, a missing one must not. Baseline: guessing the
more frequent answer.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

LIBRARY = "torch/lib/libtorch_cpu.dylib"
SYSTEM = ("--platform", "macosx_14_0_arm64", "--platform", "macosx_11_0_arm64", "--only-binary=:all:", "--no-deps")


def library(version: str, folder: Path) -> bytes:
    """The CPU library of torch's wheel for macOS, of the same version as here."""
    words = [sys.executable, "-m", "pip", "download", "--quiet", *SYSTEM, "--dest", str(folder), f"torch=={version}"]
    subprocess.run(words, check=True)
    wheel = next(folder.glob("torch-*.whl"))
    with zipfile.ZipFile(wheel) as held:
        return held.read(LIBRARY)


def judged(binary: bytes) -> dict[str, Any]:
    """By operator name (overloads share the symbol): what the table says, and whether the symbol is there."""
    from archsweep.platforms import _operators, mps

    found = _operators.table(None)
    said: dict[str, set[_operators.Support]] = {}
    as_written = dataclasses.replace(mps.DEVICE, translated={})
    for operator in found:
        name = operator.partition(".")[0]
        said.setdefault(name, set()).add(_operators.look_up(f"aten.{operator}", as_written, found))
    native = [name for name, kinds in said.items() if _operators.Support.NATIVE in kinds]
    missing = [name for name, kinds in said.items() if kinds == {_operators.Support.MISSING}]
    present = {name: any(_symbol(form) in binary for form in (name, f"{name}_out")) for name in (*native, *missing)}
    return {
        "native": len(native),
        "native_with_symbol": sum(present[name] for name in native),
        "missing": len(missing),
        "missing_with_symbol": sum(present[name] for name in missing),
        "wrong": sorted([name for name in native if not present[name]] + [name for name in missing if present[name]]),
    }


def _symbol(name: str) -> bytes:
    """The mangled beginning of `at::mps::NAME`; an operator that writes into its argument is called NAME_out."""
    return f"_ZN2at3mps{len(name)}{name}E".encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--library", type=Path, help="a library that was fetched before")
    given = parser.parse_args()
    import torch

    version = torch.__version__.partition("+")[0]
    with tempfile.TemporaryDirectory() as folder:
        binary = given.library.read_bytes() if given.library else library(version, Path(folder))
    rows = judged(binary)
    right = rows["native_with_symbol"] + rows["missing"] - rows["missing_with_symbol"]
    total = rows["native"] + rows["missing"]
    guess = max(rows["native"], rows["missing"])
    figures = {
        "figure": right / total,
        "unit": f"share of {total} operators on which the table and the symbols of torch {version} for macOS agree",
        "baseline": guess / total,
        "ratio": right / guess,
        **rows,
    }
    if given.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
