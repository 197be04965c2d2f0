"""Are the numbers right? Every output of the platform's program against the float64 reference of the CPU."""

from __future__ import annotations

from archsweep.archs import comparison, eager
from archsweep.contract import Bench, Stage, Subject, Verdict

question = "Do all outputs equal the float64 reference, within what the dtype and the model's conditioning explain?"
needs = ("executes",)


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    reference = bench.reference
    inputs, program = bench.inputs, bench.program
    with eager.seeded():
        found = program.run(inputs)
    bench.announce(Stage.COMPARE)
    return comparison.compare(reference, found, bench.case.dtype)
