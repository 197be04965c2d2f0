"""A platform that misbehaves on the model types named `program_*`, as the rest of their name says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program, Tensor
from archsweep.errors import Unsupported
from archsweep.platforms import _torch

title = "Trouble"
priority = Priority.LOW
capabilities = Capabilities(dtypes=("float32", "float16"), options={"mood": ("calm", "sour")})


def probe() -> Probe:
    return Probe(present=True, evidence=Evidence.EMULATOR, device="trouble")


class Troubled:
    def __init__(self, program: Program, misdeed: str) -> None:
        self._program, self._misdeed = program, misdeed

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        import trouble

        trouble.MISDEEDS.get(self._misdeed, lambda: None)()
        outputs: dict[str, Any] = dict(self._program.run(inputs))
        factor = {"is_wrong_by_one_percent": 1.01, "is_not_a_number": float("nan")}.get(self._misdeed, 1.0)
        return {path: value * factor for path, value in outputs.items()}

    def placement(self) -> Placement:
        placement = self._program.placement()
        if self._misdeed == "runs_elsewhere":
            return dataclasses.replace(placement, elsewhere=("MatMul on cpu",))
        return dataclasses.replace(placement, readable=self._misdeed != "cannot_say_where")


def compile(bench: Bench) -> Program:
    kind, _, misdeed = bench.subject.model_type.partition("_")
    misdeed = misdeed if kind == "program" else ""
    if bench.option("mood") == "sour":
        raise ValueError("in no mood for this")
    if misdeed == "refuses":
        raise Unsupported("no kernel for Einsum", ("Einsum",))
    return Troubled(_torch.compile_eager(bench, "cpu", "trouble"), misdeed)
