"""Does a row care for its neighbours? Each row of a batch against the row alone, with and without its padding.

Three questions. A row alone must give what it gave in the batch: what differs leaked from another row. It must give
the same without its padding, as far as it goes. And tokens in masked places must not matter: others are put there,
and every place that counts must stay as it was. The second is not asked of sound that goes through convolutions: they
look across the edge, where padding and nothing are different things. Texts are padded on the side on which the class's
tokenizer pads them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, padding, rows
from archsweep.contract import Bench, Program, Reference, Stage, Status, Subject, Tensor, Verdict

if TYPE_CHECKING:
    import torch

question = "Does each row of a batch give what it gives alone, without its padding, whatever stands in masked places?"
needs = ("module",)

Inputs = Mapping[str, Any]
Outputs = Mapping[str, Tensor]
KEPT = re.compile(r"past_key_values|cache")  # for the next token


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    reference, program = bench.reference, bench.program
    laid = rows.fronted if padding.in_front(bench.subject.model_type) else dict
    inputs = laid(rows.silenced(bench.inputs))
    if reference.seeded:
        return Verdict(status=Status.INAPPLICABLE, message="it draws random numbers, other ones for other rows")
    apart = rows.apart(inputs)
    if apart is None:
        return Verdict(status=Status.INAPPLICABLE, message="its inputs have no rows that can be told apart")
    whole, alone = _ran(program, inputs), [_ran(program, row) for row in apart]
    bench.announce(Stage.COMPARE)
    joined = {
        path: rows.together([one[path] for one in alone if path in one], value)
        for path, value in whole.items()
        if not path.endswith("loss")  # is of all rows together
    }
    expected = {path: value for path, value in joined.items() if value is not None}
    if not expected:
        return Verdict(status=Status.INAPPLICABLE, message="none of its outputs has an axis of rows")
    verdict = _compared(bench, reference, expected, whole)
    counted = {
        "rows": len(apart),
        "outputs": list(expected),
        "others": [path for path in whole if path not in expected],
    }
    details: dict[str, Any] = {**verdict.details, **counted, "padding": [], "untried": []}
    if verdict.status is not Status.PASS:
        return dataclasses.replace(verdict, message=f"a row alone differs: {verdict.message}", details=details)
    for what, found in (
        *_shorter(bench, program, reference, apart, alone, details["untried"]),
        *_hidden(bench, program, reference, whole, laid),
    ):
        bench.announce(Stage.COMPARE)
        details["padding"].append(what)
        if found.status is not Status.PASS:
            return dataclasses.replace(found, message=f"{what}: {found.message}", details=details)
    return dataclasses.replace(verdict, details=details)


def _ran(program: Program, inputs: Mapping[str, Any]) -> Outputs:
    with eager.seeded():
        return program.run(inputs)


def _compared(bench: Bench, reference: Reference, expected: Outputs, found: Outputs) -> Verdict:
    held = dataclasses.replace(reference, outputs=expected, outputs32=expected)
    return comparison.compare(held, {path: found[path] for path in expected}, bench.case.dtype)


def _shorter(
    bench: Bench,
    program: Program,
    reference: Reference,
    apart: list[dict[str, Any]],
    alone: list[Outputs],
    untried: list[str],
) -> Iterator[tuple[str, Verdict]]:
    """Rows that are padded, without their padding; why not, goes to `untried`."""
    convolved = _convolves(program.module)  # type: ignore[attr-defined]
    for number, (row, padded) in enumerate(zip(apart, alone, strict=True)):
        read: dict[str, list[str]] = {}
        for name, hidden in rows.masked(row):
            read.setdefault(name, []).append(hidden)
        for mask, names in read.items():
            sound = any(row[name].is_floating_point() for name in names)
            trimmed = None if sound and convolved else rows.trimmed(row, mask)
            if trimmed is None:
                continue
            cut, front = trimmed
            try:
                found = _ran(program, cut)
            except eager.RAISED as error:  # a class may take inputs of one length alone
                untried.append(f"row {number} without its padding: {type(error).__name__}: {error}"[:300])
                continue
            length = row[mask].shape[1]
            kept = {
                path: rows.shared(padded[path], value, length, front=front)
                for path, value in found.items()
                if path in padded and not (KEPT.match(path) and _last(padded[path], value, length))
            }
            expected = {path: value for path, value in kept.items() if value is not None}
            if expected:
                yield f"row {number} without its padding by {mask}", _compared(bench, reference, expected, found)


def _last(padded: Tensor, cut: Tensor, length: int) -> bool:
    """Whether what is kept is of the last tokens alone, padding or not: a state, or a sliding window's keys."""
    return not any(whole == length > part for whole, part in zip(padded.shape, cut.shape, strict=False))


def _convolves(module: torch.nn.Module) -> bool:
    import torch

    return any(isinstance(part, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Conv3d) for part in module.modules())


def _hidden(
    bench: Bench, program: Program, reference: Reference, whole: Outputs, laid: Callable[[Inputs], Inputs]
) -> Iterator[tuple[str, Verdict]]:
    """The places that count, before and after other tokens were put where a mask hides them."""
    others = bench.second_inputs
    for name, hidden in rows.masked(bench.inputs):
        inputs = rows.silenced(bench.inputs)
        mask, value = inputs[name].bool(), inputs[hidden]
        if value.is_floating_point() or others[hidden].shape != value.shape:
            continue
        shown = mask.reshape(*mask.shape, *[1] * (value.ndim - mask.ndim))
        changed = _ran(program, laid({**inputs, hidden: value.where(shown, others[hidden])}))
        told = laid(inputs)
        counting = {path: _places(before, told[name].bool(), told) for path, before in whole.items() if path in changed}
        expected = {path: whole[path][places] for path, places in counting.items() if places is not None}
        after = {path: changed[path][counting[path]] for path in expected}
        if expected:
            yield f"tokens hidden by {name}", _compared(bench, reference, expected, after)


def _places(value: torch.Tensor, mask: torch.Tensor, inputs: Mapping[str, Any]) -> Any:
    """The places of an output that count: those of the mask, or all where it has no such axis; None: not known."""
    if value.ndim < 2 or len(value) != len(mask):
        return None
    if value.shape[:2] == mask.shape:
        return mask
    decoded = [item.shape[:2] for name, item in inputs.items() if name.startswith("decoder_") and item.ndim >= 2]
    return ... if value.ndim == 2 or value.shape[:2] in decoded else None
