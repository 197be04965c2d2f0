"""What a run reports: its own results and those that it took over, and which run it is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

import made_results as made
from archsweep.contract import RunEnd
from archsweep.errors import ArchsweepError
from archsweep.store import append, database, read, runs


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """r1 and r2 of one selection, r3 of another, r4 of the first that took a result over, r5 that never ended."""
    path = tmp_path_factory.mktemp("runs") / "a.duckdb"
    database.prepare(path)
    for number, selection in enumerate(["base", "base", "other", "base", "base"], start=1):
        day = f"2026-11-2{number}"
        results = [made.result(run=f"r{number}", at=f"{day}T01:00:00Z", metrics={"run_s": float("nan"), "odd": number})]
        if number == 1:
            results.append(made.result("fig/FigModel", "forward", "error", run="r1", at=f"{day}T01:00:00Z"))
        append.append(
            path, results, [made.subject()], [made.environment()],
            run=made.run(f"r{number}", f"{day}T00:00:00Z", selection), reused=[2] if number == 4 else (),
            end=RunEnd(run=f"r{number}", finished_at=f"{day}T02:00:00Z") if number < 5 else None,
        )  # fmt: skip
    return path


def test_a_run_has_its_own_results_and_those_that_it_took_over(path: Path) -> None:
    own, taken = runs.rows(path, "r4")
    assert (own["case"], own["reused"], own["is_base"]) == ("bert/BertModel:cpu:parity", False, True)
    assert (taken["case"], taken["reused"], taken["run"]) == ("fig/FigModel:cpu:forward", True, "r1")


def test_rows_have_what_a_cell_has(path: Path) -> None:
    (row,) = runs.rows(path, "r2")
    assert set(read.CELL_COLUMNS) | {"default_dtype", "architecture", "priority"} <= set(row)
    assert (row["run_s"], row["peak_host_mb"], row["finished_at"]) == (None, None, "2026-11-22T01:00:00Z")


def test_tracebacks_come_on_request(path: Path) -> None:
    rows = {row["case"]: row for row in runs.rows(path, "r1", tracebacks=True)}
    assert rows["fig/FigModel:cpu:forward"]["traceback"] == "Traceback ..."
    assert "traceback" not in runs.rows(path, "r1")[0]


@pytest.mark.parametrize(("run", "before"), [("r1", None), ("r2", "r1"), ("r3", None), ("r4", "r2"), ("r5", "r4")])
def test_the_previous_run_is_the_last_finished_one_of_the_same_selection(
    path: Path, run: str, before: str | None
) -> None:
    assert runs.previous(path, run) == before


def test_other_platforms_are_another_run(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    database.prepare(path)
    for number, platforms in enumerate((["cpu", "npu"], ["npu", "cpu"], ["cpu"])):
        record = made.run(f"r{number}", f"2026-11-2{number}T00:00:00Z")
        record.settings["platforms"] = platforms  # type: ignore[index]
        append.begin_run(path, record)
        append.finish_run(path, RunEnd(run=f"r{number}", finished_at=f"2026-11-2{number}T02:00:00Z"))
    assert [runs.previous(path, name) for name in ("r1", "r2")] == ["r0", None]


def test_all_is_what_speaks_for_each_case(path: Path) -> None:
    assert {row["case"]: row["run"] for row in runs.rows(path, runs.EVERY)} == {
        row["case"]: row["run"] for row in read.cells(path)
    }
    record = runs.record(path, runs.EVERY)
    assert (record["started_at"], record["version"]) == ("2026-11-21T00:00:00Z", "")


def test_endings_are_those_of_the_rows(path: Path) -> None:
    kept = ("case", "status", "stage", "error_class", "message")
    assert {tuple(row[name] for name in kept) for row in runs.endings(path, "r4")} == {
        tuple(row[name] for name in kept) for row in runs.rows(path, "r4")
    }


def test_latest_and_names(path: Path) -> None:
    assert runs.record(path, "latest")["run"] == "r5"
    with pytest.raises(ArchsweepError, match="there is no run 'r44'\nRuns: r4"):
        runs.record(path, "r44")


def test_a_copy_says_how_many_rows_it_has(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "it's.jsonl"
    assert runs.copy(path, "r4", file, "jsonl") == 2
    assert '"metrics":{"odd":4.0,"run_s":null}' in file.read_text()
