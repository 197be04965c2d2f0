"""The overrides: few, small, with a reason each; and a malformed file is named with its line."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import made_facts
import pytest

from archsweep.archs import overrides
from archsweep.errors import SettingsError

LINES = overrides.FILE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[apple]\nconfig = {\n", r"made\.toml: .*(line 2|end of document)"),
        ('[apple]\nwhy = "so"\n\n[pear]\ninputs = { a = 1 }\n', r"made\.toml:4: \[pear\] has no `why`"),
        ('[apple]\nwhy = ""\n', r"made\.toml:1: \[apple\] has no `why`"),
        ('\n["a-pple"]\nconfgi = { a = 1 }\nwhy = "so"\n', r"made\.toml:2: \[a-pple\] has unknown key \['confgi'\]"),
        ("apple = 3\n", r"\[apple\] has unknown key"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "made.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=message):
        overrides.load(file)


def test_an_override_speaks_for_its_own_type_and_never_beside_rules_alone() -> None:
    model_type, entry = next(iter(overrides.load().items()))
    subject = made_facts.subject(model_type, "Any")
    assert overrides.for_subject(subject) == entry
    assert overrides.for_subject(subject, rules_alone=True) == overrides.NONE
    assert overrides.for_subject(made_facts.subject("no such type", "Any")) == overrides.NONE


def test_tables_are_laid_over_tables() -> None:
    edits = {"a": {"b": 1, "c": 2}, "d": 3}
    assert overrides.merged(edits, {"a": {"c": 4}, "d": {"e": 5}}) == {"a": {"b": 1, "c": 4}, "d": {"e": 5}}
    assert edits == {"a": {"b": 1, "c": 2}, "d": 3}


def test_a_list_of_tables_is_one_table(tmp_path: Path) -> None:
    file = tmp_path / "made.toml"
    file.write_text("[apple]\nconfig = [{ a = { b = [1, 2] } },\n    { a = [{ c = 2 }, { d = [] }] }]\nwhy = 'so'\n")
    assert overrides.load(file)["apple"].config == {"a": {"b": [1, 2], "c": 2, "d": []}}


def test_lines_are_short_but_of_three_entries_whose_five_lines_would_not_do() -> None:
    long = [number for number, line in enumerate(LINES) if len(line) > 120]
    headed = {next(LINES[above] for above in range(number, -1, -1) if LINES[above].startswith("[")) for number in long}
    assert headed <= {"[pp_ocrv5_server_det]", "[pp_ocrv6_medium_det]", "[dots3_note]"}


def test_there_are_fewer_than_75_of_at_most_five_lines_with_a_reason() -> None:
    starts = [number for number, line in enumerate(LINES) if line.startswith("[")]
    assert 0 < len(starts) == len(overrides.load()) < 75
    for start, end in zip(starts, [*starts[1:], len(LINES)], strict=True):
        entry = [line for line in LINES[start:end] if line.strip()]
        assert len(entry) <= 5, LINES[start]
    for model_type, entry in overrides.load().items():
        assert len(entry.why) > 20, model_type
        assert entry.config or entry.inputs, f"{model_type}: an override that says nothing"


def test_every_entry_names_a_model_type_that_exists() -> None:
    """Read from the source of the installed transformers, without importing it."""
    spec = importlib.util.find_spec("transformers")
    assert spec is not None
    assert spec.origin is not None
    text = "".join(path.read_text() for path in (Path(spec.origin).parent / "models" / "auto").glob("*.py"))
    known = set(re.findall(r'"([\w.-]+)"', text))
    known |= _stated_in_configurations(Path(spec.origin).parent / "models", set(overrides.load()) - known)
    assert set(overrides.load()) - known == set()


def _stated_in_configurations(models: Path, wanted: set[str]) -> set[str]:
    if not wanted:
        return set()
    text = "".join(path.read_text() for path in models.glob("*/configuration_*.py"))
    return set(re.findall(r'model_type(?::\s*\w+)? = "([\w.-]+)"', text))
