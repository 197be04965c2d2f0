"""The script that repeats a case without archsweep."""

from __future__ import annotations

from fractions import Fraction

from archsweep.archs.shrink.tree import Call
from archsweep.render import repro


def test_a_case_in_another_dtype_repeats_in_that_dtype() -> None:
    config = Call(kind=Fraction, arguments={"numerator": 1})
    plain, narrow = (
        repro.script("a case", "Model", "somewhere", config, {}, dtype=name) for name in ("float32", "bfloat16")
    )
    assert "bfloat16" not in plain
    assert "model.to(torch.bfloat16)" in narrow
    for text in (plain, narrow):
        compile(text, "repro.py", "exec")
        assert len(text.splitlines()) <= repro.MOST_LINES
