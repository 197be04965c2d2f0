"""A model is left as it was by a pass, with what it keeps in containers and objects of its own."""

from __future__ import annotations

from collections import OrderedDict

import torch

from archsweep.archs import eager


class Store:
    """An object of a model's own module that remembers."""

    def __init__(self) -> None:
        self.held: OrderedDict[int, torch.Tensor] = OrderedDict()
        self.load = 0


class Remembering(torch.nn.Module):
    """Computes a bias once for each size, and keeps it in three kinds of containers."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.cache: dict[int, torch.Tensor] = {}
        self.order: list[int] = []
        self.store = Store()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        size = len(values)
        if size not in self.cache:
            self.cache[size] = self.store.held[size] = self.scale * size
            self.store.load += 1
            self.order.append(size)
        return values + self.cache[size]


def test_what_a_pass_without_gradients_left_takes_none_from_the_next() -> None:
    model = Remembering()
    eager.run(model, {"values": torch.zeros(3)})
    assert not model.cache and not model.store.held and model.store.load == 0 and model.order == []
    assert model(torch.zeros(3)).requires_grad


def test_what_was_there_before_stays() -> None:
    model = Remembering()
    model(torch.zeros(2))
    eager.run(model, {"values": torch.zeros(3)})
    assert list(model.cache) == list(model.store.held) == model.order == [2]
    assert model.store.load == 1
