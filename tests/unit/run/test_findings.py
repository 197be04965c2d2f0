from __future__ import annotations

import json
from pathlib import Path

import pytest
from making import case, result

from archsweep.contract import Blame, Stage, Status
from archsweep.errors import SettingsError
from archsweep.run import baseline, findings, sentinels
from archsweep.run.findings import BAD, QUIET, Ending

PASS = Ending(Status.PASS)
ID = case().id


@pytest.mark.parametrize("status", sorted(BAD))
def test_a_bad_ending_is_a_finding_unless_it_was_exactly_so_before(status: Status) -> None:
    bad = result(status, error_class="KeyError", stage=Stage.RUN)
    same = Ending(status, "run", "KeyError")
    assert findings.findings([bad], {}) == [bad]
    assert findings.findings([bad], {ID: PASS}) == [bad]
    assert findings.findings([bad], {ID: same}) == []
    for other in (Ending(status, "build", "KeyError"), Ending(status, "run", "TypeError")):
        assert findings.findings([bad], {ID: other}) == [bad]


@pytest.mark.parametrize("status", sorted(QUIET))
def test_a_quiet_ending_is_a_finding_only_where_the_baseline_passed(status: Status) -> None:
    quiet = result(status)
    assert findings.findings([quiet], {}) == []
    assert findings.findings([quiet], {ID: Ending(status, "build", "")}) == []
    assert findings.findings([quiet], {ID: PASS}) == [quiet]


def test_a_pass_is_never_a_finding_and_an_accepted_failure_that_passes_is_reported() -> None:
    good = result()
    before = {ID: Ending(Status.ERROR, "run", "KeyError")}
    assert findings.findings([good], before) == []
    assert findings.mended([good], before) == [good]
    assert findings.mended([good], {ID: PASS}) == []


def test_verified_needs_both_checks_in_the_default_dtype_with_tiny_weights() -> None:
    both = [(case(), Status.PASS), (case(check="parity"), Status.PASS)]
    assert findings.verified(both) == {"cpu": 1}
    assert findings.verified(both[:1]) == {}
    assert findings.verified([both[0], (case(check="parity"), Status.FAIL)]) == {}
    assert findings.verified([both[0], (case(check="parity", dtype="float16"), Status.PASS)]) == {}
    assert findings.verified([both[0], (case(check="parity", weights="x@1"), Status.PASS)]) == {}
    assert findings.verified([both[0], (case(check="parity", options=(("engine", "a"),)), Status.PASS)]) == {}
    other = [(case("bert/Other", check=check, platform="gpu"), Status.PASS) for check in ("forward", "parity")]
    assert findings.verified(both + other) == {"cpu": 1, "gpu": 1}


def test_the_summary_holds_what_scripts_rely_on() -> None:
    cases = [case(), case(check="parity"), case(platform="gpu")]
    made = findings.summary(
        run="r1",
        planned=cases,
        executed=2,
        results=[(cases[0], Status.PASS), (cases[1], Status.PASS), (cases[2], Status.UNAVAILABLE)],
        found=0,
        reused=1,
        wall_s=1.234,
        peak_bytes=5 * 2**20,
    )
    assert made == {
        "run": "r1",
        "planned": 3,
        "executed": 2,
        "verified": 1,
        "findings": 0,
        "by_status": {"pass": 2, "unavailable": 1},
        "by_platform": {
            "cpu": {"planned": 2, "verified": 1, "by_status": {"pass": 2}},
            "gpu": {"planned": 1, "verified": 0, "by_status": {"unavailable": 1}},
        },
        "reused": 1,
        "wall_s": 1.23,
        "peak_mb": 5,
    }


def test_a_baseline_is_one_sorted_file_for_each_type_and_reads_back(tmp_path: Path) -> None:
    bad = result(
        Status.ERROR, of=case("t5/T5Model"), error_class="KeyError", blame=Blame.UPSTREAM, blame_package="torch"
    )
    results = [bad, result(of=case(check="parity")), result(), result(Status.BROKEN, of=case("x/X"))]
    assert baseline.write(tmp_path / "b", results, {"torch": "2"}) == 2
    files = sorted(path.name for path in (tmp_path / "b").iterdir())
    assert files == ["bert.baseline.json", "t5.baseline.json"]
    read = baseline.read(tmp_path / "b")
    assert read == {item.case.id: findings.ending(item) for item in results[:3]}
    assert findings.findings(results[:3], read) == []
    held = json.loads((tmp_path / "b" / "t5.baseline.json").read_text())
    assert held["versions"] == {"torch": "2"}
    assert held["cases"][bad.case.id]["blame_package"] == "torch"
    first = (tmp_path / "b" / "bert.baseline.json").read_bytes()
    baseline.write(tmp_path / "b", results[::-1], {"torch": "2"})
    assert (tmp_path / "b" / "bert.baseline.json").read_bytes() == first
    other = result(Status.FAIL, of=case(platform="elsewhere"))
    baseline.write(tmp_path / "b", [other], {"torch": "2"})
    assert baseline.read(tmp_path / "b") == {**read, other.case.id: findings.ending(other)}


def test_a_malformed_baseline_names_file_and_line(tmp_path: Path) -> None:
    broken = tmp_path / "bert.baseline.json"
    broken.write_text('{\n "cases": {\n  oops\n }\n}')
    with pytest.raises(SettingsError, match=r"bert\.baseline\.json, line 3"):
        baseline.read(tmp_path)
    with pytest.raises(SettingsError, match="no baseline in"):
        (tmp_path / "empty").mkdir()
        baseline.read(tmp_path / "empty")
    broken.write_text('{"cases": {"a": {"status": "odd", "stage": "run", "error_class": ""}}}')
    with pytest.raises(SettingsError, match="is not a baseline"):
        baseline.read(broken)


def test_sentinels_that_end_otherwise_condemn_their_platform() -> None:
    def ended(name: str, status: Status, platform: str = "cpu") -> object:
        return result(status, of=case(f"{sentinels.MODEL_TYPE}/{name}", platform=platform))

    right = [ended(name, status) for name, status in sentinels.EXPECTED.items()]
    assert sentinels.faults(right) == {}  # type: ignore[arg-type]
    wrong = [*right, ended("Wrong", Status.PASS, "gpu")]
    assert list(sentinels.faults(wrong)) == ["gpu"]  # type: ignore[arg-type]
