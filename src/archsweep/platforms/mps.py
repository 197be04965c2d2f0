"""PyTorch eager on Apple's GPU through Metal. Predicted where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Capabilities, Evidence, Priority, Probe, Program, Verdict
from archsweep.platforms import _code, _operators, _torch, _torchao
from archsweep.platforms._operators import Call

title = "PyTorch eager on Apple's Metal"
priority = Priority.MEDIUM
capabilities = Capabilities(
    executes=True, module=True, trains=True, generates=True, dtypes=("float32", "float16", "bfloat16"),
    quantizes=tuple(_torchao.SCHEMES), fresh_after_error=True,
)  # fmt: skip
FACTORING = ("linalg_lu_factor_ex", "linalg_lu_solve", "_linalg_solve_ex", "linalg_inv_ex")


def _no_float64(call: Call) -> str | None:
    """Metal has no double: torch refuses to make such a tensor there."""
    wide = {"float64", "complex128"}.intersection(call.dtypes)
    return f"{call.operator} in {min(wide)}: MPS has no float64" if wide else None


def _few_dimensions(call: Call) -> str | None:
    """MPSGraph takes tensors of at most 16 dimensions."""
    deepest = max((len(shape) for shape in call.shapes), default=0)
    return f"{call.operator} with {deepest} dimensions: MPS takes 16" if deepest > 16 else None


def _few_channels(call: Call) -> str | None:
    """Convolutions of more than 65,536 output channels are refused (ATen/native/mps/operations/Convolution.mm)."""
    weight = call.shapes[1] if call.operator == "aten.convolution" and len(call.shapes) > 1 else ()
    return (
        f"{call.operator} with {weight[0]} output channels: MPS takes 65536" if weight and weight[0] > 65536 else None
    )


def _linear_in_floats(call: Call) -> str | None:
    """Matrix products of integers are refused (ATen/native/mps/operations/LinearAlgebra.mm)."""
    products = ("aten.mm", "aten.bmm", "aten.addmm", "aten.baddbmm", "aten.linear")
    whole = call.operator in products and call.dtypes and call.dtypes[0].startswith(("int", "uint", "bool"))
    return f"{call.operator} in {call.dtypes[0]}: MPS multiplies floats only" if whole else None


def _volumes_in_float32(call: Call) -> str | None:
    """Transposed convolutions of volumes are refused in half precision (ATen/native/mps/operations/Convolution.mm)."""
    transposed = call.operator == "aten.convolution" and call.flags[:1] == (True,) and len(call.shapes[0]) == 5
    narrow = transposed and call.dtypes[0] in ("float16", "bfloat16")
    return f"{call.operator}, transposed, of volumes in {call.dtypes[0]}: MPS takes float32" if narrow else None


def _factoring_in_float32(call: Call) -> str | None:
    """Systems of equations are solved in float32 alone (ATen/native/mps/operations/LinearAlgebra.mm)."""
    solves = call.operator.removeprefix("aten.").partition(".")[0] in FACTORING
    other = solves and call.dtypes and call.dtypes[0] not in ("float32", "float64")  # that has a limit of its own
    return f"{call.operator} in {call.dtypes[0]}: MPS takes float32" if other else None


DEVICE = _operators.Device(
    key="MPS",
    translated={
        "_scaled_dot_product_flash_attention_for_cpu": "_scaled_dot_product_attention_math_for_mps",
        "mkldnn_rnn_layer": "_lstm_mps",
    },
    # ATen/mps/MPSFallback.mm registers these to run on the CPU
    fallback=frozenset(
        {"embedding_renorm_", "linalg_svd", "linalg_svd.U", "im2col", "col2im", "upsample_nearest3d.vec"}
    ),
    limits=(
        _no_float64,
        _few_dimensions,
        _few_channels,
        _linear_in_floats,
        _volumes_in_float32,
        _factoring_in_float32,
    ),
)


def probe() -> Probe:
    """Multiplies two small matrices."""
    import torch

    if not torch.backends.mps.is_built():
        return Probe(
            present=False, evidence=Evidence.PREDICTED, reason="this torch is built without Metal",
            install="a Mac with Apple silicon, and torch's wheel for macOS", versions=_torch.versions(),
        )  # fmt: skip
    install = "macOS 14 or newer on a Mac with Apple silicon"
    return _torch.probe_accelerator("mps", "Apple GPU (Metal)", install, _torch.versions(), Evidence.PREDICTED)


def predict(bench: Bench) -> Verdict:
    return _operators.predict(bench, DEVICE)


def compile(bench: Bench) -> Program:
    return _torch.compile_eager(bench, "mps", "Apple GPU (Metal)", DEVICE.fallback)


def quantized(bench: Bench, scheme: str) -> Quantized:
    return _torchao.quantized(bench, compile, scheme)


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    return _code.eager(details, "mps")
