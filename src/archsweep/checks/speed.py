"""How fast is it? Build, compile, first run, and steady runs until their median is known to within its stated spread.

A median says nothing without its spread. Neighbouring runs agree better than the same ones a second later, on a machine
that others share above all, so that runs come in blocks apart in time. The spread is what the blocks' medians show, or
the middle half of all samples over the root of their number, if that is more. Blocks go on until the spread is a small
part of the median, or the time is up; every sample is kept, so that another statistic can be had.
What is fast and wrong is no speed: after the steady runs the program's outputs are held against the reference.
An emulator's speed says nothing of the device that it stands for, so there it is not asked.
"""

from __future__ import annotations

import dataclasses
import math
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archsweep.archs import comparison, eager, flops, rows
from archsweep.contract import Bench, Evidence, Program, Stage, Subject, Tensor, Verdict
from archsweep.errors import Inapplicable

question = "How long do build, compile, first run and steady runs take, at which batch sizes, in how much memory?"
costly = True  # asked only where it is named
needs = ("executes",)

WARM, EACH, MOST = 3, 4, 200  # runs: before the first block, of a block, in all
BLOCKS = 6  # at least
LEAST = BLOCKS * EACH
PAUSE_S = 0.3  # between two blocks
ENOUGH = 0.01  # of the median: the spread at which no more runs are needed
TIME_S = 3.0  # for the steady runs of one batch size
BATCHES = (1, 2, 4, 8)


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    if bench.evidence is not Evidence.HARDWARE:
        raise Inapplicable(f"the speed of what is {bench.evidence} says nothing of the device")
    reference, times = bench.reference, dict[str, float]()
    model = _timed(times, "build_s", bench.model)
    parameters = float(sum(value.numel() for value in model.parameters()))
    program = _timed(times, "compile_s", bench.compiled)
    inputs = bench.inputs
    bench.announce(Stage.RUN)
    _timed(times, "first_run_s", lambda: _once(program, inputs))
    samples = sampled(program, inputs)
    middle, spread = median(samples)
    batches = _batches(bench, program, inputs)
    with eager.seeded():
        outputs = program.run(inputs)
    bench.announce(Stage.COMPARE)
    verdict = comparison.compare(reference, outputs, bench.case.dtype)
    metrics = {
        **times,
        "steady_s": middle,
        "steady_spread_s": spread,
        "samples": float(len(samples)),
        "parameters": parameters,
        "flops": float(flops.counted(model, inputs)),
        "peak_host_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **{f"rows_a_second_{size}": size / found[0] for size, found in batches.items()},
    }
    details = {"samples_s": samples, "batches": {str(size): list(found) for size, found in batches.items()}}
    message = f"after {len(samples)} timed runs: {verdict.message}" if verdict.message else ""
    return dataclasses.replace(
        verdict, message=message, metrics={**verdict.metrics, **metrics}, details={**verdict.details, **details}
    )


def _timed(times: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    made = work()
    times[name] = time.perf_counter() - began
    return made


def _once(program: Program, inputs: Mapping[str, Tensor]) -> None:
    with eager.seeded():
        program.run(inputs)


def sampled(program: Program, inputs: Mapping[str, Tensor]) -> list[float]:
    """Seconds of steady runs: on the device alone where the program can tell, else from inputs to outputs."""
    step: Callable[[], float] = getattr(program, "stepper", lambda given: _whole(program, given))(inputs)
    for _ in range(WARM):
        step()
    samples = [step() for _ in range(EACH)]
    until = time.perf_counter() + TIME_S
    while len(samples) < MOST and (len(samples) < LEAST or time.perf_counter() < until):
        time.sleep(PAUSE_S)
        step()  # after a pause the first one is slow
        samples += [step() for _ in range(EACH)]
        if len(samples) >= LEAST and median(samples)[1] <= ENOUGH * median(samples)[0]:
            break
    return samples


def _whole(program: Program, inputs: Mapping[str, Tensor]) -> Callable[[], float]:
    def step() -> float:
        began = time.perf_counter()
        _once(program, inputs)
        return time.perf_counter() - began

    return step


def median(samples: Sequence[float]) -> tuple[float, float]:
    """The median, and how far that of other samples is likely to lie from it: the deviation of the medians of blocks,
    or the middle half over the root of n."""
    quarters = statistics.quantiles(samples, n=4) if len(samples) > 1 else [samples[0]] * 3
    blocks = [statistics.median(samples[start : start + EACH]) for start in range(0, len(samples), EACH)]
    between = statistics.stdev(blocks) if len(blocks) > 1 else 0.0
    return quarters[1], max(between, (quarters[2] - quarters[0]) / math.sqrt(len(samples)))


def _batches(bench: Bench, program: Program, inputs: Mapping[str, Tensor]) -> dict[int, tuple[float, float]]:
    """(median, spread) of a run at each batch size, where the program takes several and rows can be told apart."""
    apart = rows.apart(inputs) if bench.capabilities.module else None
    if apart is None:
        return {}
    return {size: median(sampled(program, rows.repeated(apart[0], size))) for size in BATCHES}
