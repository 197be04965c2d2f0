from __future__ import annotations

from pathlib import Path

import pytest
from making import case, result, subject

from archsweep.contract import RunEnd, RunRecord, Status
from archsweep.errors import SettingsError
from archsweep.machine import environment
from archsweep.run import journal
from archsweep.run.keeping import JournalKeeper, unfinished

RECORD = RunRecord(run="r1", started_at="2026-11-22T12:00:00Z", version="0", settings={"selection": {"base": True}})


def kept(path: Path, *results: object) -> JournalKeeper:
    keeper = JournalKeeper(path)
    keeper.begin(RECORD, [environment()], [subject()])
    keeper.add(results)  # type: ignore[arg-type]
    return keeper


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    other = result(Status.ERROR, of=case(check="parity"), error_class="KeyError")
    keeper = kept(path, result(), other)
    found = unfinished(path)
    assert found is not None
    assert found[0] == RECORD
    assert found[1] == {item.case.id: item for item in (result(), other)}
    assert journal.read_context(path) == ([environment()], [subject()])
    keeper.end(RunEnd(run="r1", finished_at="2026-11-22T12:01:00Z"))
    keeper.close()
    assert unfinished(path) is None


def test_a_journal_makes_no_folders(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no folder"):
        JournalKeeper(tmp_path / "deep" / "run.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 7, 200])
def test_a_torn_last_line_is_ignored_and_mended_by_the_next_batch(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    kept(path, result(), result(of=case(check="parity"))).close()
    path.write_bytes(path.read_bytes()[:-cut])
    resumed = unfinished(path)
    assert resumed is not None
    assert list(resumed[1]) == [case().id]
    keeper = JournalKeeper(path, resumed)
    keeper.begin(RECORD, [], [])
    keeper.add([result(of=case(check="parity"))])
    keeper.close()
    assert len(journal.read_results(path)) == 2
    assert sum(kind == "run" for kind, _ in journal.read(path)) == 1


def test_a_result_written_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    kept(path, result(), result(Status.FAIL, error_class="fail")).close()
    assert [item.status for item in journal.read_results(path).values()] == [Status.PASS]


def test_a_file_that_is_no_journal_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"kind": "header"}\nnot json\n')
    with pytest.raises(SettingsError, match=r"run\.jsonl, line 2"):
        list(journal.read(path))
    assert journal.read_run(tmp_path / "missing") is None
