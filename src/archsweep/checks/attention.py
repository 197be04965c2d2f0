"""Do a class's attentions agree? Every implementation that it claims, against the float64 reference.

An implementation counts only if it was seen at work: a class may claim one that its tiny model never comes to.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import comparison, eager, rows
from archsweep.contract import Bench, Reference, Stage, Status, Subject, Tensor, Verdict

if TYPE_CHECKING:
    import torch

question = "Do eager, sdpa and flex attention, as far as the class claims them, give the reference's outputs?"
needs = ("module",)

CLAIMS = {
    "sdpa": "_supports_sdpa",
    "flex_attention": "_supports_flex_attn",
    "flash_attention_2": "_supports_flash_attn",
}
PLAIN, FLASH = "eager", "flash_attention_2"
REFUSAL = re.compile(
    r"cannot be run on|not supported|not implemented|does not support", re.IGNORECASE
)  # on this device


def applies(subject: Subject) -> str | None:
    return None


def warm_up() -> None:
    """Imports what flex attention needs, torch's compiler with it, though nothing is compiled: it takes seconds."""
    import torch

    inductor: Any = importlib.import_module("torch._inductor.config")
    inductor.compile_threads = 1  # or it starts processes of its own
    for name in ("torch.nn.attention.flex_attention", "transformers.integrations.flex_attention"):
        importlib.import_module(name)
    torch.compile(lambda value: value)


def run(bench: Bench) -> Verdict:
    from transformers.utils import is_flash_attn_2_available

    reference, program = bench.reference, bench.program
    with eager.seeded():
        program.run(bench.inputs)
    claimed, refused = _claims(program.module)  # type: ignore[attr-defined]
    if not claimed:
        told = "; ".join(f"{', '.join(parts)} within it has no {name}" for name, parts in refused.items())
        return Verdict(status=Status.INAPPLICABLE, message=told or "the class claims no attention but eager")
    verdicts, seen = {}, {}
    for name in (PLAIN, *claimed):
        if name == FLASH and not is_flash_attn_2_available():
            continue
        model = bench.model()
        model.set_attn_implementation(name)
        try:
            with _watching() as counts, eager.seeded():
                found = bench.compiled(model).run(bench.inputs)
        except (NotImplementedError, ValueError) as error:
            if name == PLAIN or not REFUSAL.search(str(error)):
                raise
            refused[name] = [str(error).partition("\n")[0][:200]]
            continue
        bench.announce(Stage.COMPARE)
        seen[name] = counts.get(name, 0)
        found = {path: value for path, value in found.items() if path in reference.outputs}  # eager may show weights
        verdict = comparison.compare(reference, found, bench.case.dtype)
        if verdict.status is not Status.PASS and list(found) == list(reference.outputs):
            verdict = _counting(bench, reference, found)
        verdicts[name] = verdict
    details = {"claimed": claimed, "refused": refused, "calls": seen}
    wrong = {name: verdict for name, verdict in verdicts.items() if verdict.status is not Status.PASS}
    if wrong:
        name, verdict = next(iter(wrong.items()))
        return dataclasses.replace(
            verdict, message=f"{name}: {verdict.message}", details={**verdict.details, **details}
        )
    if not any(seen[name] for name in claimed if name in seen):
        return Verdict(status=Status.INAPPLICABLE, message=f"none of {', '.join(claimed)} was called", details=details)
    worst = max(verdicts.values(), key=lambda verdict: verdict.metrics["worst_relative"])
    return dataclasses.replace(worst, details={**worst.details, **details})


def _claims(module: torch.nn.Module) -> tuple[list[str], dict[str, list[str]]]:
    """The implementations that the class claims and every model within it has; of the others, who has them not."""
    from transformers import PreTrainedModel

    kinds = list(dict.fromkeys(type(part) for part in module.modules() if isinstance(part, PreTrainedModel)))
    claimed, refused = [], {}
    for name, flag in CLAIMS.items():
        if not getattr(type(module), flag, False):
            continue
        lacking = [kind.__name__ for kind in kinds if not getattr(kind, flag, False)]
        if lacking:
            refused[name] = lacking
        else:
            claimed.append(name)
    return claimed, refused


def _counting(bench: Bench, reference: Reference, found: Mapping[str, Tensor]) -> Verdict:
    """The verdict on places that no mask hides: a padded one that may attend to nothing is a mean of everything in one
    implementation and zero in another, and nobody reads it."""
    inputs = bench.inputs
    wide, narrow = rows.shown(reference.outputs, inputs), rows.shown(reference.outputs32, inputs)
    held = dataclasses.replace(reference, outputs=wide, outputs32=narrow)
    return comparison.compare(held, rows.shown(found, inputs), bench.case.dtype)


@contextlib.contextmanager
def _watching() -> Iterator[dict[str, int]]:
    """How often each implementation was called, while this lasts; torch.compile inside them stays eager."""
    import torch
    from torch.overrides import TorchFunctionMode
    from transformers.integrations import flex_attention

    counts: dict[str, int] = {}

    class Counting(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.nn.functional.scaled_dot_product_attention:
                counts["sdpa"] = counts.get("sdpa", 0) + 1
            return func(*args, **(kwargs or {}))

    honest = flex_attention.compile_friendly_flex_attention

    def counted(*given: Any, **named: Any) -> Any:
        counts["flex_attention"] = counts.get("flex_attention", 0) + 1
        return honest(*given, **named)

    flex_attention.compile_friendly_flex_attention = counted
    try:
        with Counting(), torch.compiler.set_stance("force_eager"):
            yield counts
    finally:
        flex_attention.compile_friendly_flex_attention = honest
