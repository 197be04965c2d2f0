"""What becomes of files where pytest itself cannot go on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from archsweep.commands import _verifying
from archsweep.errors import SettingsError

PASSED = '<testsuites><testsuite><testcase classname="test_bert" name="test_bert[a]" /></testsuite></testsuites>'
WHY = "The results wait in a folder."


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A pytest that writes a report in which all is well, says why, and ends with the code that is asked for."""

    def run(words: list[str], *, stdout: Any, **_: Any) -> subprocess.CompletedProcess[str]:
        report = next(word for word in words if word.startswith("--junitxml="))
        Path(report.partition("=")[2]).write_text(PASSED)
        stdout.write(WHY + "\n")
        return subprocess.CompletedProcess(words, request.param)

    monkeypatch.setattr(subprocess, "run", run)


def verified(folder: Path, *, quiet: bool) -> list[_verifying.Verified]:
    path = folder / "test_bert.py"
    path.write_text("")
    return _verifying.verified([path], {"database": "a.duckdb", "jobs": "1", "quiet": quiet})


@pytest.mark.parametrize("ended", [3, 4, 5], indirect=True)
@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.usefixtures("ended")
def test_results_that_were_not_kept_are_no_success_and_the_reason_is_shown(
    quiet: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError, match="it ended with"):
        verified(tmp_path, quiet=quiet)
    assert capsys.readouterr().err == f"{WHY}\n"


@pytest.mark.parametrize("ended", [0], indirect=True)
@pytest.mark.usefixtures("ended")
def test_nothing_is_shown_quietly_where_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [item.fault for item in verified(tmp_path, quiet=True)] == [""]
    assert capsys.readouterr().err == ""
