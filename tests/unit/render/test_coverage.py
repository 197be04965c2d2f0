"""Coverage as text."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from pathlib import Path

import pytest

from archsweep.analysis import coverage as analysis
from archsweep.analysis.coverage import Completion, Coverage, Criterion, Judged
from archsweep.errors import SettingsError
from archsweep.render import coverage


def _item(name: str, phase: int, *, verified: bool) -> Completion:
    judged = Judged.YES if verified else Judged.NO
    criteria = {item: Judged.NOT if item is Criterion.CI else judged for item in Criterion}
    return Completion(
        model_type=name, family=name, category="vision", architecture="encoder-only", phase=phase, criteria=criteria,
        generated=True, executed=("cpu",), verified=("cpu",) if verified else (),
        reason="" if verified else "fail at compare: a | b",
    )  # fmt: skip


FOUND = Coverage(
    transformers_version="5.23.0",
    architectures=tuple(_item(f"type_{number}", 1 + number % 6, verified=number != 5) for number in range(12)),
    checks=(analysis.Checked(check="parity", platform="cpu", total=30, applicable=20, verified=19, inapplicable=4),),
    platforms=("cpu",),
    absent={"elsewhere": "transformers has it not."},
)


def test_a_share_is_never_rounded_up_to_what_is_not_reached() -> None:
    assert coverage.percent(99.96) == "99.9 %"
    assert coverage.percent(100) == "100.0 %"


def test_the_report_leads_with_what_is_verified_and_names_the_command() -> None:
    text = coverage.report(FOUND, "archsweep run --base")
    assert "11 of 12 model types of transformers 5.23.0 verified on cpu (91.6 %)" in text
    assert "archsweep run --base" in text
    assert "| parity | cpu | 19 | 20 | 4 | 30 |" in text
    assert "| type\\_5 | vision | fail at compare: a \\| b |" in text


def test_boxes_are_ticked_by_what_is_complete() -> None:
    text = coverage.report(FOUND, "")
    assert "- [x] **Phase 1, core**: 2 of 2 (to 2)" in text
    assert "- [ ] **Phase 6, complete**: 1 of 2 (to 12)" in text
    assert "  - [x] type\\_0" in text
    assert "\n- elsewhere: transformers has it not.\n" in text, "it is not of the last phase"


def test_details_have_a_line_for_each_type() -> None:
    text = coverage.details(FOUND)
    assert "| type\\_5 | 6 | vision | ✗ | ✗ | ✗ | ✗ | – | executed |" in text
    assert "| type\\_0 | 1 | vision | ✓ | ✓ | ✓ | ✓ | – | verified |" in text


def test_the_badge_says_the_number_in_words() -> None:
    root = Xml.fromstring(coverage.badge(FOUND))
    assert root.get("aria-label") == "architectures verified: 91.6 %"
    assert [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")] == ["architectures verified", "91.6 %"]


def test_a_readme_keeps_all_but_what_stands_between_its_markers(tmp_path: Path) -> None:
    text = f"before\n{coverage.BEGIN}\nold\n{coverage.END}\nafter\n"
    found = coverage.updated(tmp_path, text, coverage.section(FOUND, "docs/coverage.svg"))
    assert found.startswith(f"before\n{coverage.BEGIN}\n![verified: 91.6 %](docs/coverage.svg)")
    assert found.endswith(f"\n{coverage.END}\nafter\n")
    assert "old" not in found
    assert coverage.updated(tmp_path, found, coverage.section(FOUND, "docs/coverage.svg")) == found
    windows = coverage.updated(tmp_path, text.replace("\n", "\r\n"), coverage.section(FOUND, "docs/coverage.svg"))
    assert windows == found.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text", ["no markers", coverage.BEGIN, f"{coverage.END} {coverage.BEGIN}", 2 * f"{coverage.BEGIN}{coverage.END}"]
)
def test_a_readme_without_its_markers_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has not these two lines"):
        coverage.updated(tmp_path, text, "")
