"""Eager PyTorch as a program: shared by the platforms on which torch itself runs the model.

Knows devices only by the torch.device it is given.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager
from archsweep.contract import Bench, Evidence, Placement, Probe, Program, Tensor

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
        with _drawing()() if self._device.type != "cpu" else contextlib.nullcontext():
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


# What probing a device that does not work may raise.
FAULTS = (RuntimeError, AssertionError, OSError, AttributeError)


def probe_accelerator(
    device: str, evidence: Evidence, versions: Mapping[str, str], absent: Evidence = Evidence.NONE
) -> Probe:
    """Multiplies two small matrices on the first device of a kind, where there is one; `absent` where there is none."""
    import torch

    module = getattr(torch, device)
    try:
        if not module.is_available():
            return Probe(present=False, evidence=absent, reason=f"torch finds no {device} device", versions=versions)
        name = module.get_device_name(0) if hasattr(module, "get_device_name") else "Apple GPU (Metal)"
        right = computes(device)
    except FAULTS as error:
        return Probe(
            present=False, evidence=absent, reason=f"{device}: {str(error).splitlines()[0]}", versions=versions
        )
    if not right:
        return Probe(present=False, evidence=absent, device=name, reason="a matrix product came out wrong")
    return Probe(present=True, evidence=evidence, device=name, driver=_driver(), versions=versions)


def _driver() -> str:
    """Version of the NVIDIA driver, where there is one."""
    try:
        import pynvml
    except ImportError:
        return ""
    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError as error:
        return f"unknown ({error})"


@functools.cache
def _drawing() -> Any:
    """The class of a mode in which random numbers come from the CPU's generator, as the reference drew them."""
    import torch
    from torch.overrides import TorchFunctionMode

    one = torch.Tensor
    made = {
        torch.rand,
        torch.randn,
        torch.randint,
        torch.randperm,
        torch.rand_like,
        torch.randn_like,
        torch.randint_like,
    }
    drawn = {torch.normal, torch.bernoulli, torch.multinomial, torch.poisson, one.bernoulli, one.multinomial}
    filled = {one.normal_, one.uniform_, one.exponential_, one.bernoulli_, one.log_normal_, one.cauchy_, one.geometric_}
    filled |= {one.random_}

    class Drawing(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func in filled:
                args[0].copy_(func(args[0].cpu(), *args[1:], **kwargs))
                return args[0]
            if func not in made and func not in drawn:
                return func(*args, **kwargs)
            tensors = [item for item in (*args, *kwargs.values()) if isinstance(item, torch.Tensor)]
            device = kwargs.get("device") or (tensors[0].device if tensors else torch.get_default_device())
            given = [item.cpu() if isinstance(item, torch.Tensor) else item for item in args]
            named = {name: item.cpu() if isinstance(item, torch.Tensor) else item for name, item in kwargs.items()}
            if func in made or "device" in named:
                named["device"] = "cpu"
            return func(*given, **named).to(device)

    return Drawing
