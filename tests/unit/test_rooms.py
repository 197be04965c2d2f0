"""Rules that hold the house up, read off the source: importing is free, files and functions are small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import archsweep

ROOT = Path(archsweep.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
HEAVY = ("torch", "transformers", "duckdb", "ray", "onnxruntime", "openvino", "numpy", "torchvision", "timm")


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_importing_any_module_loads_nothing_heavy() -> None:
    parts = [file.relative_to(ROOT.parent).with_suffix("").parts for file in FILES]
    names = [".".join(part for part in own if part != "__init__") for own in parts]
    assert len(names) > 60
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = set({HEAVY!r}).intersection(sys.modules)\n"
        "    assert not loaded, (name, loaded)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_files_and_functions_are_small_and_say_what_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is for"
    assert len(text.splitlines()) < 400
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 60
    }
    assert long == {}


def test_everything_is_caught_in_one_place_only() -> None:
    """The worker turns every ending into a result; elsewhere what is caught is stated."""
    catching = [
        _name(file)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and _keeps_all(node)
    ]
    assert catching == ["run/worker.py"]


def _keeps_all(handler: ast.ExceptHandler) -> bool:
    """Whether it catches whatever there is and does not pass it on."""
    kind, last = handler.type, handler.body[-1]
    named = {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)} if kind is not None else set()
    catches_all = kind is None or bool(named & {"Exception", "BaseException"})
    return catches_all and not (isinstance(last, ast.Raise) and last.exc is None)


def test_no_file_is_named_after_nothing_or_by_an_adjective() -> None:
    words = {"utils", "util", "helpers", "helper", "manager", "base", "core", "common", "misc", "improved", "fixed"}
    named = {part for file in FILES for part in file.relative_to(ROOT).with_suffix("").as_posix().split("/")}
    assert {name for name in named if words & set(name.split("_"))} == set()
