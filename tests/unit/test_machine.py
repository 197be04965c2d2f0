from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import archsweep
from archsweep import machine


def test_equal_facts_give_an_equal_id_and_every_fact_counts() -> None:
    here = machine.environment(device="d", driver="1", versions={"x": "1"}, notes=["b", "a"])
    assert here == machine.environment(device="d", driver="1", versions={"x": "1"}, notes=["a", "b"])
    others = [
        machine.environment(),
        machine.environment(device="e", driver="1", versions={"x": "1"}, notes=["a", "b"]),
        machine.environment(device="d", driver="2", versions={"x": "1"}, notes=["a", "b"]),
        machine.environment(device="d", driver="1", versions={"x": "2"}, notes=["a", "b"]),
        machine.environment(device="d", driver="1", versions={"x": "1"}, notes=["a"]),
    ]
    assert len({here.id, *[item.id for item in others]}) == 6
    assert len(here.id) == 12
    assert here.cores >= 1
    assert here.processor


def test_versions_are_read_without_importing_anything() -> None:
    before = set(sys.modules)
    found = machine.installed_versions()
    assert found["archsweep"] == archsweep.__version__
    assert "transformers" in found
    assert "no-such-package" not in machine.installed_versions(["no-such-package"])
    assert {"torch", "transformers"}.isdisjoint(set(sys.modules) - before)


def test_a_result_does_not_say_where_it_was_made() -> None:
    said = (
        f"Load model from {tempfile.gettempdir()}/a/b-1/12.0.onnx.draft failed; "
        f"{sys.prefix}/lib/python3.11/site-packages/torch/_ops.py:7; "
        f'File "{Path.cwd()}/src/archsweep/run/worker.py"; node /model/layers.1/self_attn/Reshape_2'
    )
    assert machine.without_folders(said) == (
        "Load model from 12.0.onnx.draft failed; torch/_ops.py:7; "
        'File "archsweep/run/worker.py"; node /model/layers.1/self_attn/Reshape_2'
    )
