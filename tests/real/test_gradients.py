"""Gradients on which the CPU agrees with itself: a number next to a kink falls on either side of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from archsweep.checks import backward
from archsweep.errors import ReferenceFault

NEAR = {"values": torch.tensor([[-0.1, -0.2, 0.3]])}  # zero in float32, 7e-9 in float64
FAR = {"values": torch.tensor([[0.5, 0.25, 0.125]])}


class Kinked(torch.nn.Module):
    """A sum of three numbers and a bias, cut off at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(1))

    def forward(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"out": torch.relu(values[:, 0] + values[:, 1] + values[:, 2] + self.bias)}


def bench(first: dict[str, Any], second: dict[str, Any]) -> Any:
    return SimpleNamespace(subject=SimpleNamespace(id="a/B"), model=Kinked, inputs=first, second_inputs=second)


def test_second_inputs_are_taken_where_the_first_lie_at_a_kink() -> None:
    inputs, held = backward._agreed(bench(NEAR, FAR))
    assert inputs is FAR
    assert abs(float(held.outputs["bias"])) == 1


def test_first_inputs_are_taken_where_they_agree() -> None:
    assert backward._agreed(bench(FAR, NEAR))[0] is FAR


def test_inputs_that_never_agree_are_the_references_fault() -> None:
    with pytest.raises(ReferenceFault, match="bias"):
        backward._agreed(bench(NEAR, NEAR))
