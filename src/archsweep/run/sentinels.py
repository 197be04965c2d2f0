"""Three subjects that must end badly, so that every sweep first tests its own harness.

One is wrong by 1 %, one raises, one hangs. They take the same way as every model: worker, bench, platform, check.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from archsweep.contract import (
    VERIFYING,
    Architecture,
    Case,
    Evidence,
    Lot,
    Modality,
    Priority,
    Reference,
    Result,
    Stage,
    Standing,
    Status,
    Subject,
    Tensor,
)  # fmt: skip
from archsweep.run import endings

MODEL_TYPE = "sentinel"
EXPECTED = {"Wrong": Status.FAIL, "Raising": Status.ERROR, "Hanging": Status.TIMEOUT}
DEADLINE_S = 2.0  # of the hanging one; the others get the sweep's own
CHECK = VERIFYING[-1]


def subject(name: str) -> Subject:
    return Subject(
        model_type=MODEL_TYPE, class_name=name, class_module=__name__, config_class="", is_base=False, mappings=(),
        family=MODEL_TYPE, architecture=Architecture.ENCODER_ONLY, role="sentinel", modality=(Modality.OTHER,),
        category="other", tasks=(), priority=Priority.LOW, phase=6, standing=Standing.STAND_ALONE,
    )  # fmt: skip


def cases(platform: str, dtype: str) -> tuple[tuple[Subject, Case, float | None], ...]:
    """(subject, case, deadline in seconds or None for the sweep's own) of each sentinel on a platform."""
    return tuple(
        (
            subject(name),
            Case(subject=f"{MODEL_TYPE}/{name}", platform=platform, check=CHECK, dtype=dtype, default_dtype=dtype),
            DEADLINE_S if expected is Status.TIMEOUT else None,
        )
        for name, expected in EXPECTED.items()
    )


def is_sentinel(case: Case) -> bool:
    return case.subject.startswith(f"{MODEL_TYPE}/")


def faults(results: Iterable[Result]) -> dict[str, list[str]]:
    """For each platform whose sentinels did not all end as they must: what happened instead."""
    found: dict[str, list[str]] = {}
    for outcome in results:
        name = outcome.case.subject.partition("/")[2]
        if outcome.status is not EXPECTED[name]:
            text = f"the {name.lower()} sentinel ended {outcome.status} at {outcome.stage}: {outcome.message}"
            found.setdefault(outcome.case.platform, []).append(f"{text} (expected {EXPECTED[name]})")
    return found


def believed(result: Result, wrong: Iterable[str]) -> Result:
    """The result, or, where its platform's sentinels did not end as they must, one that is not to be trusted."""
    told = "; ".join(wrong)
    if not told:
        return result
    return dataclasses.replace(
        result, status=Status.BROKEN, evidence=Evidence.NONE, failure=None,
        message=endings.shorten(f"not to be trusted: {told}"), details={**result.details, "ended": str(result.status)},
    )  # fmt: skip


class SentinelSource:
    """Satisfies bench.Source without archs' recipes; only the reference is made the usual way."""

    def __init__(self, lot: Lot) -> None:
        self._lot, self._name = lot, lot.subject.class_name

    def find(self, announce: Callable[[Stage], None]) -> Any:
        return {"sentinel": self._name}

    def again(self, recipe: Any, seed: int) -> Any:
        return None

    def make_model(self, recipe: Any) -> Any:
        return _model(self._name)

    def make_inputs(self, recipe: Any, draw: int | None = None) -> Mapping[str, Tensor]:
        import torch

        values = torch.linspace(-1.0, 1.0, 2 * 4 * 8).reshape(2, 4, 8)
        return {"values": values if draw is None else values.flip(0, 1)}

    def obtain_reference(self, recipe: Any, inputs: Mapping[str, Tensor]) -> Reference:
        from archsweep.archs.reference import obtain

        cache = Path(self._lot.cache) if self._lot.cache else None
        return obtain(self._lot.subject, {"sentinel": "right"}, lambda: _model("right"), inputs, cache)


def source(lot: Lot) -> SentinelSource | None:
    """The source of a sentinel's lot; None for every other lot."""
    return SentinelSource(lot) if lot.subject.class_module == __name__ else None


def _model(name: str) -> Any:
    """A linear layer with a softmax; every weight 1 % too large for "Wrong"."""
    import torch

    class Sentinel(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            weight = torch.cos(torch.arange(64, dtype=torch.float32)).reshape(8, 8)
            self.weight = torch.nn.Parameter(weight * (1.01 if name == "Wrong" else 1.0))

        def forward(self, values: Tensor) -> dict[str, Tensor]:
            if name == "Raising":
                raise ValueError("a sentinel that raises")
            if name == "Hanging":
                time.sleep(86_400)
            scores = values @ self.weight
            return {"scores": scores, "probabilities": scores.softmax(-1)}

    return Sentinel().eval()
