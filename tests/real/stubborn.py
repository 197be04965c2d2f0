"""Models that no inputs please, for the bounds of the search. Registered nowhere."""

from __future__ import annotations

import torch
from transformers import PretrainedConfig, PreTrainedModel


class StubbornConfig(PretrainedConfig):
    model_type = "stubborn"
    hidden_size: int = 32
    num_hidden_layers: int = 6
    image_size: int = 224
    vocab_size: int = 1000


class StubbornModel(PreTrainedModel):
    """Takes many kinds of input and, whatever it gets, finds another fault with it."""

    config_class = StubbornConfig
    calls = 0

    def __init__(self, config: StubbornConfig) -> None:
        super().__init__(config)
        self.layer = torch.nn.Linear(config.hidden_size, config.hidden_size)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        input_values: torch.Tensor | None = None,
    ) -> torch.Tensor:
        type(self).calls += 1
        raise ValueError(f"image tokens: {self.calls}, features: {self.calls + 1}; must be a multiple of 7 got 9")


class UnbuildableModel(StubbornModel):
    def __init__(self, config: StubbornConfig) -> None:
        super().__init__(config)
        raise ValueError(f"{config.hidden_size} is not what this model wants")


class SilentModel(StubbornModel):
    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return self.layer.weight * float("nan")
