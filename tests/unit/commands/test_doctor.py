"""What `archsweep doctor` says of a platform: device, versions and evidence, whether it is here or not."""

from __future__ import annotations

import pytest
from making import ground

from archsweep.commands import doctor
from archsweep.contract import Evidence


@pytest.mark.parametrize("present", [True, False])
def test_a_platform_shows_versions_and_evidence_present_or_not(present: bool) -> None:
    lines = doctor._lines(ground("rocm", present=present, versions={"hip": "6.4"}))
    evidence = Evidence.HARDWARE if present else Evidence.NONE
    assert f"hip 6.4, evidence {evidence}" in "\n".join(lines)
    assert lines[0].startswith("rocm       present:" if present else "rocm       absent:")


def test_an_absent_platform_says_why_and_what_to_do() -> None:
    lines = doctor._lines(ground("cuda", present=False, reason="no driver", install="a driver"))
    assert [line.strip() for line in lines[:2]] == ["cuda       absent: no driver", "install: a driver"]
    assert "no version to be found" in lines[2]
