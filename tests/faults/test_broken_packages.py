"""A runtime that is installed and does not load takes nothing from the other platforms of its sweep."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from archsweep.archs.selection import Selection
from archsweep.contract import Status
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper
from archsweep.run.plan import Options
from archsweep.run.sweep import Manner, sweep

OLD_ABI = "ValueError('numpy.dtype size changed, may indicate binary incompatibility')"
OLD_PROTOBUF = "TypeError('Descriptors cannot be created directly')"


@pytest.mark.parametrize(
    ("package", "error", "words"),
    [("openvino", OLD_ABI, "numpy.dtype size changed"), ("onnx", OLD_PROTOBUF, "Descriptors cannot be created")],
)
def test_a_package_that_does_not_load_stops_its_own_platform_only(
    trouble: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, error: str, words: str
) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(f"raise {error}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    options = Options(
        selection=Selection(models=("model_sound",)), platforms=("cpu", "openvino"), checks=("forward",),
        imports=("trouble",), cache=str(tmp_path / "cache"),
    )  # fmt: skip
    file = tmp_path / "run.jsonl"
    sweep(options, Manner(jobs=1, quiet=True), JournalKeeper(file))
    ended = {result.case.platform: result for result in journal.read_results(file).values()}
    assert ended["cpu"].status is Status.PASS
    assert ended["openvino"].status is Status.UNAVAILABLE
    if importlib.util.find_spec("openvino"):  # with neither, the first that is missing is named
        assert words in ended["openvino"].message
