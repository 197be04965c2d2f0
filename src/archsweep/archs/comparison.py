"""Whether outputs agree with what they should be, and how far from it they may be. Runs nothing.

The tolerance. A platform may round differently from the CPU: other kernels, other orders of summation. It may not
compute something else. Between the two lies a gap of several orders of magnitude, and the tolerance stands in it:

- One rounding in a dtype of unit roundoff eps moves a value by eps. What a model makes of it shows between the CPU's
  float32 and float64 passes: `bound`, the relative L2 distance. The amplification, bound / eps(float32), belongs to the
  model and not to the dtype, so a right program in any dtype is expected within amplification x eps(dtype).
- Kernels differ by more than one order of summation, and one measurement may be lucky: SAFETY times that is allowed.
- It is never less than FLOOR (a well conditioned model sits at 3e-7 in float32, and a backend that sums in blocks, or
  approximates an exponential, at 1e-6 to 1e-5), and never more than CEILING, however badly a model is conditioned:
  a cell that needs more is not verified by loosening it.

FLOOR in float32 is 1e-4: on lively weights a single parameter tensor scaled by 1.1 moves the outputs by 1e-3 to 1e-1,
so what is wrong in one tensor, one mask or one rotation is noticed; the mutation score measures that.

What is compared. The outputs of the reference, and no floating output besides them. Each floating output by relative
L2, and by its largest deviation against the root mean square, so that one wrong row in a large output does not hide.
NaN is never right. Infinities and fill values of masks must stand at the same positions with the same sign, and are
left out of the scale; so are finite fill constants (-1e4, -1e9) that tower over the rest, which must agree relatively.
An output that is rounding noise around zero is held to an absolute bound. Integer and boolean outputs are equal
wherever the two CPU passes agree with each other (elsewhere: a tie); in half precision, where a code or an argmax near
a tie may well turn, all but a share of FLOOR of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep.archs import outputs
from archsweep.contract import Reference, Status, Tensor, Verdict

if TYPE_CHECKING:
    import torch

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
FLOOR = {"float64": 1e-9, "float32": 1e-4, "float16": 5e-3, "bfloat16": 3e-2}
CEILING = {"float64": 1e-7, "float32": 2e-3, "float16": 1e-1, "bfloat16": 2.5e-1}
SAFETY = 8.0
LOCAL = 20.0  # the largest deviation may be this many times the tolerance, in units of the root mean square
NEAR_ZERO = 1e-5  # root mean square below which an output is rounding noise around zero
HUGE = {"float16": 6e4}  # fill values, by dtype
FILL = 1e4  # a finite constant this many times the typical magnitude is a fill value too
WORST = 5  # outputs listed in the details


def tolerance(bound: float, dtype: str) -> float:
    """Relative L2 that a right program may be off, for a model of this conditioning in this dtype."""
    expected = SAFETY * bound / EPSILON["float32"] * EPSILON[dtype]
    return min(max(expected, FLOOR[dtype]), CEILING[dtype])


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One output against its reference. `excess` above 1 is a failure; `reason` says what kind."""

    path: str
    excess: float
    relative: float
    tolerance: float
    reason: str = ""
    position: tuple[int, ...] = ()
    elements: int = 0
    undecided: int = 0  # integer elements on which the CPU's two passes differ

    def row(self) -> dict[str, Any]:
        return {
            "output": self.path,
            "relative": _number(self.relative),
            "tolerance": self.tolerance,
            "position": list(self.position),
            "reason": self.reason,
        }


def compare(reference: Reference, found: Mapping[str, Tensor], dtype: str, *, near_zero: float = NEAR_ZERO) -> Verdict:
    """Judge all outputs of one run. Pure: usable on any map of path to tensor; `near_zero`: see NEAR_ZERO."""
    missing = [path for path in reference.outputs if path not in found]
    extra = [path for path in found if path not in reference.outputs]
    rows = [_deviation(path, reference, found[path], dtype, near_zero) for path in reference.outputs if path in found]
    rows.sort(key=lambda row: -row.excess)
    bound = max(reference.bound.values(), default=0.0)
    metrics = {
        "worst_relative": _number(max((row.relative for row in rows), default=0.0)),
        "float32_error": bound,
        "outputs_compared": float(len(rows)),
        "elements": float(sum(row.elements for row in rows)),
        "undecided": float(sum(row.undecided for row in rows)),
    }
    details = {
        "worst": [row.row() for row in rows[:WORST]],
        "digest": outputs.digest(found),
        "substitute": reference.substitute,
        "seeded": reference.seeded,
        "missing": missing,
        "extra": extra,
    }
    message = _message(rows, missing, [path for path in extra if _compared(found[path])])
    status = Status.FAIL if message else Status.PASS
    return Verdict(status=status, message=message, metrics=metrics, details=details)


def _compared(value: torch.Tensor) -> bool:
    """Whether nothing may stand in for a comparison: the numbers of a floating output."""
    return bool(value.is_floating_point() or value.is_complex())


def _message(rows: list[Deviation], missing: list[str], unknown: list[str]) -> str:
    """Empty if everything agrees, else which output is wrong, where and how far."""
    if missing:
        return f"outputs missing: {', '.join(missing[:8])}"
    if unknown:
        return (
            f"floating outputs that the reference lacks, so that nothing says they are right: {', '.join(unknown[:8])}"
        )
    if not rows:
        return "nothing to compare: the reference holds no outputs"
    wrong = [row for row in rows if row.excess > 1]
    if not wrong:
        return ""
    worst = wrong[0]
    where = f" at {list(worst.position)}" if worst.position else ""
    more = f"; {len(wrong) - 1} more of {len(rows)} outputs are wrong" if len(wrong) > 1 else ""
    return f"{worst.path}{where}: {worst.reason}{more}"


