"""PyTorch eager on the CPU: a platform like the others, and the ground on which the reference is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Capabilities, Evidence, Priority, Probe, Program
from archsweep.machine import processor_name
from archsweep.platforms import _code, _torch, _torchao

title = "PyTorch eager on the CPU"
priority = Priority.HIGH
capabilities = Capabilities(
    executes=True, module=True, trains=True, generates=True, dtypes=("float32", "bfloat16", "float16"),
    quantizes=tuple(_torchao.SCHEMES),
)  # fmt: skip


def probe() -> Probe:
    """Multiplies two small matrices."""
    device, versions = processor_name(), _torch.versions()
    if not _torch.computes("cpu"):
        return Probe(
            present=False, evidence=Evidence.NONE, device=device, reason="a matrix product came out wrong",
            install="another build of torch: https://pytorch.org/get-started/locally", versions=versions,
        )  # fmt: skip
    return Probe(present=True, evidence=Evidence.HARDWARE, device=device, versions=versions)


def compile(bench: Bench) -> Program:
    return _torch.compile_eager(bench, "cpu", f"cpu ({processor_name()})")


def quantized(bench: Bench, scheme: str) -> Quantized:
    return _torchao.quantized(bench, compile, scheme)


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    return _code.eager(details, "cpu")
