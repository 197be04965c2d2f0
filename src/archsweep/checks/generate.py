"""Does it generate what it should? Greedy tokens against float64, with a cache and without, in a batch and alone.

A greedy choice between two logits that are nearly equal may turn; that is no fault, and what follows it is another
text. So tokens are compared as far as such a tie, and from there the model is led along the reference's tokens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, float64, generation, reference, rows
from archsweep.archs.generation import Generated
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Verdict
from archsweep.errors import ReferenceFault

if TYPE_CHECKING:
    import torch

question = "Are greedy tokens and their logits those of float64, with a cache and without, in a padded batch and alone?"
needs = ("module", "generates")

LEAST_STEPS, LEAST_TOKENS = 8, 3
LOGITS = "logits"


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    model = bench.model()
    if not getattr(type(model), "can_generate", lambda: False)():
        return Verdict(status=Status.INAPPLICABLE, message="the class does not generate")
    bench.reference  # noqa: B018 (weights and inputs on which the CPU agrees with itself)
    bench.announce(Stage.REFERENCE)
    prompt = generation.prompt(bench.inputs, encoded=bool(model.config.is_encoder_decoder))
    try:
        exact, repeating = _exact(bench, prompt)
        held = _held(bench, prompt, exact)
    except generation.NoLogits as error:
        return Verdict(status=Status.INAPPLICABLE, message=str(error))
    distinct = int(exact.tokens.unique().numel())
    if exact.tokens.shape[1] < LEAST_STEPS or distinct < LEAST_TOKENS:
        found = f"{distinct} distinct tokens in {exact.tokens.shape[1]} steps"
        return Verdict(status=Status.INAPPLICABLE, message=f"{found}: too few to show anything")
    program = bench.program
    with eager.seeded():
        program.run(bench.inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    details: dict[str, Any] = {
        "steps": exact.tokens.shape[1],
        "tokens": distinct,
        "repeating": repeating,
        "compared": [],
    }
    worst: Verdict | None = None
    bench.announce(Stage.RUN)
    for what, expected, found in _runs(module, prompt, exact, held, details):
        bench.announce(Stage.COMPARE)
        verdict = comparison.compare(expected, {LOGITS: found.cpu()}, bench.case.dtype)
        details["compared"].append(what)
        if verdict.status is not Status.PASS:
            return dataclasses.replace(
                verdict, message=f"{what}: {verdict.message}", details={**verdict.details, **details}
            )
        if worst is None or verdict.metrics["worst_relative"] > worst.metrics["worst_relative"]:
            worst = verdict
    assert worst is not None
    return dataclasses.replace(worst, details={**worst.details, **details})


def _exact(bench: Bench, prompt: Mapping[str, Any]) -> tuple[Generated, bool]:
    """What float64 generates, and whether tokens may repeat: not where too few others come. Raises ReferenceFault."""
    model = bench.model()
    try:
        exact = generation.exactly(model, prompt)
        if exact.tokens.unique().numel() >= LEAST_TOKENS:
            return exact, True
        return generation.exactly(model, prompt, repeating=False), False
    except float64.REFUSALS as error:
        generation.greedy(model, prompt)  # what float32 raises as well is no refusal of float64
        told = f"{type(error).__name__}: {error}"
        raise ReferenceFault(f"{bench.subject.id}: it does not generate in float64: {told}") from error


def _held(bench: Bench, prompt: Mapping[str, Any], exact: Generated) -> Reference:
    """The logits of float64 as a reference. Raises ReferenceFault where float32 is too far from them."""
    single = generation.greedy(bench.model(), prompt, exact.tokens)
    wide, narrow = {LOGITS: exact.logits}, {LOGITS: single.logits}
    apart = reference.disagreements(bench.subject, wide, narrow)
    bound = {name: far for name, (far, _) in apart.items()}
    return Reference(key="", outputs=wide, outputs32=narrow, bound=bound)


def _runs(
    module: Any, prompt: Mapping[str, Any], exact: Generated, held: Reference, details: dict[str, Any]
) -> Iterator[tuple[str, Reference, torch.Tensor]]:
    """(what, the logits that it should have, those that it has) of each way to generate."""
    given = eager.fed_like(module, prompt)
    free = generation.greedy(module, given, repeating=bool(details["repeating"]))
    same = _agreed(free.tokens.cpu(), exact.tokens)
    details["agreed"] = same
    yield "greedy", _part(held, slice(None), slice(0, same)), free.logits[:, :same]
    if same < exact.tokens.shape[1]:
        yield "led along the reference", held, generation.greedy(module, given, exact.tokens).logits
    yield "without a cache", held, generation.greedy(module, given, exact.tokens, cached=False).logits
    for number, row in enumerate(rows.apart(given) or ()):
        alone = generation.greedy(module, generation.single(row), exact.tokens[number : number + 1])
        yield f"row {number} alone", _part(held, slice(number, number + 1), slice(None)), alone.logits


def _agreed(tokens: torch.Tensor, wanted: torch.Tensor) -> int:
    """Steps up to the first in which some row chose otherwise, that one included: its logits are still of one text."""
    other = (tokens != wanted).any(0).nonzero()
    return int(other[0]) + 1 if len(other) else wanted.shape[1]


def _part(held: Reference, of_rows: slice, steps: slice) -> Reference:
    outputs = {LOGITS: held.outputs[LOGITS][of_rows, steps]}
    narrow = {LOGITS: held.outputs32[LOGITS][of_rows, steps]}
    return dataclasses.replace(held, outputs=outputs, outputs32=narrow)
