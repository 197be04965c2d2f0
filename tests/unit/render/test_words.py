"""Every status and evidence has a word and a symbol, and text from outside cannot do anything."""

from __future__ import annotations

import pytest

from archsweep.analysis.matrix import INCOMPLETE, SEVERITY, WEAKNESS
from archsweep.contract import Evidence, Status
from archsweep.render.markdown import escape
from archsweep.render.tabular import as_csv
from archsweep.render.words import EVIDENCE_SYMBOLS, STYLES, SYMBOLS, line, plain


def test_every_word_has_its_own_symbol() -> None:
    assert set(SYMBOLS) == set(STYLES) == {*Status, INCOMPLETE}
    assert set(EVIDENCE_SYMBOLS) == set(WEAKNESS) == set(Evidence)
    assert set(SEVERITY) == {*Status, INCOMPLETE} - {Status.INAPPLICABLE}
    symbols = [*SYMBOLS.values(), *EVIDENCE_SYMBOLS.values()]
    assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb\u2028c\x9bd", "a\\u200bb\\u2028c\\x9bd"),
        ("\ud800", "\\ud800"),
        ("naïve 模型 ✓ two\nlines\tof text", "naïve 模型 ✓ two\nlines    of text"),
    ],
)
def test_nothing_in_text_moves_the_cursor_or_turns_the_line(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_long_text_is_cut_and_says_so() -> None:
    assert plain("x" * 1_000_000, 10) == "xxxxxxxxxx … (1,000,000 characters)"
    assert line("one\ntwo  three") == "one two three"


def test_markdown_and_csv_take_text_as_text() -> None:
    assert escape("a|b `c` <d> [e](f)\n# g") == "a\\|b \\`c\\` &lt;d&gt; \\[e\\]\\(f\\) \\# g"
    rows = [{"a": text} for text in ("=1+1", "+1", "-1", "@x", "\tx", "fine, or not", None, -1, ["x"])]
    assert as_csv(rows, ["a"]).splitlines() == [
        "a", "'=1+1", "'+1", "'-1", "'@x", "    x", '"fine, or not"', '""', "-1", '"[""x""]"',
    ]  # fmt: skip
