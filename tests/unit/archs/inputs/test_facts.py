"""Which parameters of forward are read at all; no torch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import made_facts
import pytest

from archsweep.archs.inputs.facts import Facts, signature, unread


def wrapped(forward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(forward)
    def outer(*given: Any, **named: Any) -> Any:
        return forward(*given, **named)

    return outer


class Model:
    main_input_name = "pixel_values"

    @wrapped
    def forward(
        self, pixel_values: Any, required: Any, asked: Any = None, made: Any = None, used: Any = None, later: Any = None
    ) -> Any:
        if asked is None and pixel_values:
            pixel_values = [pixel_values]
        if made is None:
            made = 1
        return pixel_values, used, lambda: later


class Local:
    def forward(self, first: Any = None, second: Any = None) -> Any:
        return locals()


def test_a_parameter_is_read_where_its_value_is_loaded_and_not_where_it_is_compared_with_none() -> None:
    assert unread(Model) == {"required", "asked", "made"}
    assert unread(Local) == frozenset()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("pixel_values", True), ("required", True), ("asked", False), ("made", False), ("used", True), ("later", True)],
)
def test_what_is_never_read_is_not_wanted_unless_the_call_needs_it(name: str, wanted: bool) -> None:
    facts = Facts(made_facts.subject("any", "Model"), Model, None, None, signature(Model), {})
    assert facts.wants(name) is wanted
