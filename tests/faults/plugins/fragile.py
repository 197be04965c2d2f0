"""A platform whose context is lost, for the whole process, with the first error on it."""

from __future__ import annotations

from collections.abc import Mapping

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program, Tensor
from archsweep.platforms import _torch

title = "Fragile"
priority = Priority.LOW
capabilities = Capabilities(fresh_after_error=True)
_lost: list[str] = []


def probe() -> Probe:
    return Probe(present=True, evidence=Evidence.HARDWARE, device="fragile")


class Fragile:
    """Of the types that raise, the first check fails, and all others are right in another process."""

    def __init__(self, program: Program, bench: Bench) -> None:
        self._program, self._bench = program, bench

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self._bench.subject.model_type == "program_raises" and self._bench.case.check == "forward":
            _lost.append(self._bench.case.id)
            raise RuntimeError("an assertion failed on the device")
        if _lost:
            raise RuntimeError("the context is lost")
        return self._program.run(inputs)

    def placement(self) -> Placement:
        return self._program.placement()


def compile(bench: Bench) -> Program:
    return Fragile(_torch.compile_eager(bench, "cpu", "fragile"), bench)
