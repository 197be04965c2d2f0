"""The ways from a wrapped torch module to an ONNX file. Each writes the file or raises whatever torch raises.

Shapes are static: what runs everywhere. Knows no backend.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archsweep.export.wrapping import Wrapped

OPSET = 18


def torchscript(wrapped: Wrapped, file: Path) -> None:
    """Traces the module. Ten times as fast as dynamo; what the trace bakes in, the second inputs show."""
    import torch

    torch.onnx.export(
        wrapped.module, wrapped.arguments, str(file), dynamo=False, opset_version=OPSET,
        input_names=list(wrapped.inputs), output_names=names(wrapped),
    )  # fmt: skip


def flat(wrapped: Wrapped, file: Path) -> None:
    """Traces the bare list of the module's operations: takes what neither of the others can follow."""
    from archsweep.export.flat import flatten

    module = flatten(wrapped.module, wrapped.arguments)
    torchscript(dataclasses.replace(wrapped, module=module), file)


def dynamo(wrapped: Wrapped, file: Path) -> None:
    """Goes through torch.export."""
    import torch

    program = torch.onnx.export(
        wrapped.module, wrapped.arguments, dynamo=True, verbose=False,
        input_names=list(wrapped.inputs), output_names=names(wrapped),
    )  # fmt: skip
    assert program is not None
    program.save(str(file))


def names(wrapped: Wrapped) -> list[str]:
    """Names of the graph's outputs: an input may be handed through, and ONNX wants all names to differ."""
    return [f"out.{path}" for path in wrapped.outputs]


ROUTES: dict[str, Callable[[Wrapped, Path], None]] = {"torchscript": torchscript, "flat": flat, "dynamo": dynamo}
