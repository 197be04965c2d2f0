"""What a page of a model type is made from: of one type or of all, the same rows; history only where it turned."""

from __future__ import annotations

from pathlib import Path

import pytest

import made_results as made
from archsweep.store import append, database, models


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs of one case that ends in four ways, and a gap in which it was not tried."""
    path = tmp_path_factory.mktemp("models") / "a.duckdb"
    database.prepare(path)
    with database.writing(path) as connection:
        append.insert_environments(connection, [made.environment(), made.environment("f2", "5.24.0")])
    endings = ["pass", "pass", "unavailable", "fail", "error", "error", "pass"]
    for number, status in enumerate(endings, start=1):
        day, run = f"2026-11-{number:02}", f"r{number}"
        append.begin_run(path, made.run(run, f"{day}T00:00:00Z"))
        results = [made.result(status=status, run=run, at=f"{day}T01:00:00Z")]
        details = {"recipe": {"candidate": "even"}, "program": None, "digest": "d", "shapes": {"x": [1]}}
        results.append(made.result(check="forward", run=run, at=f"{day}T01:00:00Z", details=details))
        if number == 1:
            results.append(made.result("gpt2/GPT2Model", run=run, at=f"{day}T01:00:00Z"))
            results.append(made.result(weights="hub@1", run=run, at=f"{day}T01:00:00Z"))
        append.append(path, results, [made.subject(), made.subject("bert/BertForMaskedLM", base=False)], [])
    return path


def test_one_type_has_the_same_rows_alone_and_among_all(path: Path) -> None:
    every = models.model_rows(path)
    assert list(every) == ["bert", "gpt2"]
    assert models.model_rows(path, ["bert"]) == {"bert": every["bert"]}
    assert models.model_rows(path, ["nothing"]) == {}
    assert models.model_rows(path, ["gpt2", "bert"]) == every


def test_details_are_read_where_they_are_needed_and_metrics_everywhere(path: Path) -> None:
    forward, parity = models.model_rows(path)["bert"].cells
    assert forward["check"] == "forward"
    assert forward["details"] == {"recipe": {"candidate": "even"}, "shapes": {"x": [1]}}
    assert parity["details"] == {}
    assert parity["metrics"] == {"outputs": 2.0, "worst_relative": 3e-7}
    assert (parity["default_dtype"], parity["is_base"], parity["category"]) == ("float32", True, "text-encoders")


def test_history_holds_the_first_ending_and_those_that_differ_from_the_one_before(path: Path) -> None:
    found = [row for row in models.model_rows(path)["bert"].history if row["check"] == "parity"]
    assert [(row["before"], row["status"], row["run"]) for row in found] == [
        (None, "pass", "r1"),
        ("pass", "fail", "r4"),
        ("fail", "error", "r5"),
        ("error", "pass", "r7"),
    ]
    assert {row["transformers_version"] for row in found} == {"5.23.0"}
    assert found[2]["error_class"] == "ValueError"


def test_classes_are_those_of_the_newest_transformers_that_knows_the_type(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "b.duckdb"
    copy.write_bytes(path.read_bytes())
    append.begin_run(copy, made.run("r9", "2026-12-01T00:00:00Z"))
    append.append(copy, [made.result(run="r9", fingerprint="f2", at="2026-12-01T00:00:00Z")], [made.subject()], [])
    found = models.model_rows(copy)["bert"]
    assert [(row["class_name"], row["transformers_version"]) for row in found.subjects] == [("BertModel", "5.24.0")]
    assert [row["class_name"] for row in models.model_rows(path)["bert"].subjects] == ["BertModel", "BertForMaskedLM"]
