"""Does it run? Finite outputs of the promised shapes, twice the same.

Knows which shapes a configuration promises, by its fields and the class's auto mappings; judges no numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, outputs
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Tensor, Verdict
from archsweep.errors import ReferenceFault

if TYPE_CHECKING:
    import torch

question = "Does a forward pass run, finite, with the shapes that the configuration promises, twice bit for bit?"
needs = ("executes",)

VOCABULARY = ("CAUSAL_LM", "MASKED_LM", "SEQ_TO_SEQ_CAUSAL_LM", "CTC")  # mappings whose logits are over a vocabulary
LABELS = ("TOKEN_CLASSIFICATION", "AUDIO_FRAME_CLASSIFICATION")  # a label for each position
ONE_LABEL = ("SEQUENCE_CLASSIFICATION", "IMAGE_CLASSIFICATION", "VIDEO_CLASSIFICATION", "AUDIO_CLASSIFICATION")
MAIN = ("logits", "last_hidden_state", "pooler_output", "start_logits", "end_logits")
PACKED = ("grid_thw", "spatial_shapes", "cu_seqlens", "position_ids", "patches")  # inputs without a batch dimension


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    reference = _reference(bench)
    inputs, program = bench.inputs, bench.program
    with eager.seeded():
        first = {path: value.clone() for path, value in program.run(bench.inputs).items()}
    with eager.seeded():
        second = program.run(bench.inputs)
    bench.announce(Stage.COMPARE)
    config = getattr(getattr(program, "module", None), "config", None) if bench.capabilities.module else None
    faults = [
        *_empty(first),
        *_infinite(first, reference),
        *_unsteady(first, second),
        *_misshapen(first, reference),
        *broken_promises(bench.subject, config, inputs, first),
    ]
    metrics = {
        "outputs": float(len(first)),
        "elements": float(sum(value.numel() for value in first.values())),
        "seeded": float(bool(reference and reference.seeded)),
    }
    details = {
        "shapes": {path: list(value.shape) for path, value in list(first.items())[:40]},
        "digest": outputs.digest(first),
        "faults": faults[:20],
    }
    status = Status.FAIL if faults else Status.PASS
    return Verdict(status=status, message="; ".join(faults[:3]), metrics=metrics, details=details)


def _reference(bench: Bench) -> Reference | None:
    """The reference, only to know where infinities belong and what shapes are right: running does not depend on it."""
    try:
        return bench.reference
    except ReferenceFault:
        return None


def _empty(found: Mapping[str, Tensor]) -> Iterator[str]:
    if not any(value.numel() for value in found.values()):
        yield "no output holds any element"


def _infinite(found: Mapping[str, torch.Tensor], reference: Reference | None) -> Iterator[str]:
    import torch

    for path, value in found.items():
        if not (value.is_floating_point() or value.is_complex()):
            continue
        strange = ~torch.isfinite(value)
        if not bool(strange.any()):
            continue
        expected = reference.outputs.get(path) if reference else None
        if expected is not None and expected.shape == value.shape and not bool(torch.isnan(value).any()):
            strange &= ~(expected.abs() >= 1e30)
        count = int(strange.sum())
        if count:
            yield f"{path}: {count} of {value.numel()} elements are not finite"


def _unsteady(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor]) -> Iterator[str]:
    if list(first) != list(second):
        yield "a second run returns other outputs"
        return
    if outputs.digest(first) == outputs.digest(second):
        return
    for path, value in first.items():
        if outputs.digest({path: value}) != outputs.digest({path: second[path]}):
            yield f"{path}: a second run under the same seed differs"


def _misshapen(found: Mapping[str, torch.Tensor], reference: Reference | None) -> Iterator[str]:
    for path, expected in (reference.outputs if reference else {}).items():
        if path in found and found[path].shape != expected.shape:
            yield f"{path}: shape {tuple(found[path].shape)}, on the CPU {tuple(expected.shape)}"


def broken_promises(
    subject: Subject, config: Any, inputs: Mapping[str, Any], found: Mapping[str, torch.Tensor]
) -> Iterator[str]:
    """What the configuration, the mappings and the fed batch promise about shapes, and the outputs do not keep."""
    batch = fed_batch(inputs)
    for path in MAIN:
        shape = tuple(found[path].shape) if path in found else ()
        one_row = len(shape) == 3 and shape[0] == 1  # of all patches
        packed = "input_ids" not in inputs and (one_row or (path == "last_hidden_state" and len(shape) == 2))
        if batch and shape and shape[0] % batch and not packed:
            yield f"{path}: {shape[0]} rows for a batch of {batch}"
    if config is None:
        return
    sizes = set(_integers(config))
    hidden = found.get("last_hidden_state")  # feature maps have the widths of their network's stages
    if hidden is not None and hidden.ndim == 3 and not _width_known(tuple(hidden.shape), sizes):
        yield f"last_hidden_state: no width of the configuration in shape {tuple(hidden.shape)}"
    logits = found.get("logits")
    if logits is None or not logits.ndim:
        return
    labels = getattr(config, "num_labels", None)
    if any(name in ONE_LABEL for name in subject.mappings) and not _shared(subject):
        plain = (*logits.shape[:1], *(size for size in logits.shape[1:-1] if size > 1), *logits.shape[1:][-1:])
        if labels and batch and plain != (batch, labels):  # axes of one row between them, e.g. of a pooled query
            yield f"logits: shape {tuple(logits.shape)}, promised {(batch, labels)}"
    elif any(name in LABELS for name in subject.mappings):
        if labels and logits.shape[-1] != labels and logits.shape[-1] not in sizes:
            yield f"logits: {logits.shape[-1]} classes, promised {labels}"
    elif any(name in VOCABULARY for name in subject.mappings) and logits.shape[-1] not in sizes:
        yield f"logits: {logits.shape[-1]} wide, no vocabulary of the configuration has that size"


def _shared(subject: Subject) -> bool:
    """A class in several mappings answers several questions; which one cannot be told from the mapping."""
    return len(subject.mappings) > 1


def fed_batch(inputs: Mapping[str, Any]) -> int | None:
    """The batch size, where the inputs agree on one; None where images or frames are packed into one row of patches."""
    if any(word in name for name in inputs for word in PACKED):
        ids = inputs.get("input_ids")
        return int(ids.shape[0]) if ids is not None else None
    sizes = {int(value.shape[0]) for value in inputs.values() if getattr(value, "ndim", 0) >= 2}
    return sizes.pop() if len(sizes) == 1 else None


def _width_known(shape: tuple[int, ...], sizes: set[int]) -> bool:
    """Whether some axis behind the first is a size of the configuration, or one times a small power of two."""
    return any(
        axis * up == size * down for axis in shape[1:] for size in sizes for up in (1, 2) for down in (1, 2, 4, 8, 16)
    )


def _integers(config: Any) -> Iterator[int]:
    """Every integer above 1 in the configuration and those nested in it."""
    values = config.to_dict() if hasattr(config, "to_dict") else config
    if isinstance(values, Mapping):
        values = list(values.values())
    if isinstance(values, list | tuple):
        for value in values:
            yield from _integers(value)
    elif isinstance(values, int) and not isinstance(values, bool) and values > 1:
        yield values
