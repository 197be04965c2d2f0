"""An architecture that gives another number in bfloat16 than in float32, registered the way users do it."""

from __future__ import annotations

import torch
from newcomer import NewcomerConfig, NewcomerModel
from transformers import AutoConfig, AutoModel
from transformers.modeling_outputs import BaseModelOutput


class WobblerConfig(NewcomerConfig):
    model_type = "wobbler"


class WobblerModel(NewcomerModel):
    config_class = WobblerConfig

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> BaseModelOutput:
        hidden = super().forward(input_ids, attention_mask).last_hidden_state
        return BaseModelOutput(last_hidden_state=hidden * (1.5 if hidden.dtype == torch.bfloat16 else 1.0))


AutoConfig.register(WobblerConfig.model_type, WobblerConfig)
AutoModel.register(WobblerConfig, WobblerModel)
