"""Small architectures that misbehave as their model type says, registered the way users register theirs (--import).

`model_*` types misbehave in the model itself; `program_*` types are sound, and the platform `troubled` misbehaves.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

import archsweep.platforms

PLUGINS = Path(__file__).parent / "plugins"
archsweep.platforms.__path__.append(str(PLUGINS))


def hang() -> None:
    time.sleep(3600)


def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hoard() -> None:
    held = []
    while True:
        held.append(torch.ones(16 * 2**20))  # 64 MB
        time.sleep(0.01)


def leave_a_child() -> None:
    sleeper = subprocess.Popen(["sleep", "3600"], start_new_session=True)
    with Path(os.environ["TROUBLE_CHILDREN"]).open("a") as listing:
        listing.write(f"{sleeper.pid}\n")


def chatter() -> None:
    for stream in (sys.stdout, sys.stderr):
        for _ in range(80):
            stream.write("x" * 65536)


def lack() -> None:
    raise ImportError(
        "this needs the gadget library, which was not found. You can install it with pip: `pip install gadget`"
    )


def complain() -> None:
    raise ValueError("this model does not want to")


MISDEEDS = {
    "raises": complain,
    "hangs": hang,
    "segfaults": segfault,
    "exits": lambda: sys.exit(3),
    "exits_hard": lambda: os._exit(4),
    "hoards": hoard,
    "chatters": chatter,
    "leaves_a_child": leave_a_child,
    "lacks": lack,
}


class SoundConfig(PretrainedConfig):
    hidden_size: int = 16
    vocab_size: int = 32
    num_hidden_layers: int = 1


class SoundModel(PreTrainedModel):
    base_model_prefix = "model"
    main_input_name = "input_ids"
    misdeed = ""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        if self.misdeed == "raises_building":
            complain()
        self.embedding = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.layer = torch.nn.Linear(config.hidden_size, config.hidden_size)
        self.post_init()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> BaseModelOutput:
        if self.misdeed in MISDEEDS:
            MISDEEDS[self.misdeed]()
        hidden = self.layer(self.embedding(input_ids))
        if attention_mask is not None:
            hidden = hidden * attention_mask[..., None].to(hidden.dtype)
        if self.misdeed == "wavers" and hidden.dtype == torch.float64:
            hidden = hidden * 1.5
        if self.misdeed == "is_not_a_number":
            hidden = hidden * float("nan")
        return BaseModelOutput(last_hidden_state=hidden)


MODELS = ("sound", "raises_building", "wavers", "is_not_a_number", *MISDEEDS)
PROGRAMS = (
    "is_wrong_by_one_percent", "is_not_a_number", "runs_elsewhere", "cannot_say_where", "refuses", "spoils", *MISDEEDS,
)  # fmt: skip


def _register(kind: str, name: str) -> None:
    model_type = f"{kind}_{name}"
    title = "".join(part.capitalize() for part in model_type.split("_"))
    config = type(f"{title}Config", (SoundConfig,), {"model_type": model_type, "__module__": __name__})
    misdeed = name if kind == "model" else ""
    values = {"config_class": config, "misdeed": misdeed, "__module__": __name__}
    model = type(f"{title}Model", (SoundModel,), values)
    globals()[config.__name__], globals()[model.__name__] = config, model
    AutoConfig.register(model_type, config)
    AutoModel.register(config, model)


for _name in MODELS:
    _register("model", _name)
for _name in PROGRAMS:
    _register("program", _name)
