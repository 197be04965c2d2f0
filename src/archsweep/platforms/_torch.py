"""Eager PyTorch as a program: shared by the platforms on which torch itself runs the model.

Knows devices only by the torch.device it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archsweep.archs import eager
from archsweep.contract import Bench, Placement, Program, Tensor

if TYPE_CHECKING:
    import torch


class EagerProgram:
    """A torch module on one device, in one dtype. Satisfies contract.Program."""

    def __init__(self, module: torch.nn.Module, device: torch.device, dtype: torch.dtype, name: str) -> None:
        self.module = eager.cast(module, device, dtype)
        self._device, self._dtype, self._name = device, dtype, name
        self._output_devices: dict[str, str] | None = None

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs by path, on the CPU. Floating inputs are given in the program's dtype."""
        fed = {key: self._moved(value) for key, value in inputs.items()}
        outputs = eager.run(self.module, fed)
        self._output_devices = {path: value.device.type for path, value in outputs.items()}
        return {path: value.cpu() for path, value in outputs.items()}

    def placement(self) -> Placement:
        """Where parameters, buffers and outputs really are."""
        if self._output_devices is None:
            return Placement(device=self._name, readable=False)
        found = {f"parameter {name}": value.device.type for name, value in self.module.named_parameters()}
        found.update({f"buffer {name}": value.device.type for name, value in self.module.named_buffers()})
        found.update({f"output {path}": kind for path, kind in self._output_devices.items()})
        elsewhere = tuple(f"{name} on {kind}" for name, kind in found.items() if kind != self._device.type)
        return Placement(device=self._name, readable=True, elsewhere=elsewhere)

    def _moved(self, value: Tensor) -> Tensor:
        import torch

        if isinstance(value, torch.Tensor):
            wanted = self._dtype if value.is_floating_point() else None
            return value.to(device=self._device, dtype=wanted)
        if isinstance(value, Mapping):
            return {key: self._moved(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._moved(item) for item in value)
        return value


def compile_eager(bench: Bench, device: str, name: str) -> Program:
    """The bench's model in the case's dtype on `device`; `name` is what the placement calls it."""
    import torch

    dtype: torch.dtype = getattr(torch, bench.case.dtype)
    return EagerProgram(bench.model(), torch.device(device), dtype, name)


def computes(device: str) -> bool:
    """Whether a small matrix product on the device is right."""
    import torch

    left = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return bool(torch.equal((left.to(device) @ left.T.to(device)).cpu(), left @ left.T))
