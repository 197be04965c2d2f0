"""Do few bits keep the numbers? A quantised program against float64, and against the CPU's run of the same integers.

Three things are held to what rounding explains. Each weight: its integers must stand for what it was, as far as a grid
of that many bits goes. Each output against float64: its ratio of signal to noise may be MARGIN less than what the same
rounding does to this model by our own arithmetic (`archs/rounding.py`), and never less than BLIND, where noise is half
the signal: an output that rounding alone takes so far decides nothing. And each output against the CPU's run of the
same quantised graph: there no weight is rounded twice, and an activation may turn by a step, which is STEP more noise
than rounding it makes. What the dtype between the integers may be off is added to all allowed noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archsweep.archs import comparison, eager, rounding
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Tensor, Verdict
from archsweep.errors import Inapplicable

question = "Does it run in few bits, with no more noise than rounding explains, and as the CPU runs the same integers?"
costly = True  # asked only where it is named
needs = ("quantizes",)
options = {"scheme": "quantizes"}  # name of the option -> the capability that lists its values, the default first

MARGIN = 6.0  # decibels: twice the noise
STEP = 20 * math.log10(math.sqrt(12))  # of a whole step above the root mean square of rounding to the nearest one
BLIND = 6.0
BIT = 20 * math.log10(2)  # of each bit: what a weight that holds one value may lose between two places of its grid
WORST = 5  # outputs, and weights, listed in the details


@dataclass(frozen=True, kw_only=True)
class Row:
    """One output, in decibels; `excess` above 0: by how much it falls below a floor."""

    path: str
    found: float
    expected: float
    floor: float
    beside: float  # against the CPU's run of the same quantised graph
    beside_floor: float

    @property
    def excess(self) -> float:
        return max(self.floor - self.found, self.beside_floor - self.beside)

    @property
    def told(self) -> str:
        if self.floor - self.found >= self.beside_floor - self.beside:
            return f"{self.path}: {self.found:.1f} dB, rounding explains {self.expected:.1f} (floor {self.floor:.1f})"
        return f"{self.path}: {self.beside:.1f} dB from the same graph on the CPU (floor {self.beside_floor:.1f})"


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    reference = bench.reference
    exact = rounding.judged(reference.outputs)
    if not exact:
        raise Inapplicable("it has no floating output that is more than rounding noise around zero")
    scheme = dict(bench.case.options).get("scheme", bench.capabilities.quantizes[0])
    made = bench.quantized(scheme)
    with eager.seeded():
        found = made.program.run(bench.inputs)
    with eager.seeded():
        beside = made.control.run(bench.inputs)
    bench.announce(Stage.COMPARE)
    rows = _rows(bench, reference, exact, made.rounding, found, beside)
    decided, weights = [row for row in rows if row.floor >= BLIND], [*_weights(made)]
    faults = [*_misshapen(exact, found), *weights, *(row.told for row in decided if row.excess > 0)]
    details: dict[str, Any] = {
        "scheme": scheme,
        "outputs": [_told(row) for row in rows[:WORST]],
        "weights": weights[:WORST],
        "undecided": [row.path for row in rows if row.floor < BLIND],
    }
    if not faults and not decided:
        least = min(row.expected for row in rows)
        raise Inapplicable(f"rounding alone leaves {least:.0f} dB of its outputs: right and wrong look the same")
    if weights or (faults and _as_wrong(exact, beside, decided)):
        details["doubt"] = "the CPU's run of the same quantised graph is wrong, too"
    metrics = {
        **_worst(decided),
        "weights_quantized": float(len(made.weights)),
        "bytes_before": float(made.bytes_before),
        "bytes_after": float(made.bytes_after),
        "outputs_compared": float(len(decided)),
    }
    more = f"; {len(faults) - 1} more" if len(faults) > 1 else ""
    message = f"{faults[0]}{more}" if faults else ""
    return Verdict(status=Status.FAIL if faults else Status.PASS, message=message, metrics=metrics, details=details)


def _rows(
    bench: Bench, reference: Reference, exact: Mapping[str, Tensor], scheme: rounding.Rounding,
    found: Mapping[str, Tensor], beside: Mapping[str, Tensor],
) -> list[Row]:  # fmt: skip
    """Of each output that is there, in order of how far it is below its floor."""
    expected = rounding.expected(bench.model(), bench.inputs, exact, scheme)
    steps = dict.fromkeys(exact, rounding.CLEAN)
    if scheme.activations:
        steps = rounding.expected(bench.model(), bench.inputs, exact, replace(scheme, weights=0))
    rows = []
    for path, value in exact.items():
        if path not in found or path not in beside or found[path].shape != value.shape:
            continue
        own = comparison.tolerance(reference.bound.get(path, 0.0), bench.case.dtype)
        wanted = beside[path]
        rows.append(Row(
            path=path, found=rounding.ratio(value, found[path]), expected=expected[path],
            floor=_floor(expected[path] - MARGIN, own), beside=rounding.ratio(wanted, found[path]),
            beside_floor=_floor(steps[path] - STEP, own),
        ))  # fmt: skip
    return sorted(rows, key=lambda row: -row.excess)


def _floor(ratio: float, own: float) -> float:
    """In decibels: the noise of `ratio` decibels and the relative error `own`, both at once."""
    return -10 * math.log10(10 ** (-ratio / 10) + own**2)


def _misshapen(exact: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    missing = [path for path in exact if path not in found]
    if missing:
        yield f"outputs missing: {', '.join(missing[:8])}"
    for path, value in exact.items():
        if path in found and found[path].shape != value.shape:
            yield f"{path}: shape {tuple(found[path].shape)}, the reference has {tuple(value.shape)}"


def _weights(made: rounding.Quantized) -> Iterator[str]:
    """The weights whose integers stand for something else, worst first; a bit may be left free against overflow."""
    wrong = []
    for name, (before, after) in made.weights.items():
        allowed = min(rounding.of_weight(before, made.rounding.weights), made.rounding.weights * BIT) - BIT - MARGIN
        ratio = rounding.ratio(before, after) if before.shape == after.shape else -rounding.CLEAN
        if ratio < allowed:
            wrong.append((ratio - allowed, f"weight {name}: {ratio:.1f} dB (floor {allowed:.1f})"))
    yield from (text for _, text in sorted(wrong))


def _as_wrong(exact: Mapping[str, Tensor], beside: Mapping[str, Tensor], rows: list[Row]) -> bool:
    """Whether the CPU's run of the quantised graph is below a floor, too."""
    return any(rounding.ratio(exact[row.path], beside[row.path]) < row.floor for row in rows)


def _worst(rows: list[Row]) -> dict[str, float]:
    """The least ratios; `sqnr_over_expected_db`: by how much the worst output is better than our own rounding."""
    if not rows:
        return {}
    return {
        "sqnr_db": min(row.found for row in rows),
        "sqnr_over_expected_db": min(row.found - row.expected for row in rows),
        "control_db": min(row.beside for row in rows),
        "control_over_floor_db": min(row.beside - row.beside_floor for row in rows),
    }


def _told(row: Row) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in vars(row).items()}
