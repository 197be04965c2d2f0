"""What only a trial tells of a processor: how it is to be set to write the placeholders that a tiny model looks for.

A processor writes placeholders into a text for each image, and the model has features of that image to put there. How
many, and under which number, follows from settings that a checkpoint brings and no configuration states. So a
processor is tried on the model: where both numbers differ, the model says what they are, and one setting at a time is
changed by what they tell, until the model has a place for each feature. Where none does, the first settings stay, and
the check shows the disagreement as it is. Knows no architecture.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from archsweep.archs import eager, generation
from archsweep.archs.raw import material

_COUNTED = re.compile(r"tokens:? (\d+),? features:? (\d+)")
_OPENS, _CLOSES = re.compile(r"start|begin|bo[si]_"), re.compile(r"end|eo[si]_")
MOST = 60  # trials
RAISED = (*eager.RAISED, ArithmeticError)  # by a processor with an unlikely setting, too


@dataclass(frozen=True, kw_only=True)
class Met:
    """How a processor and a model met. `ids`: that were written; `tokens` and `features`: how many the model counted,
    -1 where it said nothing of them; `refused`: by the processor itself; `runs`: and nothing was raised."""

    ids: tuple[int, ...] = ()
    tokens: int = -1
    features: int = -1
    refused: bool = False
    runs: bool = False

    def settles(self, first: Met) -> bool:
        """Whether the model has no more to say against this, as it had against the first."""
        return self.runs or (not self.refused and self.tokens < 0 <= first.tokens)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A processor, and what a text has where an image belongs."""

    processor: Any
    text: str


@dataclass(frozen=True, kw_only=True)
class Handle:
    """A whole number that a processor is set by, and how to make the processor with another."""

    value: int
    remade: Callable[[int], Any]


def met(made: Made, model: Any, pictures: Any) -> Met:
    """One trial: a text with an image through the processor, and one token generated from what comes of it. What is
    raised for other reasons is no matter here: the check does all this again and shows it."""
    import torch

    try:
        encoded = made.processor(images=pictures, text=f"{made.text}{material.text(0)}", return_tensors="pt").to(
            dtype=model.dtype
        )
        ids = tuple(encoded["input_ids"][0].tolist())
    except RAISED:
        return Met(refused=True)
    with torch.no_grad(), eager.preserved(model), eager.seeded(), generation.told(model):
        try:
            model.generate(**encoded, max_new_tokens=1, do_sample=False)
        except RAISED as error:
            counted = _COUNTED.search(str(error))
            if counted:
                return Met(ids=ids, tokens=int(counted.group(1)), features=int(counted.group(2)))
            return Met(ids=ids)
    return Met(ids=ids, runs=True)


def settled(made: Made, model: Any, build: Callable[..., Any], places: int, pictures: Any) -> Made:
    """`made`, or the first other that agrees with the model.

    `build`: makes the processor with another text for the model's placeholder, other options of its own, and names for
    the tokenizer's tokens or none; `places`: how many features of one image the model is known to have; `pictures`:
    what the processor is given.
    """
    first = met(made, model, pictures)
    if first.runs:
        return made
    if first.refused or first.tokens <= 0:
        for other in _otherwise(made, build, places, first.refused):
            found = met(other, model, pictures)
            if found.settles(first):
                return other
            if first.refused and not found.refused:
                made, first = other, found
    if first.refused or first.tokens < 0:
        return made
    start, placeholder = made, _mostly(made, first)
    if placeholder:
        other = Made(processor=build(placeholder=placeholder), text=start.text)
        found = met(other, model, pictures)
        if found.settles(first):
            return other
        made, first = (other, found) if found.tokens > first.tokens else (made, first)
        placeholder = placeholder if made is other else ""
    return _turned(made, first, model, pictures, functools.partial(build, placeholder=placeholder)) or start


def _turned(made: Made, first: Met, model: Any, pictures: Any, build: Callable[..., Any]) -> Made | None:
    """The first with one whole number changed that agrees; None where there is none."""
    trials = 0
    for handle in _handles(made.processor, build):
        for value in others(handle.value, first.tokens, first.features):
            trials += 1
            if trials > MOST:
                return None
            with contextlib.suppress(*RAISED):  # a class may take no such value
                other = Made(processor=handle.remade(value), text=made.text)
                if met(other, model, pictures).settles(first):
                    return other
        handle.remade(handle.value)
    return None


def _otherwise(made: Made, build: Callable[..., Any], places: int, refused: bool) -> Iterator[Made]:
    """The processor with other texts, and, where it took none, one whose tokenizer leaves it to bring its tokens."""
    yield from (Made(processor=made.processor, text=text) for text in _texts(made, places))
    if refused:
        with contextlib.suppress(*RAISED):  # most classes read names off their tokenizer
            bare = build(named=False)
            yield from (Made(processor=bare, text=text) for text in ("", made.text))


def others(value: int, tokens: int, features: int) -> list[int]:
    """What a setting may have to be in the place of `value`, where `tokens` were written for `features`: the numbers
    differ by what it adds, or they go with it, with its square, or with one over its square."""
    found = [value + features - tokens]
    if tokens > 0:
        ratio = features / tokens
        found += [round(value * ratio), round(value * math.sqrt(ratio)), round(value / math.sqrt(ratio))]
    return [item for item in dict.fromkeys(found) if item > 0 and item != value]


def _texts(made: Made, places: int) -> Iterator[str]:
    """Other texts for the place of an image: none, where the processor writes it itself; the token between two that
    open and close; another of the processor's tokens; and as many as there are features, where it writes none."""
    processor = made.processor
    tokens = {
        name: value for name, value in vars(processor).items() if name.endswith("_token") and isinstance(value, str)
    }
    yield ""
    for opening in (value for name, value in tokens.items() if _OPENS.search(name)):
        for closing in (value for name, value in tokens.items() if _CLOSES.search(name)):
            yield f"{opening}{made.text}{closing}"
    yield from (value for value in tokens.values() if value != made.text)
    own = getattr(processor.tokenizer, "image_token", None)
    if own and places:
        yield own * places


def _mostly(made: Made, first: Met) -> str:
    """The text of the token that was written more often than the one that the model looks for; empty for none."""
    tokenizer = made.processor.tokenizer
    most = max(set(first.ids), key=first.ids.count)
    plain = most not in tokenizer.added_tokens_decoder
    return "" if first.ids.count(most) <= first.tokens or plain else str(tokenizer.convert_ids_to_tokens(most))


def _handles(processor: Any, build: Callable[..., Any]) -> Iterator[Handle]:
    """The whole numbers that a processor is made with, those of its image processor, and those it is called with."""
    for name, item in inspect.signature(type(processor).__init__).parameters.items():
        value = getattr(processor, name, item.default)
        if type(value) is int:

            def optioned(new: int, name: str = name) -> Any:
                return build(other={name: new})

            yield Handle(value=value, remade=optioned)
    part = getattr(processor, "image_processor", None) or processor.video_processor
    own = {name for name in dir(type(part)) if type(getattr(type(part), name)) is int}
    for name in sorted({*own, *vars(part)}):
        value = getattr(part, name)
        if type(value) is int and not name.startswith("_"):

            def remade(new: int, name: str = name) -> Any:
                setattr(part, name, new)
                return build()

            yield Handle(value=value, remade=remade)
    for name, item in inspect.signature(getattr(processor, "_process_images", list)).parameters.items():
        if type(item.default) is int:

            def called(new: int, name: str = name) -> Any:
                processor.images_kwargs = {**processor.images_kwargs, name: new}
                return processor

            yield Handle(value=item.default, remade=called)
