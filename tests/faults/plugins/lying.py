"""A platform that computes nothing and hands out the reference: the sentinels must notice."""

from __future__ import annotations

from collections.abc import Mapping

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program, Tensor

title = "Lies"
priority = Priority.LOW
capabilities = Capabilities()


def probe() -> Probe:
    return Probe(present=True, evidence=Evidence.HARDWARE, device="none at all")


class Liar:
    def __init__(self, outputs: Mapping[str, Tensor]) -> None:
        self._outputs = outputs

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return self._outputs

    def placement(self) -> Placement:
        return Placement(device="none at all", readable=True)


def compile(bench: Bench) -> Program:
    return Liar(bench.reference.outputs32)
