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

from archsweep.archs import eager, float64, prompts
from archsweep.archs.inputs.facts import configurations
from archsweep.archs.shrink.fields import Meaning, meaning

if TYPE_CHECKING:
    import torch

STEPS = 10
_UNUSED = re.compile(r"model_kwargs` are not used by the model: \[([^\]]*)\]")
_REFUSING = re.compile(r"logits processors are not (compatible|supported)")


class NoLogits(Exception):
    """The class's own way to generate gives no logits."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """`tokens` (rows, steps) that were taken, and the raw `logits` (rows, steps, vocabulary) that they came of.

    Of several codebooks each has a row, if the class takes them so.
    """

    tokens: torch.Tensor
    logits: torch.Tensor


def greedy(
    module: Any, given: Mapping[str, Any], forced: torch.Tensor | None = None, *, cached: bool = True,
    steps: int = STEPS, repeating: bool = True, seed: int = eager.SEED,
) -> Generated:  # fmt: skip
    """Generate greedily, or along the tokens `forced` (rows, steps). Raises NoLogits, and what the model raises.

    Unless `repeating`, no token is taken that the text already has: random weights may give one for ever. Nor is one
    that the configuration names: an end would stop the text, and padding or an image's place is masked or replaced.
    """
    import torch
    from transformers import LogitsProcessorList

    if forced is not None:
        steps = forced.shape[1]
    settings: dict[str, Any] = {
        "max_new_tokens": steps, "do_sample": False, "num_beams": 1, "use_cache": cached,
        "return_dict_in_generate": True, "output_logits": True, "suppress_tokens": named_tokens(module) or None,
    }  # fmt: skip
    if not repeating:
        settings["no_repeat_ngram_size"] = 1
    taking = _Taking(forced)
    settings["logits_processor"] = LogitsProcessorList([taking])
    with torch.no_grad(), eager.preserved(module), eager.seeded(), told(module), drawn_alike(module, seed):
        made = _generated(module, eager.copied(dict(given)), settings)
    logits = getattr(made, "logits", None)
    if not isinstance(logits, tuple | list) or len(logits) < steps:
        raise NoLogits(f"{type(module).__name__}.generate gives no logits of {steps} steps")
    tokens = taking.tokens() if len(taking.taken) == steps else _written(module, made, steps)
    return Generated(tokens=tokens.detach().clone(), logits=torch.stack(list(logits[:steps]), 1).detach().clone())


def random(module: Any, given: Mapping[str, Any]) -> bool:
    """Whether other random numbers give other logits: some draw numbers that change nothing."""
    one, other = (greedy(module, given, seed=number).logits for number in (eager.SEED, eager.SEED + 1))
    return not bool((one == other).all())


def _written(module: Any, made: Any, steps: int) -> torch.Tensor:
    """The tokens that a generation gives out: those of a class that asks no processor, whatever was to be taken."""
    sequences = getattr(made, "sequences", None)
    if sequences is None or sequences.is_floating_point() or sequences.ndim != 2:
        raise NoLogits(f"{type(module).__name__}.generate gives no rows of tokens")
    found: torch.Tensor = sequences[:, -steps:]
    return found


def agreed(tokens: torch.Tensor, wanted: torch.Tensor) -> int:
    """Steps up to the first in which some row chose otherwise, that one included: its logits are still of one text."""
    other = (tokens != wanted).any(0).nonzero()
    return int(other[0]) + 1 if len(other) else wanted.shape[1]


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

    Raises NoLogits where it wants an argument of the class's own or a setting that only a checkpoint's file has (random
    weights know no language and no speaker), or lets nobody say which tokens are taken.
    """
    try:
        return module.generate(**given, **settings)
    except ValueError as error:
        if _REFUSING.search(str(error)):
            raise NoLogits(f"{type(module).__name__}.generate takes no other choice of tokens: {error}") from error
        if told := wants(module, error):
            raise NoLogits(told) from error
        unused = _UNUSED.search(str(error))
        names = re.findall(r"'(\w+)'", unused[1]) if unused else []
        asked = {**given, **settings}
        if not any(name in asked for name in names):
            raise
        return module.generate(**{name: value for name, value in asked.items() if name not in names})


def wants(module: Any, error: Exception) -> str:
    """What of its own a class's `generate` wants by its refusal: an argument, or a setting that only a checkpoint has;
    empty where it wants neither."""
    own = _own_arguments(type(module)) | prompts.settings(module)
    wanted = own & {*re.findall(r"\w+", str(error))}
    return f"{type(module).__name__}.generate wants {', '.join(sorted(wanted))}: {error}" if wanted else ""


def _own_arguments(kind: type[Any]) -> set[str]:
    """Names of arguments of a class's own `generate` that neither transformers' has nor a pass: no inputs of ours."""
    from transformers import GenerationMixin

    known = (*inspect.signature(GenerationMixin.generate).parameters, *inspect.signature(kind.forward).parameters)
    return {*inspect.signature(kind.generate).parameters} - {*known}


class _Taking:
    """A logits processor that keeps which tokens are taken: the best, or the next of `forced` (rows, steps)."""

    def __init__(self, forced: torch.Tensor | None) -> None:
        self._forced = forced
        self.taken: list[torch.Tensor] = []

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        step = len(self.taken)
        if self._forced is None:
            self.taken.append(scores.argmax(-1))
            return scores
        chosen = self._forced[:, step].to(scores.device)
        self.taken.append(chosen)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen[:, None], 0.0)

    def tokens(self) -> torch.Tensor:
        import torch

        return torch.stack(self.taken, 1)


@contextlib.contextmanager
def drawn_alike(module: Any, seed: int) -> Iterator[None]:
    """While this lasts, every pass of the model draws the same random numbers: without a cache the first text is read
    again in each step, and what is drawn for it must not change."""
    handle = module.register_forward_pre_hook(lambda *_: eager.seed(seed))
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def told(module: Any, never: Sequence[int] = ()) -> Iterator[None]:
    """While this lasts, the model's own settings say which token begins and which one pads, force no end, and allow
    none of the tokens that are `never` to be generated.

    What generates within the model, in every step a few tokens of its own, keeps a cache for these, as it does unless
    somebody tells it otherwise.
    """
    before = getattr(module, "generation_config", None)
    if before is None:
        yield
        return
    inner = [held for part in module.modules() if (held := getattr(part, "generation_config", None)) is not None]
    caching = [(held, held.use_cache) for held in inner if held is not before]
    settings, text = copy.deepcopy(before), module.config.get_text_config(decoder=True)
    settings.forced_eos_token_id = None
    if never and hasattr(settings, "suppress_tokens"):
        settings.suppress_tokens = [*(settings.suppress_tokens or ()), *never]
    if getattr(settings, "pad_token_id", 0) is None:
        settings.pad_token_id = _first(text, "pad_token_id")
    if getattr(settings, "decoder_start_token_id", 0) is None:
        settings.decoder_start_token_id = _first(text, "decoder_start_token_id", "bos_token_id", "pad_token_id")
    module.generation_config = settings
    for held, _ in caching:
        held.use_cache = True
    try:
        yield
    finally:
        module.generation_config = before
        for held, kept in caching:
            held.use_cache = kept


def _first(config: Any, *names: str) -> int:
    """The first of these tokens that a configuration states; zero if it states none."""
    return next((value for name in names if isinstance(value := getattr(config, name, None), int)), 0)
