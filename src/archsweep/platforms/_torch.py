"""Eager PyTorch as a program: shared by the platforms on which torch itself runs the model.

Knows devices only by the torch.device it is given.
"""

from __future__ import annotations

import contextlib
import functools
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep import machine
from archsweep.archs import eager, sessions
from archsweep.contract import Bench, Evidence, Placement, Probe, Program, Tensor
from archsweep.errors import Unsupported
from archsweep.platforms import _elsewhere

if TYPE_CHECKING:
    import torch

MEGABYTE = 2**20
_OPERATOR = re.compile(r"\b\w+::[\w.]+")  # as torch names one that it has no kernel for


class EagerProgram:
    """A torch module on one device, in one dtype. Satisfies contract.Program.

    `metrics`: `peak_device_mb`, the most memory that the device held in the first pass, weights and inputs included;
    `run_s`, seconds of the last pass but the first (in which kernels are loaded and the pass is watched), from inputs
    to outputs on the device, which is waited for before and after.
    """

    def __init__(
        self, module: torch.nn.Module, device: torch.device, dtype: torch.dtype, name: str,
        fallback: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        """`fallback`: operators (`linalg_svd`) that the device takes, and leaves to the CPU."""
        self.module = eager.cast(module, device, dtype)
        self.metrics: dict[str, float] = {}
        self._device, self._dtype, self._name, self._fallback = device, dtype, name, fallback
        self._output_devices: dict[str, str] | None = None
        self._elsewhere: tuple[str, ...] = ()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs by path, on the CPU. Floating inputs are given in the program's dtype.

        Raises Unsupported where torch says of an operator that the device has no kernel for it.
        """
        import torch

        fed = {key: eager.fed(value, self._device, self._dtype) for key, value in inputs.items()}
        first = self._output_devices is None
        with self._watched(first) as found:
            work = functools.partial(eager.run, self.module, fed)
            try:
                outputs = measured(getattr(torch, self._device.type, None), self.metrics, work, first=first)
            except NotImplementedError as error:
                lacking = tuple(dict.fromkeys(_OPERATOR.findall(str(error))))
                if self._device.type == "cpu" or not lacking:
                    raise
                raise Unsupported(first_line(error), lacking) from error
        if first:
            self._elsewhere = tuple(found)
        self._output_devices = {path: value.device.type for path, value in outputs.items()}
        return {path: value.cpu() for path, value in outputs.items()}

    def stepper(self, inputs: Mapping[str, Tensor]) -> Callable[[], float]:
        """A function that runs one pass with these inputs, already on the device, and gives its seconds."""
        import torch

        fed = {key: eager.fed(value, self._device, self._dtype) for key, value in inputs.items()}
        wait = getattr(getattr(torch, self._device.type, None), "synchronize", None) or (lambda: None)

        def step() -> float:
            with torch.inference_mode():
                given = sessions.assembled(self.module, eager.copied(fed))
                wait()
                began = time.perf_counter()
                self.module(**given)
                wait()
                return time.perf_counter() - began

        return step

    def placement(self) -> Placement:
        """Where parameters, buffers and outputs really are, and what the first pass did elsewhere."""
        if self._output_devices is None:
            return Placement(device=self._name, readable=False)
        found = {f"parameter {name}": value.device.type for name, value in self.module.named_parameters()}
        found.update({f"buffer {name}": value.device.type for name, value in self.module.named_buffers()})
        found.update({f"output {path}": kind for path, kind in self._output_devices.items()})
        lying = tuple(f"{name} on {kind}" for name, kind in found.items() if kind != self._device.type)
        return Placement(device=self._name, readable=True, elsewhere=(*lying, *self._elsewhere))

    @contextlib.contextmanager
    def _watched(self, first: bool) -> Iterator[Mapping[str, None]]:
        """Random numbers as the reference drew them; what the first pass does elsewhere, but for drawing them."""
        if self._device.type == "cpu":
            yield {}
            return
        with _drawing()() as drawing:
            if not first:
                yield {}
                return
            watch = _elsewhere.recording()(self._device.type, self._fallback, lambda: bool(drawing.busy))
            with watch:
                yield watch.found


def measured(
    device: Any, metrics: dict[str, float], work: Callable[[], dict[str, torch.Tensor]], *, first: bool
) -> dict[str, torch.Tensor]:
    """What `work` gives; into `metrics` goes the peak of the memory if it is the `first` time, else the seconds.

    `device`: torch's module for it (torch.cuda), as far as it can wait and count; None where there is none.
    """
    wait = getattr(device, "synchronize", None) or (lambda: None)
    counted = first and hasattr(device, "reset_peak_memory_stats")
    wait()
    if counted:
        device.reset_peak_memory_stats()
    began = time.perf_counter()
    made = work()
    wait()
    if counted:
        metrics["peak_device_mb"] = device.max_memory_allocated() / MEGABYTE
    if not first:
        metrics["run_s"] = time.perf_counter() - began
    return made


def compile_eager(bench: Bench, device: str, name: str, fallback: frozenset[str] = frozenset()) -> Program:
    """The bench's model in the case's dtype on `device`; `name` is what the placement calls it."""
    import torch

    dtype: torch.dtype = getattr(torch, bench.case.dtype)
    return EagerProgram(bench.model(), torch.device(device), dtype, name, fallback)


def without_tf32() -> None:
    """Products and convolutions of float32 in float32: TF32 keeps ten bits of the mantissa."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def computes(device: str) -> bool:
    """Whether a small matrix product on the device is right."""
    import torch

    left = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return bool(torch.equal((left.to(device) @ left.T.to(device)).cpu(), left @ left.T))


# What probing a device that does not work may raise.
FAULTS = (RuntimeError, AssertionError, OSError, AttributeError)


def versions(**more: str | None) -> dict[str, str]:
    """That of torch, as the fingerprint has it, and those of what it is built with."""
    return machine.installed_versions(("torch",)) | {name: version for name, version in more.items() if version}


def probe_accelerator(
    device: str, what: str, install: str, found: Mapping[str, str], absent: Evidence = Evidence.NONE
) -> Probe:
    """Multiplies two small matrices on the first device of a kind; `absent` is the evidence where there is none.

    `what` torch should find ("AMD GPU"); `install` says what to do where it does not; `found`: versions.
    """
    import torch

    module, name, reason = getattr(torch, device), "", ""
    with warnings.catch_warnings(record=True) as warned:  # torch only warns where a driver is too old
        warnings.simplefilter("always")
        try:
            if module.is_available():
                name = module.get_device_name(0) if hasattr(module, "get_device_name") else what
                reason = "" if computes(device) else "a matrix product came out wrong"
            else:
                said = first_line(warned[0].message) if warned else ""
                reason = f"torch finds no {what}{f' ({said})' if said else ''}"
        except FAULTS as error:
            reason = f"{what}: {first_line(error) or type(error).__name__}"
    if reason:
        return Probe(present=False, evidence=absent, device=name, reason=reason, install=install, versions=found)
    return Probe(present=True, evidence=Evidence.HARDWARE, device=name, versions=found)


def first_line(said: object) -> str:
    """The first line of an error's or a warning's text that has something on it; empty if none has."""
    return next((line.strip() for line in str(said).splitlines() if line.strip()), "")


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
        busy = False  # with a draw

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func not in filled and func not in made and func not in drawn:
                return func(*args, **kwargs)
            self.busy = True
            try:
                return self._draw(func, args, kwargs)
            finally:
                self.busy = False

        def _draw(self, func: Any, args: Any, kwargs: Any) -> Any:
            if func in filled:
                args[0].copy_(func(args[0].cpu(), *args[1:], **kwargs))
                return args[0]
            tensors = [item for item in (*args, *kwargs.values()) if isinstance(item, torch.Tensor)]
            device = kwargs.get("device") or (tensors[0].device if tensors else torch.get_default_device())
            given = [item.cpu() if isinstance(item, torch.Tensor) else item for item in args]
            named = {name: item.cpu() if isinstance(item, torch.Tensor) else item for name, item in kwargs.items()}
            if func in made or "device" in named:
                named["device"] = "cpu"
            return func(*given, **named).to(device)

    return Drawing
