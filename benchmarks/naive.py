"""The naive floor: what a weekend script does. One fork a model, about thirty fields set blindly, one forward pass.

No comparison, no reference, no store: it only counts which models run at all. `python benchmarks/naive.py [--limit N]`.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import Any

DEADLINE_S = 60
BLIND: dict[str, Any] = {
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "embed_dim": 32, "dim": 32, "embedding_size": 32,
    "num_hidden_layers": 2, "n_layer": 2, "num_layers": 2, "encoder_layers": 2, "decoder_layers": 2, "n_layers": 2,
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 64, "ffn_dim": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
    "d_ff": 64, "n_inner": 64, "vocab_size": 128, "image_size": 32, "patch_size": 8, "num_experts": 4,
    "n_positions": 64, "max_position_embeddings": 64,
}  # fmt: skip


def one(name: str) -> bool:
    """Build the base model of a type and run it once."""
    import torch
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    config = CONFIG_MAPPING[name]()
    for part in [config, *[value for value in vars(config).values() if hasattr(value, "model_type")]]:
        for field, value in BLIND.items():
            if hasattr(part, field):
                with contextlib.suppress(AttributeError, TypeError, ValueError, KeyError):
                    setattr(part, field, value)
    found = MODEL_MAPPING[type(config)]
    model = (found[0] if isinstance(found, tuple) else found)(config).eval()
    inputs = {
        "input_ids": torch.ones(2, 8, dtype=torch.long),
        "pixel_values": torch.randn(2, 3, 32, 32),
        "input_values": torch.randn(2, 4000),
        "input_features": torch.randn(2, 80, 100),
    }
    main = model.main_input_name
    with torch.no_grad():
        model(**{main: inputs.get(main, torch.randn(2, 8, 32))})
    return True


def forked(name: str) -> bool:
    """`one`, in a child of this process; False if it raised, died or took too long."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            code = 0 if one(name) else 1
        finally:
            os._exit(code)
    os.close(writer)
    late = not select.select([reader], [], [], DEADLINE_S)[0]
    if late:
        os.kill(child, signal.SIGKILL)
    os.close(reader)
    _, status = os.waitpid(child, 0)
    return not late and status == 0


def sweep(limit: int | None = None) -> dict[str, Any]:
    """Every base type, `cores` at a time, with the imports in the time."""
    began = time.perf_counter()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from archsweep.archs import torchvision_bridge
    from archsweep.machine import cores

    torchvision_bridge.prepare()
    import torch
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    torch.set_num_threads(1)
    names = list(MODEL_MAPPING_NAMES)[:limit]
    with concurrent.futures.ThreadPoolExecutor(cores()) as pool:
        passed = sum(pool.map(forked, names))
    return {"wall_s": round(time.perf_counter() - began, 1), "models": len(names), "ran": passed}


if __name__ == "__main__":
    wanted = int(sys.argv[sys.argv.index("--limit") + 1]) if "--limit" in sys.argv else None
    print(json.dumps(sweep(wanted)))
