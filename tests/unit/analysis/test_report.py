"""A report counts what the matrix counts, and names what repeats a failure."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.analysis.report import Report, report


def row(name: str = "pear/PearModel", check: str = "parity", status: str = "pass", **other: Any) -> dict[str, Any]:
    model_type, _, class_name = name.partition("/")
    platform = other.get("platform", "cpu")
    known = {
        "case": f"{name}:{platform}:{check}", "model_type": model_type, "class_name": class_name, "is_base": True,
        "category": "fruit", "priority": "high", "platform": platform, "check": check, "dtype": "float32",
        "default_dtype": "float32", "weights": "tiny", "options": "{}", "status": status, "stage": "run",
        "evidence": "hardware", "error_class": None, "operators": [], "message": "", "wall_s": 1.0, "fingerprint": "f1",
        "finished_at": "2026-11-22T10:00:00Z", "run": "r1", "reused": False, "parameters": None, "run_s": None,
        "peak_device_mb": None, "peak_host_mb": None,
    }  # fmt: skip
    return known | other


def told(*rows: dict[str, Any], **other: Any) -> Report:
    record = {"run": "r1", "started_at": "a", "finished_at": None, "version": "1", "summary": None}
    known: dict[str, Any] = {"environments": {}, "options": {}, "database": "a.duckdb"}
    return report(record, rows, **(known | other))


def test_what_is_verified_and_what_stands_apart() -> None:
    found = told(
        row(), row(check="forward"),
        row("fig/FigModel", status="unavailable"), row("fig/FigModel", "forward", "unavailable"),
        row("plum/PlumModel", status="inapplicable"), row("plum/PlumModel", "forward", "inapplicable"),
    )  # fmt: skip
    (cell,) = found.platforms
    assert (cell.verified, cell.applicable, cell.by_status["unavailable"]) == (1, 2, 1)
    assert (found.verified, found.applicable, found.finished_at, found.findings) == (1, 2, "", None)
    assert list(found.by_status) == ["pass", "unavailable", "inapplicable"]


def test_each_check_counts_its_cases() -> None:
    found = told(
        row(evidence="emulator"), row("fig/FigModel"), row("plum/PlumModel", status="fail", evidence="none"),
        row(check="generate", status="inapplicable"), row(check="batch", status="oom", evidence="emulator"),
    )  # fmt: skip
    parity, batch, generate = found.checks
    assert (parity.place, parity.verified, parity.applicable) == (("cpu", "parity"), 2, 3)
    assert (parity.status, parity.evidence) == ("fail", "emulator")
    assert (batch.place[1], batch.status, batch.evidence) == ("batch", "oom", "emulator")
    assert (generate.applicable, generate.inapplicable, generate.status) == (0, 1, "inapplicable")


def test_a_cause_has_the_commands_that_repeat_it() -> None:
    found = told(row(status="error"), options={"r1": {"imports": ["orchard"]}})
    assert found.repeats["pear/PearModel:cpu:parity"] == (
        "archsweep run --class pear/PearModel --platform cpu --check parity --import orchard --db a.duckdb",
        "archsweep repro pear/PearModel:cpu:parity --db a.duckdb",
    )


@pytest.mark.parametrize("other", [{"platform": "npu"}, {"check": "generate"}, {"weights": "pear@main"}])
def test_a_script_is_named_only_where_there_is_one(other: dict[str, Any]) -> None:
    ((_, *more),) = told(row(**({"status": "error"} | other))).repeats.values()
    assert more == []
    ((_, *more),) = told(row(status="error"), database="").repeats.values()
    assert more == []


def test_the_slowest_are_those_that_came_to_an_end() -> None:
    rows = [row(wall_s=3.0), row("fig/FigModel", wall_s=5.0, status="fail", run_s=0.1)]
    rows += [row("a/A", status=status, wall_s=9.0) for status in ("timeout", "unavailable", "inapplicable")]
    assert [(slow.wall_s, slow.run_s) for slow in told(*rows).slowest] == [(5.0, 0.1), (3.0, None)]


def test_the_heaviest_by_memory_and_then_by_parameters_each_once() -> None:
    rows = [
        row(parameters=10, peak_host_mb=700.0), row(check="forward", parameters=10, peak_host_mb=900.0),
        row(platform="npu", parameters=10, peak_device_mb=800.0, peak_host_mb=5000.0),
        row(platform="web", parameters=10), row("fig/FigModel", parameters=30), row("fig/FigModel", "forward"),
        row("fig/FigModel", platform="npu", parameters=30),
    ]  # fmt: skip
    found = [(heavy.subject, heavy.platform, heavy.memory_mb, heavy.memory_of) for heavy in told(*rows).heaviest]
    assert found == [
        ("pear/PearModel", "cpu", 900.0, "host"),
        ("pear/PearModel", "npu", 800.0, "device"),
        ("fig/FigModel", "", None, ""),
    ]


def test_changes_only_where_there_is_a_run_to_compare_with() -> None:
    assert told(row()).changes is None
    found = told(row(), before=[row(status="fail")], previous="r0")
    assert found.changes is not None
    assert (len(found.changes.gained), found.previous) == (1, "r0")


def test_environments_are_those_of_the_results() -> None:
    found = told(row(), row(platform="npu"), environments={"f1": {"id": "f1"}, "f2": {"id": "f2"}})
    (used,) = found.environments
    assert (used.platforms, used.results, used.environment["id"]) == (("cpu", "npu"), 2, "f1")
