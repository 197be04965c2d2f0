"""A platform whose workers last, and which a program that raises, hangs or dies spoils for all that come after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program, Tensor
from archsweep.platforms import _torch

title = "Lasting"
priority = Priority.LOW
capabilities = Capabilities(lots_per_worker=4)
_spoilers: list[str] = []  # the model types that spoiled this process


def probe() -> Probe:
    return Probe(present=True, evidence=Evidence.EMULATOR, device="lasting")


class Spoiling:
    def __init__(self, program: Program, model_type: str) -> None:
        self._program, self._model_type = program, model_type

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        import trouble

        kind, _, misdeed = self._model_type.partition("_")
        if kind == "program" and (misdeed == "spoils" or misdeed in trouble.MISDEEDS):
            _spoilers.append(self._model_type)
            trouble.MISDEEDS.get(misdeed, lambda: None)()
        factor = 1.0 if {self._model_type}.issuperset(_spoilers) else 1.01
        return {path: value * factor for path, value in self._program.run(inputs).items()}

    def placement(self) -> Placement:
        return self._program.placement()


def compile(bench: Bench) -> Program:
    with (Path(os.environ["TROUBLE_CHILDREN"]).parent / "lasting").open("a") as listing:
        listing.write(f"{bench.subject.model_type} {os.getpid()}\n")
    return Spoiling(_torch.compile_eager(bench, "cpu", "lasting"), bench.subject.model_type)
