"""Two architectures that no release of transformers knows, registered the way users register theirs (--import)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

GATE = "NEWCOMER_GATE"  # names a file: where it is set, the latecomer waits until the file exists


class NewcomerConfig(PretrainedConfig):
    model_type = "newcomer"
    hidden_size: int = 64
    vocab_size: int = 5000
    num_hidden_layers: int = 6


class NewcomerModel(PreTrainedModel):
    config_class = NewcomerConfig
    base_model_prefix = "model"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embedding = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        width = config.hidden_size
        self.layers = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(config.num_hidden_layers))
        self.post_init()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> BaseModelOutput:
        hidden = self.embedding(input_ids)
        for layer in self.layers:
            hidden = hidden + layer(hidden).tanh()
        if attention_mask is not None:
            hidden = hidden * attention_mask[..., None].to(hidden.dtype)
        return BaseModelOutput(last_hidden_state=hidden)


class LatecomerConfig(NewcomerConfig):
    model_type = "latecomer"


class LatecomerModel(NewcomerModel):
    config_class = LatecomerConfig

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> BaseModelOutput:
        gate = os.environ.get(GATE)
        while gate and not Path(gate).exists():
            time.sleep(0.05)
        raise ValueError("the latecomer never arrives")


for _config, _model in ((NewcomerConfig, NewcomerModel), (LatecomerConfig, LatecomerModel)):
    AutoConfig.register(_config.model_type, _config)
    AutoModel.register(_config, _model)
