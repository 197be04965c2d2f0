"""PyTorch eager on an AMD GPU: a HIP build of torch, which calls its devices cuda. Predicted where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Capabilities, Evidence, Priority, Probe, Program, Verdict
from archsweep.platforms import _code, _operators, _torch, _torchao

title = "PyTorch eager on ROCm"
priority = Priority.MEDIUM
capabilities = Capabilities(
    executes=True, module=True, trains=True, generates=True, dtypes=("float32", "float16", "bfloat16"),
    quantizes=tuple(_torchao.SCHEMES), fresh_after_error=True,
)  # fmt: skip
GPU = "an AMD GPU that ROCm supports, its driver, and a user in the groups render and video (rocminfo shows it)"
# A HIP build registers its operators under CUDA's key; the table says nothing of a kernel that HIP lacks.
DEVICE = _operators.Device(
    key="CUDA",
    translated={
        "_scaled_dot_product_flash_attention_for_cpu": "_scaled_dot_product_flash_attention",
        "mkldnn_rnn_layer": "_cudnn_rnn",  # MIOpen stands behind it: miopen_rnn
    },
)


def probe() -> Probe:
    """Multiplies two small matrices on the first device."""
    import torch

    if torch.version.hip is None:
        return Probe(
            present=False, evidence=Evidence.PREDICTED, reason="this torch is no HIP build",
            install="a ROCm build of torch: https://pytorch.org/get-started/locally", versions=_torch.versions(),
        )  # fmt: skip
    found = _torch.versions(hip=torch.version.hip)
    return _torch.probe_accelerator("cuda", "AMD GPU", GPU, found, Evidence.PREDICTED)


def predict(bench: Bench) -> Verdict:
    return _operators.predict(bench, DEVICE)


def compile(bench: Bench) -> Program:
    import torch

    _torch.without_tf32()
    return _torch.compile_eager(bench, "cuda", torch.cuda.get_device_name(0))


def quantized(bench: Bench, scheme: str) -> Quantized:
    return _torchao.quantized(bench, compile, scheme)


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    return _code.eager(details, "cuda", _code.WITHOUT_TF32)
