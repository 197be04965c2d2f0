"""PyTorch eager on an NVIDIA GPU, float32 without TF32."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Capabilities, Evidence, Priority, Probe, Program
from archsweep.platforms import _code, _torch, _torchao

title = "PyTorch eager on CUDA"
priority = Priority.HIGH
capabilities = Capabilities(
    executes=True, module=True, trains=True, generates=True, dtypes=("float32", "float16", "bfloat16"),
    quantizes=tuple(_torchao.SCHEMES), fresh_after_error=True,
)  # fmt: skip
BUILD = "a CUDA build of torch: https://pytorch.org/get-started/locally"


def probe() -> Probe:
    """Multiplies two small matrices on the first device."""
    import torch

    if torch.version.hip is not None:
        return _absent("this torch is a HIP build: its devices are AMD's")
    if torch.version.cuda is None:
        return _absent("this torch is built without CUDA")
    install = f"an NVIDIA GPU and a driver for CUDA {torch.version.cuda} or newer (nvidia-smi shows both)"
    found = _torch.probe_accelerator("cuda", "NVIDIA GPU", install, _torch.versions(cuda=torch.version.cuda))
    return dataclasses.replace(found, driver=_driver()) if found.present else found


def _absent(reason: str) -> Probe:
    versions = _torch.versions()
    return Probe(present=False, evidence=Evidence.NONE, reason=reason, install=BUILD, versions=versions)


def _driver() -> str:
    """Version of the driver, where the package that asks it is installed."""
    try:
        import pynvml
    except ImportError:
        return ""
    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError as error:
        return f"unknown ({error})"


def compile(bench: Bench) -> Program:
    import torch

    _torch.without_tf32()
    return _torch.compile_eager(bench, "cuda", torch.cuda.get_device_name(0))


def quantized(bench: Bench, scheme: str) -> Quantized:
    return _torchao.quantized(bench, compile, scheme)


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    return _code.eager(details, "cuda", _code.WITHOUT_TF32)
