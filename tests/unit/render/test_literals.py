"""Plain values as source: read again they are what they were, and a formatter leaves them as they are."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from archsweep.render.literals import WIDTH, literal

scalars = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=12)
values = some.recursive(
    scalars,
    lambda inner: (
        some.lists(inner, max_size=5)
        | some.lists(inner, max_size=5).map(tuple)
        | some.dictionaries(some.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(values, some.integers(0, 4), some.integers(0, 80))
def test_what_is_read_again_is_what_was_written(value: Any, indent: int, before: int) -> None:
    text = literal(value, indent, before)
    assert repr(eval(text)) == repr(value)  # repr: NaN is equal to nothing, and 1 is equal to True


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", '"plain"'),
        ('it says "so"', "'it says \"so\"'"),
        ("both \" and '", '"both \\" and \'"'),
        ("two\nlines", '"two\\nlines"'),
        ("missing …", '"missing …"'),
        ("a right-to-left \u202e mark", '"a right-to-left \\u202e mark"'),
        ((3,), "(3,)"),
        ((), "()"),
        ({}, "{}"),
        (float("-inf"), 'float("-inf")'),
        ({"a": [True, None, 1e-5]}, '{"a": [True, None, 1e-05]}'),
    ],
)
def test_short_values_stand_on_one_line(value: Any, text: str) -> None:
    assert literal(value) == text


def test_a_value_is_broken_where_the_line_and_its_comma_would_end_beyond_the_width() -> None:
    value = ["x" * 40, "y" * 34]
    flat = literal(value)
    assert "\n" not in literal(value, 0, WIDTH - len(flat) - 1)
    assert literal(value, 1, WIDTH - len(flat)) == f'[\n        "{"x" * 40}",\n        "{"y" * 34}",\n    ]'


def drawn(source: random.Random, depth: int) -> Any:
    """A value as configurations hold them."""
    if depth and source.random() < 0.6:
        items = [drawn(source, depth - 1) for _ in range(source.randrange(7))]
        names = [source.choice(("size", "hidden_size", "a_rather_long_name_of_a_field")) + str(n) for n in range(7)]
        return source.choice((items, tuple(items), dict(zip(names, items, strict=False))))
    number = source.choice((0, -1, 512, 1e-5, -0.25, 1e30, float("inf"), float("nan")))
    return source.choice((number, True, None, "text", "gelu_new", 'a "word"', "it's", "x" * source.randrange(60)))


def test_a_formatter_with_its_own_settings_changes_nothing(tmp_path: Path) -> None:
    """Five hundred drawn values, as arguments of a call two steps in, which is where test files have them."""
    source, lines = random.Random(7), []
    for number in range(500):
        name = f"value_{number}"
        lines.append(f"        {name}={literal(drawn(source, 4), 2, 9 + len(name))},")
    text = "\n".join(["made = [", "    dict(", *lines, "    ),", "]", ""])
    assert sum("\n" in line for line in lines) > 50
    (tmp_path / "values.py").write_text(text, encoding="utf-8")
    words = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--diff", "values.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:3000] + done.stderr[:500]
