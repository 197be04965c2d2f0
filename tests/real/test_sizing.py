"""An image processor is tried on a model only where the model takes nothing else."""

from __future__ import annotations

from typing import Any

import torch

from archsweep.archs.raw import sizing


class Reader(torch.nn.Module):
    """Takes images of 8 by 8, and says how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.config = type("Config", (), {"num_channels": 3})()
        self.asked: list[tuple[int, ...]] = []

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        self.asked.append(tuple(pixel_values.shape))
        if pixel_values.shape[-2:] != (8, 8):
            raise ValueError("another size")
        return {"out": pixel_values}


class Maker:
    """Makes images of its size."""

    def __init__(self, size: dict[str, int]) -> None:
        self.size = size

    def __call__(self, images: Any, return_tensors: str) -> dict[str, torch.Tensor]:
        return {"pixel_values": torch.zeros(1, 3, self.size["height"], self.size["width"])}

    def to_dict(self) -> dict[str, Any]:
        return {"size": self.size}

    @classmethod
    def from_dict(cls, held: dict[str, Any], **changes: Any) -> Maker:
        return cls({**held, **changes}["size"])


def test_a_size_that_the_model_takes_is_found() -> None:
    made = sizing.fitting(Maker({"height": 4, "width": 4}), Reader(), {"pixel_values": (2, 3, 8, 8)})
    assert made.size == {"height": 8, "width": 8}


def test_a_model_that_wants_more_is_not_tried() -> None:
    model = Reader()
    made = sizing.fitting(Maker({"height": 4, "width": 4}), model, {"hidden_states": (40, 8), "grid_thw": (2, 3)})
    assert made.size == {"height": 4, "width": 4}
    assert not model.asked
