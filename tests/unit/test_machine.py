from __future__ import annotations

import sys

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