def _number(value: float) -> float:
    """`value` as JSON can hold it."""
    return value if math.isfinite(value) else 1e308


def _broken(path: str, reason: str, allowed: float, position: tuple[int, ...] = ()) -> Deviation:
    return Deviation(path=path, excess=math.inf, relative=math.inf, tolerance=allowed, reason=reason, position=position)


def _deviation(path: str, reference: Reference, value: torch.Tensor, dtype: str, near_zero: float) -> Deviation:
    exact, single = reference.outputs[path], reference.outputs32[path]
    if value.shape != exact.shape:
        return _broken(path, f"shape {tuple(value.shape)}, the reference has {tuple(exact.shape)}", 0.0)
    floating = exact.is_floating_point() or exact.is_complex()
    if floating != (value.is_floating_point() or value.is_complex()) or exact.is_complex() != value.is_complex():
        return _broken(path, f"dtype {value.dtype}, the reference has {exact.dtype}", 0.0)
    if not exact.numel():
        return Deviation(path=path, excess=0.0, relative=0.0, tolerance=0.0)
    return (
        _floating(path, reference, value, dtype, near_zero)
        if floating
        else _discrete(path, exact, single, value, dtype)
    )


def _discrete(path: str, exact: torch.Tensor, single: torch.Tensor, value: torch.Tensor, dtype: str) -> Deviation:

    decided = exact == single
    wrong = decided & (value.to(exact.dtype) != exact)
    count, total = int(wrong.sum()), exact.numel()
    share, allowed = count / total, FLOOR[dtype] if EPSILON[dtype] > 1e-4 else 0.0
    failed = share > allowed
    return Deviation(
        path=path,
        excess=2 + 1e6 * share if failed else 0.0,
        relative=share,
        tolerance=allowed,
        reason=f"{count} of {total} discrete values differ" if failed else "",
        position=_first(wrong) if count else (),
        elements=total,
        undecided=total - int(decided.sum()),
    )


def _floating(path: str, reference: Reference, value: torch.Tensor, dtype: str, near_zero: float) -> Deviation:
    import torch

    allowed = tolerance(reference.bound.get(path, 0.0), dtype)
    wide = torch.complex128 if value.is_complex() else torch.float64
    exact, single, given = (item.to(wide) for item in (reference.outputs[path], reference.outputs32[path], value))
    nan = torch.isnan(given)
    if nan.any():
        return _broken(path, f"{int(nan.sum())} of {given.numel()} elements are NaN", allowed, _first(nan))
    masked, wrong = _masks(exact, single, given, dtype)
    if wrong.any():
        far = f"{int(wrong.sum())} elements differ in infinities or mask values"
        return _broken(path, far, allowed, _first(wrong))
    distance = (given - exact).abs().masked_fill(masked, 0.0)
    count = exact.numel() - int(masked.sum())
    if not count:
        return Deviation(path=path, excess=0.0, relative=0.0, tolerance=allowed, elements=exact.numel())
    scale = math.sqrt(float(exact.abs().masked_fill(masked, 0.0).square().sum()) / count)
    scale = max(scale, near_zero)
    relative = math.sqrt(float(distance.square().sum()) / count) / scale
    largest = float(distance.max()) / scale
    own = float((single - exact).abs().masked_fill(masked, 0.0).max()) / scale  # localised rounding of the CPU itself
    local = min(max(LOCAL * allowed, SAFETY * own * EPSILON[dtype] / EPSILON["float32"]), LOCAL * CEILING[dtype])
    excess = max(relative / allowed, largest / local)
    reason = ""
    if excess > 1:
        reason = f"relative error {relative:.2g} (allowed {allowed:.2g}), largest {largest:.2g} of the root mean square"
    position = _first(distance == distance.max()) if excess > 0.1 else ()
    return Deviation(
        path=path, excess=excess, relative=relative, tolerance=allowed, reason=reason, position=position,
        elements=exact.numel(),
    )  # fmt: skip


def _masks(
    exact: torch.Tensor, single: torch.Tensor, given: torch.Tensor, dtype: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions that hold infinities or fill values in the reference, and those where `given` contradicts them."""
    huge = 1e30
    magnitude = exact.abs()
    masked = (magnitude >= huge) | (single.abs() >= huge)
    other = given.abs() >= HUGE.get(dtype, huge)
    wrong = (masked != other) if dtype not in HUGE else (masked & ~other)
    wrong = wrong | (masked & (given.sgn() != exact.sgn()))
    if float(magnitude.masked_fill(masked, 0.0).max()) >= FILL:
        typical = float(magnitude[~masked].median())
        fill = ~masked & (magnitude >= FILL * max(typical, 1.0)) & (exact == single)
        wrong = wrong | (fill & ((given - exact).abs() > 1e-2 * magnitude))
        masked = masked | fill
    return masked, wrong


def _first(flags: torch.Tensor) -> tuple[int, ...]:
    import torch

    return tuple(int(index) for index in torch.nonzero(flags)[0]) if flags.ndim else ()
