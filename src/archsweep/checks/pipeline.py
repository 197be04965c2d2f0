"""Does the pipeline of its task work? Raw text, images or sound in, answers out, each pass against float64.

The pipeline runs three times: on the platform, and on the CPU in float32 and in float64. What the model was given has
to be the same, what it gave has to agree as far as any outputs have to, and so have the answers. And the raw material
has to matter: other text, another image or other sound gives something else.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, float64, generation, pipelines, reference
from archsweep.archs.inputs.image import IMAGES
from archsweep.archs.pipelines import Asked, Ran
from archsweep.archs.raw import answers, material
from archsweep.archs.raw.components import Components
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Verdict
from archsweep.errors import Inapplicable, ReferenceFault, Unavailable

if TYPE_CHECKING:
    import torch

question = "Does the pipeline of its task give float64's answers, end to end from raw text, images or sound?"
needs = ("module",)

LOGITS = "logits"
PICTURE = 4  # dimensions of a batch of images


def warm_up() -> None:
    """Imports what pipelines come with: it takes seconds."""
    pipelines.known()


def applies(subject: Subject) -> str | None:
    return None if subject.tasks else "it stands in no mapping that a task is drawn from"


def run(bench: Bench) -> Verdict:
    supported = pipelines.known()
    tasks = [task for task in bench.subject.tasks if task in supported]
    if not tasks:
        told = f"transformers has no pipeline for {', '.join(bench.subject.tasks)}"
        return Verdict(status=Status.INAPPLICABLE, message=told)
    bench.reference  # noqa: B018 (weights and inputs on which the CPU agrees with itself)
    inputs, program = bench.inputs, bench.program
    with eager.seeded():
        program.run(bench.inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    components = Components.like(bench.model(), bench.subject.model_type, inputs)
    verdicts: dict[str, Verdict] = {}
    lacking: dict[str, str] = {}
    for task in tasks:
        bench.announce(Stage.INPUTS)
        try:
            verdicts[task] = _judged(bench, module, pipelines.prepared(task, components))
        except Inapplicable as error:
            lacking[task] = str(error)
            continue
        if verdicts[task].status is not Status.PASS:
            break
    if not verdicts:
        return Verdict(status=Status.INAPPLICABLE, message="; ".join(lacking.values()))
    details = {"tasks": {task: dict(verdict.details) for task, verdict in verdicts.items()}, "lacking": lacking}
    for task, verdict in verdicts.items():
        if verdict.status is not Status.PASS:
            return dataclasses.replace(verdict, message=f"{task}: {verdict.message}", details=details)
    worst = max(verdicts.values(), key=lambda verdict: verdict.metrics["worst_relative"])
    return dataclasses.replace(worst, details={**worst.details, **details})


def _judged(bench: Bench, module: Any, asked: Asked) -> Verdict:
    """One task: the platform's run against the CPU's, and against its own runs with other raw material."""
    bench.announce(Stage.REFERENCE)
    single, exact = _on_the_cpu(bench, asked)
    besides = material.BESIDES.get(asked.task)
    if besides and not len(single.answer):
        asked = dataclasses.replace(asked, options=besides)
        single, exact = _on_the_cpu(bench, asked)
    bench.announce(Stage.RUN)
    found = pipelines.ran(asked, module, {})
    others = {part: pipelines.ran(asked, module, {part: 1}) for part in _seen(asked)}
    bench.announce(Stage.COMPARE)
    dtype = bench.case.dtype
    shared = _shared(exact, found)
    held = _held(bench.subject, exact, single, min(shared, _shared(exact, single)))
    verdict = comparison.compare(held, dict(_outputs(found, shared)), dtype)
    faults = [
        *([verdict.message] if verdict.message else []),
        *_given(exact, found, dtype, shared),
        *_unlike(asked, pipelines.direct(asked, {}, found.prefix), found, dtype),
        *_parted(exact, found, shared, dtype),
        *(answers.faults(exact.answer, found.answer, dtype) if shared == len(exact.calls) else ()),
        *_unmoved(found, others, comparison.tolerance(0.0, dtype)),
    ]
    details = {**verdict.details, "calls": len(found.calls), "shared": shared, "answer": answers.short(found.answer)}
    status = Status.FAIL if faults else Status.PASS
    return dataclasses.replace(verdict, status=status, message="; ".join(faults[:3]), details=details)


def _on_the_cpu(bench: Bench, asked: Asked) -> tuple[Ran, Ran]:
    """The pipeline in float32 and in float64. Raises what it raises in float32, ReferenceFault where float64 alone
    refuses, Unavailable where a file is neither here nor to be had, and Inapplicable for a class that wants more than
    the pipeline has, though transformers never said that it would do, or more than random weights know."""
    model = bench.model()
    try:
        single = pipelines.ran(asked, model, {})
    except OSError as error:
        if not _unreached(error):
            raise
        told = str(error).partition("\n")[0]
        raise Unavailable(f"{asked.task} loads a file that is not here: {told}") from error
    except eager.RAISED as error:
        if asked.generates and (told := generation.wants(model, error)):
            raise Inapplicable(f"{asked.task}: {told}") from error
        wants = _wants(bench, asked) if asked.everyone else ""
        if not wants:
            raise
        told = f"{asked.task} is drawn from every base class, and this one {wants}"
        raise Inapplicable(f"{told}: {type(error).__name__}: {error}") from error
    try:
        return single, pipelines.exactly(asked, bench.model(), {})
    except float64.REFUSALS as first:
        try:
            return single, pipelines.exactly(asked, reference.written_out(bench.model()), {})
        except float64.REFUSALS as error:
            told = f"{type(first).__name__}: {first}"
            raise ReferenceFault(f"{bench.subject.id}: no {asked.task} in float64: {told}") from error


def _unreached(error: BaseException | None) -> bool:
    """Whether what was raised comes of a hub that was not asked, or did not answer."""
    from huggingface_hub import errors

    hub = (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled)
    return error is not None and (isinstance(error, hub) or _unreached(error.__cause__))


def _wants(bench: Bench, asked: Asked) -> str:
    """What a class wants, or lacks, that was not written for this pipeline; empty where nothing shows it."""
    several = [name for name in bench.inputs if name in IMAGES and bench.inputs[name].ndim > PICTURE]
    if several:
        return f"takes several images at once as {several[0]}"
    provided: Collection[str] = asked.provided
    with contextlib.suppress(*eager.RAISED):  # what the pipeline raised may be its processor's
        provided = set(pipelines.direct(asked, {})) or provided  # tensors alone
    missing = sorted(set(bench.inputs) - set(provided))
    if missing:
        return f"wants {', '.join(missing)} too"
    if asked.borrowed:
        return f"has no {', '.join(asked.borrowed)} of its own"
    first = next(iter(bench.reference.outputs))
    return "" if "." not in first else f"gives no tensor first, but {first}"


def _seen(asked: Asked) -> tuple[str, ...]:
    """The parts of the raw material that anything reads: an image is read by none where nothing reads images."""
    reads = not {"processor", "image_processor", "feature_extractor", "video_processor"}.isdisjoint(asked.components)
    return tuple(part for part in material.PARTS[asked.task] if reads or part != material.IMAGE)


def _shared(exact: Ran, other: Ran) -> int:
    """How many passes both runs have with the same whole numbers given: after another token come other passes."""
    for number, (wide, narrow) in enumerate(zip(exact.calls, other.calls, strict=False)):
        if not _same_numbers(wide.given, narrow.given):
            return number
    return min(len(exact.calls), len(other.calls))


def _same_numbers(wide: Mapping[str, torch.Tensor], narrow: Mapping[str, torch.Tensor]) -> bool:
    import torch

    discrete = [name for name, value in wide.items() if not value.is_floating_point() and not value.is_complex()]
    return all(
        name in narrow and wide[name].shape == narrow[name].shape and torch.equal(wide[name], narrow[name])
        for name in discrete
    )


def _outputs(ran: Ran, calls: int) -> Iterator[tuple[str, torch.Tensor]]:
    for number, call in enumerate(ran.calls[:calls]):
        yield from ((f"{number}.{path}", value) for path, value in call.made.items())


def _held(subject: Subject, exact: Ran, single: Ran, calls: int) -> Reference:
    """The passes as a reference. Raises ReferenceFault where float32 and float64 lie too far apart."""
    wide, narrow = dict(_outputs(exact, calls)), dict(_outputs(single, calls))
    apart = reference.disagreements(subject, wide, narrow)
    return Reference(key="", outputs=wide, outputs32=narrow, bound={name: far for name, (far, _) in apart.items()})


def _given(exact: Ran, found: Ran, dtype: str, calls: int) -> Iterator[str]:
    """Floating inputs that are not those of the reference: the processing went another way."""
    for number, (wide, narrow) in enumerate(zip(exact.calls[:calls], found.calls, strict=False)):
        for name, value in wide.given.items():
            if value.is_floating_point() and not _close(value, narrow.given.get(name), dtype):
                yield f"pass {number} is given another {name}"


def _close(value: torch.Tensor, other: torch.Tensor | None, dtype: str) -> bool:
    if other is None or value.shape != other.shape:
        return False
    return reference.relative(value.nan_to_num(), other.nan_to_num())[0] <= comparison.FLOOR[dtype]


def _unlike(asked: Asked, direct: Mapping[str, torch.Tensor], found: Ran, dtype: str) -> Iterator[str]:
    """What the processor makes by itself and the model takes, and was not given; a generation spares itself a mask that
    hides nothing."""
    if not direct or not found.calls:
        return
    given = {**found.calls[0].given, **found.handed}
    for name, value in direct.items():
        spared = asked.generates and name not in given and "mask" in name and bool(value.all())
        if name in asked.accepted and not spared and not _close(value.double(), _double(given.get(name)), dtype):
            yield f"the model is not given the {name} that the processor makes"


def _double(value: torch.Tensor | None) -> torch.Tensor | None:
    return None if value is None else value.double()


def _parted(exact: Ran, found: Ran, shared: int, dtype: str) -> Iterator[str]:
    """Why a run that took another way had no reason to: the choice before it was no tie."""
    if shared == len(exact.calls) == len(found.calls):
        return
    if not shared:
        yield "its first pass is given other numbers than on the CPU"
        return
    logits = exact.calls[shared - 1].made.get(LOGITS)
    if logits is None or logits.ndim < 2:
        yield f"after pass {shared - 1} it goes another way than on the CPU"
        return
    last = logits.double().reshape(-1, logits.shape[-1])[-1]
    best = last.topk(min(2, len(last))).values
    gap, scale = float(best[0] - best[-1]), float(last.square().mean().sqrt())
    if gap > 2 * comparison.LOCAL * comparison.tolerance(0.0, dtype) * scale:
        yield f"after pass {shared - 1} it chose another token, and there was no tie"


def _unmoved(found: Ran, others: Mapping[str, Ran], allowed: float) -> Iterator[str]:
    """Parts of the raw material that change nothing."""
    for part, other in others.items():
        if not _moved(found, other, allowed):
            yield f"other {part} gives the same outputs"


def _moved(one: Ran, other: Ran, allowed: float) -> bool:
    if len(one.calls) != len(other.calls):
        return True
    for first, second in zip(one.calls, other.calls, strict=True):
        for path, value in first.made.items():
            beside = second.made.get(path)
            if beside is None or beside.shape != value.shape:
                return True
            if value.is_floating_point() and reference.relative(value.nan_to_num(), beside.nan_to_num())[0] > allowed:
                return True
    return False
