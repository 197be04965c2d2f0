"""What a result says of its inputs and configuration makes them again, is plain JSON, and is cut where it is long."""

from __future__ import annotations

import json

import browsing
import pytest
import torch

from archsweep.archs import importing, recipe, statement
from archsweep.render import tensors


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([[1, 1, 1, 1, 1], [2, 3, 4, 5, 6]]),
        torch.tensor([[True, False], [True, True]]),
        torch.full((2, 3), 7, dtype=torch.int32),
        torch.full((2, 3), 0.5),
        torch.empty(0, 3, dtype=torch.int64),
        torch.randn(3, 40, generator=torch.Generator().manual_seed(9)),
        torch.randn(3, 40, generator=torch.Generator().manual_seed(9)).sigmoid(),
        torch.tensor([0.25, 1.5]),
    ],
    ids=str,
)
def test_a_tensor_is_made_again(value: torch.Tensor) -> None:
    told = json.loads(json.dumps(statement.tensor(value, 9)))
    made = eval(tensors.expression(told), {"torch": torch})
    assert made.dtype == value.dtype
    assert torch.equal(made, value)


def test_what_is_long_is_told_as_a_draw_of_its_kind() -> None:
    value = torch.arange(5_000).reshape(50, 100)
    told = statement.tensor(value, 9)
    assert told == {"dtype": "int64", "shape": [50, 100], "draw": "integers", "low": 0, "high": 5_000, "seed": 9}


def test_what_is_too_long_or_no_json_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    importing.warm()
    subject = browsing.subject("bert")
    found = recipe.find(subject)
    whole = statement.stated(subject, found, recipe.make_inputs(subject, found))
    assert whole["config"]["arguments"] == found.config
    assert "cut" not in whole
    endless = statement.stated(subject, found, {"x": float("nan")})
    assert (endless["cut"], "values" in endless) == (["values"], False)
    monkeypatch.setattr(statement, "MOST", 60)
    assert statement.stated(subject, found, recipe.make_inputs(subject, found)) == {"cut": ["config", "values"]}
