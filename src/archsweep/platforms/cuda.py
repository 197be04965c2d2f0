"""PyTorch eager on an NVIDIA GPU, float32 without TF32."""

from __future__ import annotations

from archsweep.contract import Bench, Capabilities, Evidence, Priority, Probe, Program
from archsweep.platforms import _torch

title = "PyTorch eager on CUDA"
priority = Priority.HIGH
capabilities = Capabilities(
    executes=True, module=True, trains=True, generates=True, dtypes=("float32", "float16", "bfloat16")
)


def probe() -> Probe:
    """Multiplies two small matrices on the first device."""
    import torch

    if torch.version.hip is not None:
        return _absent("this torch is a HIP build: its devices are AMD's", "")
    if torch.version.cuda is None:
        return _absent(
            "this torch is built without CUDA", "a CUDA build of torch: https://pytorch.org/get-started/locally"
        )
    return _torch.probe_accelerator("cuda", Evidence.HARDWARE, {"cuda": torch.version.cuda})


def _absent(reason: str, install: str) -> Probe:
    return Probe(present=False, evidence=Evidence.NONE, reason=reason, install=install)


def compile(bench: Bench) -> Program:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return _torch.compile_eager(bench, "cuda", torch.cuda.get_device_name(0))
