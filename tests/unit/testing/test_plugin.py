"""What the plugin decides by itself: which tests belong together, and which files are generated."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archsweep import registry
from archsweep.errors import UnknownName
from archsweep.testing import plugin


@pytest.mark.parametrize(
    ("nodeid", "lot"),
    [
        (
            "models/test_bert.py::test_bert[bert/BertModel:cpu:parity]",
            "models/test_bert.py::test_bert[bert/BertModel:cpu",
        ),
        ("test_bert.py::test_bert[bert/BertModel:cpu:parity:float16]", "test_bert.py::test_bert[bert/BertModel:cpu"),
        ("test_bert.py::test_bert[bert/BertModel:npu:parity]", "test_bert.py::test_bert[bert/BertModel:npu"),
        ("test_bert.py::test_other", "test_bert.py::test_other"),
        ("test_bert.py::test_other[a:b:c]", "test_bert.py::test_other[a:b:c]"),
        ("test_bert.py::test_other[a/b]", "test_bert.py::test_other[a/b]"),
        ("test_bert.py::TestIt::test_other[1-2]", "test_bert.py::TestIt::test_other[1-2]"),
    ],
)
def test_cases_of_one_class_on_one_platform_are_a_lot_and_another_test_is_alone(nodeid: str, lot: str) -> None:
    assert plugin.lot_of(nodeid) == lot


def test_a_file_is_generated_if_it_says_so_at_its_top(tmp_path: Path) -> None:
    for name, text in (
        ("ours.py", '"""bert.\n\nMade by archsweep 1.0.\n"""\n'),
        ("theirs.py", '"""By hand."""\n'),
        ("late.py", "import os\n\n# Made by archsweep\n"),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe Made by archsweep")
    found = {path.name for path in tmp_path.iterdir() if plugin._is_generated(path)}
    assert found == {"ours.py", "bytes.py"}


def test_all_checks_are_those_that_need_not_be_asked_by_name() -> None:
    every = registry.names("checks")
    costly = {name for name in every if getattr(registry.load("checks", name), "costly", False)}
    assert costly
    assert {*plugin._usual(("all",), every)} == {*every} - costly
    assert plugin._usual(("batch", "compile"), every) == ("batch", "compile")
    assert "compile" in plugin._usual(("all", "compile"), every)


def config(*platforms: str) -> Any:
    options = {"--platform": list(platforms), "--all-platforms": False}
    return SimpleNamespace(getoption=options.__getitem__)


def test_platforms_may_be_listed_with_blanks() -> None:
    assert plugin._platforms(config("cpu, openvino", "cpu")) == ("cpu", "openvino")
    assert plugin._platforms(config()) == ("cpu",)


@pytest.mark.parametrize("value", ["", ",", " "])
def test_a_flag_that_names_nothing_does_not_mean_the_default(value: str) -> None:
    with pytest.raises(pytest.UsageError, match="--platform is empty"):
        plugin._platforms(config(value))


def test_a_word_that_is_no_platform_is_refused_before_anything_is_collected() -> None:
    with pytest.raises(UnknownName, match="unknown platform 'present'"):
        plugin._platforms(config("present"))
