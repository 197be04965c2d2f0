"""Greedy generation, step by step, in any dtype on any device: the tokens, and the raw logits of every step.

A generation is compared with another one by its logits. They only mean the same while the tokens before them are the
same, so all but the first are forced to take its tokens: what a model would have chosen is what its logits say.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, float64
from archsweep.archs.inputs.facts import configurations
from archsweep.archs.shrink.fields import Meaning, meaning

if TYPE_CHECKING:
    import torch

STEPS = 10
_UNUSED = re.compile(r"model_kwargs` are not used by the model: \[([^\]]*)\]")
_REFUSING = re.compile(r"logits processors are not (compatible|supported)")
_STATED = ("decoder_", "encoder_", "labels")  # inputs of a pass that a generation makes itself, or none makes


class NoLogits(Exception):
    """The class's own way to generate gives no logits."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """`tokens` (rows, steps) that were taken, and the raw `logits` (rows, steps, vocabulary) that they came of."""

    tokens: torch.Tensor
    logits: torch.Tensor


def prompt(inputs: Mapping[str, Any], *, encoded: bool) -> dict[str, Any]:
    """What a generation starts from: the inputs of a pass, without a decoder's own.

    A text that is gone on with is padded in front, for its end is where the next token comes; one that is `encoded` by
    a part of its own stays as it is.
    """
    found = {name: value for name, value in inputs.items() if not name.startswith(_STATED)}
    mask, ids = found.get("attention_mask"), found.get("input_ids")
    if encoded or mask is None or ids is None or mask.shape != ids.shape:
        return found
    ends = [int(row.nonzero()[-1]) + 1 if bool(row.any()) else len(row) for row in mask]
    return {
        name: _rolled(value, [len(row) - end for row, end in zip(mask, ends, strict=True)])
        if getattr(value, "ndim", 0) >= 2 and value.shape[:2] == mask.shape
        else value
        for name, value in found.items()
    }


