"""Does it generate what it should? Greedy tokens against float64, with a cache and without, in a batch and alone.

A greedy choice between two logits that are nearly equal may turn; that is no fault, and what follows it is another
text. So tokens are compared as far as such a tie, and from there the model is led along the reference's tokens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, float64, generation, prompts, reference, rows
from archsweep.archs.generation import Generated
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Verdict
from archsweep.errors import ReferenceFault

if TYPE_CHECKING:
    import torch

question = "Are greedy tokens and their logits those of float64, with a cache and without, in a padded batch and alone?"
needs = ("module", "generates")

LEAST_STEPS, LEAST_TOKENS = 8, 3
LESSONS = 3  # times that a refusal may teach how a prompt must be
LOGITS = "logits"


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    model = bench.model()
    if not getattr(type(model), "can_generate", lambda: False)():
        return Verdict(status=Status.INAPPLICABLE, message="the class does not generate")
    seeded = bench.reference.seeded
    bench.announce(Stage.REFERENCE)
    try:
        prompt = _prompt(bench, model)
        drawing = seeded and generation.random(model, prompt)
        exact, repeating = _exact(bench, prompt)
        exact, held = _held(bench, prompt, exact, repeating)
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
        "untried": ["rows alone: it draws random numbers, other ones for other rows"] if drawing else [],
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
        bench.announce(Stage.RUN)
    bench.announce(Stage.COMPARE)
    assert worst is not None
    return dataclasses.replace(worst, details={**worst.details, **details})


def _prompt(bench: Bench, model: Any) -> dict[str, Any]:
    """The bench's inputs as the class's own `generate` wants them. Raises what it raises over the best of them."""
    names = prompts.wanted(type(model), bench.inputs)
    found = _begun(bench, model, names)
    for _ in range(LESSONS):
        try:
            generation.greedy(model, found, steps=LEAST_STEPS)
            return found
        except (ValueError, KeyError) as error:
            if more := prompts.missed(type(model), found, error):
                names = (*names, *more)
                found = _begun(bench, model, names)
                continue
            other = prompts.taught(model, found, str(error), generation.STEPS)
            if other is None:
                raise
            found = other
    return found


def _begun(bench: Bench, model: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """A prompt out of the bench's inputs, with those of these names besides."""
    given = bench.inputs
    if names:
        given = prompts.redrawn(bench.subject, model, bench.recipe, names, generation.STEPS)
    encoded = prompts.encodes(model)
    found = prompts.prompt(given, encoded=encoded)
    return found if encoded else prompts.expanded(bench.subject, model, found)


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


def _held(bench: Bench, prompt: Mapping[str, Any], exact: Generated, repeating: bool) -> tuple[Generated, Reference]:
    """What float64 generates, and its logits as a reference: as far as float32, led along its tokens, takes them too.

    A class may leave out the processors that lead it. Raises ReferenceFault where float32 is too far from float64.
    """
    single = generation.greedy(bench.model(), prompt, exact.tokens, repeating=repeating)
    same = generation.agreed(single.tokens, exact.tokens)
    exact = Generated(tokens=exact.tokens[:, :same], logits=exact.logits[:, :same])
    wide, narrow = {LOGITS: exact.logits}, {LOGITS: single.logits[:, :same]}
    apart = reference.disagreements(bench.subject, wide, narrow)
    bound = {name: far for name, (far, _) in apart.items()}
    return exact, Reference(key="", outputs=wide, outputs32=narrow, bound=bound)


def _runs(
    module: Any, prompt: Mapping[str, Any], exact: Generated, held: Reference, details: dict[str, Any]
) -> Iterator[tuple[str, Reference, torch.Tensor]]:
    """(what, the logits that it should have, those that it has) of each way to generate, while the text is the same."""
    repeating, whole = bool(details["repeating"]), slice(None)
    given = eager.fed_like(module, prompt)
    free = generation.greedy(module, given, steps=exact.tokens.shape[1], repeating=repeating)
    details["agreed"] = generation.agreed(free.tokens.cpu(), exact.tokens)
    yield "greedy", *_shared(held, exact, whole, free)
    if details["agreed"] < exact.tokens.shape[1]:
        along = generation.greedy(module, given, exact.tokens, repeating=repeating)
        yield "led along the reference", *_shared(held, exact, whole, along)
    plain = generation.greedy(module, given, exact.tokens, cached=False, repeating=repeating)
    yield "without a cache", *_shared(held, exact, whole, plain)
    parts = () if details["untried"] else rows.apart(given) or ()
    for number, row in enumerate(parts):
        each = len(exact.tokens) // len(parts)  # one, or a row for each codebook
        own = slice(number * each, (number + 1) * each)
        alone = generation.greedy(module, prompts.single(row), exact.tokens[own], repeating=repeating)
        yield f"row {number} alone", *_shared(held, exact, own, alone)


def _shared(held: Reference, exact: Generated, of_rows: slice, found: Generated) -> tuple[Reference, torch.Tensor]:
    """What should come and what came in these rows, up to the first step that took another token."""
    same = generation.agreed(found.tokens.cpu(), exact.tokens[of_rows])
    return _part(held, of_rows, slice(0, same)), found.logits[:, :same]


def _part(held: Reference, of_rows: slice, steps: slice) -> Reference:
    outputs = {LOGITS: held.outputs[LOGITS][of_rows, steps]}
    narrow = {LOGITS: held.outputs32[LOGITS][of_rows, steps]}
    return dataclasses.replace(held, outputs=outputs, outputs32=narrow)
