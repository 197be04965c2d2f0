"""The script that repeats a case without archsweep."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archsweep.archs.lively import Draw
from archsweep.archs.shrink.tree import Call
from archsweep.render import repro


def told(**changed: Any) -> repro.Told:
    facts = {"title": "a case", "class_name": "Model", "class_module": "somewhere", "inputs": {}}
    return repro.Told(**{**facts, "config": Call(kind=Fraction, arguments={"numerator": 1}), **changed})


def test_a_case_in_another_dtype_repeats_in_that_dtype() -> None:
    plain, narrow = (repro.script(told(dtype=name)) for name in ("float32", "bfloat16"))
    assert 'one("bfloat16")' not in plain
    assert 'one("float"), one("bfloat16"), one("double")' in narrow
    for text in (plain, narrow, repro.script(told(check="forward"))):
        compile(text, "repro.py", "exec")
        assert len(text.splitlines()) <= repro.MOST_LINES


def test_many_fields_make_lines_wider_and_never_more_of_them() -> None:
    wide = Call(kind=Fraction, arguments={f"field_{number}": number for number in range(500)})
    draws = [Draw(-0.5, 0.5), None, Draw(0.1, 0.2, kept=True), Draw(-0.5, 0.5, 0.4)] * 100
    names = [f"part.{number}" for number in range(len(draws))]
    text = repro.script(told(config=wide, draws=draws, names=names, subject="some/Model", torchvision=("nms",)))
    compile(text, "repro.py", "exec")
    assert len(text.splitlines()) <= repro.MOST_LINES
    assert '"some/Model' not in text
    assert 'f"0/some/Model/{name}"' in text