def _rolled(value: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
    import torch

    return torch.stack([row.roll(place, 0) for row, place in zip(value, places, strict=True)])


def single(row: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt of one row without the padding in front of it."""
    mask = row.get("attention_mask")
    if mask is None or "input_ids" not in row or mask.shape != row["input_ids"].shape:
        return dict(row)
    first = int(mask[0].nonzero()[0])
    return {
        name: value[:, first:] if getattr(value, "ndim", 0) >= 2 and value.shape[:2] == mask.shape else value
        for name, value in row.items()
    }


def greedy(
    module: Any, given: Mapping[str, Any], forced: torch.Tensor | None = None, *, cached: bool = True,
    steps: int = STEPS, repeating: bool = True,
) -> Generated:  # fmt: skip
    """Generate greedily, or along the tokens `forced` (rows, steps). Raises NoLogits, and what the model raises.

    Unless `repeating`, no token is taken that the text already has: random weights may give one for ever. Nor is one
    that the configuration names: an end would stop the text, and padding or an image's place is masked or replaced.
    """
    import torch

    if forced is not None:
        steps = forced.shape[1]
    settings: dict[str, Any] = {
        "max_new_tokens": steps, "do_sample": False, "num_beams": 1, "use_cache": cached,
        "return_dict_in_generate": True, "output_logits": True, "suppress_tokens": named_tokens(module) or None,
    }  # fmt: skip
    if not repeating:
        settings["no_repeat_ngram_size"] = 1
    if forced is not None:
        settings["logits_processor"] = [_Forcing(forced)]
    with torch.no_grad(), eager.preserved(module), eager.seeded(), told(module):
        made = _generated(module, eager.copied(dict(given)), settings)
    logits, sequences = getattr(made, "logits", None), getattr(made, "sequences", None)
    if not isinstance(logits, tuple | list) or sequences is None or len(logits) < steps:
        raise NoLogits(f"{type(module).__name__}.generate gives no logits of {steps} steps")
    if sequences.is_floating_point() or sequences.ndim != 2:
        raise NoLogits(f"{type(module).__name__}.generate gives no rows of tokens")
    tokens = sequences[:, -steps:]
    return Generated(tokens=tokens.detach().clone(), logits=torch.stack(list(logits[:steps]), 1).detach().clone())


def named_tokens(module: Any) -> list[int]:
    """The ids that the model's settings give a meaning: begin, end, padding, places of images and sound."""
    settings = (config for _, config in configurations(module.config))
    stated = [*settings, *([found] if (found := getattr(module, "generation_config", None)) else [])]
    return sorted(
        {
            item
            for one in stated
            for name, value in vars(one).items()
            if meaning(name) is Meaning.TOKEN
            for item in (value if isinstance(value, list | tuple) else [value])
            if isinstance(item, int) and item >= 0
        }
    )


def exactly(module: Any, given: Mapping[str, Any], *, repeating: bool = True) -> Generated:
    """The same in float64; raises one of float64.REFUSALS where the model refuses."""
    with float64.converted(module) as wide, float64.widened():
        return greedy(wide, float64.widen(dict(given)), repeating=repeating)


def _generated(module: Any, given: dict[str, Any], settings: Mapping[str, Any]) -> Any:
    """What generate gives; what it says that it does not use is left out.

    Raises NoLogits where it wants an argument of the class's own (random weights know no language and no speaker), or
    lets nobody say which tokens are taken.
    """
    try:
        return module.generate(**given, **settings)
    except ValueError as error:
        if _REFUSING.search(str(error)):
            raise NoLogits(f"{type(module).__name__}.generate takes no other choice of tokens: {error}") from error
        own = _own_arguments(type(module))
        if wanted := own & {*re.findall(r"\w+", str(error))}:
            told = f"{type(module).__name__}.generate wants {', '.join(sorted(wanted))}"
            raise NoLogits(f"{told}: {error}") from error
        unused = _UNUSED.search(str(error))
        names = re.findall(r"'(\w+)'", unused[1]) if unused else []
        if not any(name in given for name in names):
            raise
        return module.generate(**{name: value for name, value in given.items() if name not in names}, **settings)


def _own_arguments(kind: type[Any]) -> set[str]:
    """Names of arguments of a class's own `generate` that neither transformers' has nor a pass: no inputs of ours."""
    from transformers import GenerationMixin

    known = (*inspect.signature(GenerationMixin.generate).parameters, *inspect.signature(kind.forward).parameters)
    return {*inspect.signature(kind.generate).parameters} - {*known}


class _Forcing:
    """A logits processor that leaves one token to be chosen: the next one of `tokens` (rows, steps)."""

    def __init__(self, tokens: torch.Tensor) -> None:
        self._tokens, self._step = tokens, 0

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        chosen = self._tokens[:, self._step].to(scores.device)
        self._step += 1
        return torch.full_like(scores, -torch.inf).scatter(1, chosen[:, None], 0.0)


@contextlib.contextmanager
def told(module: Any, never: Sequence[int] = ()) -> Iterator[None]:
    """While this lasts, the model's own settings say which token begins and which one pads, force no end, and allow
    none of the tokens that are `never` to be generated."""
    before = getattr(module, "generation_config", None)
    if before is None:
        yield
        return
    settings, text = copy.deepcopy(before), module.config.get_text_config(decoder=True)
    settings.forced_eos_token_id = None
    if never and hasattr(settings, "suppress_tokens"):
        settings.suppress_tokens = [*(settings.suppress_tokens or ()), *never]
    if getattr(settings, "pad_token_id", 0) is None:
        settings.pad_token_id = _first(text, "pad_token_id")
    if getattr(settings, "decoder_start_token_id", 0) is None:
        settings.decoder_start_token_id = _first(text, "decoder_start_token_id", "bos_token_id", "pad_token_id")
    module.generation_config = settings
    try:
        yield
    finally:
        module.generation_config = before


def _first(config: Any, *names: str) -> int:
    """The first of these tokens that a configuration states; zero if it states none."""
    return next((value for name in names if isinstance(value := getattr(config, name, None), int)), 0)
