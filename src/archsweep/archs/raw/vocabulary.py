"""Which token has which number in a tiny vocabulary. Pure: knows neither tokenizers nor models."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archsweep.archs.processed import TEXTS

NAMED = ("eos_token", "pad_token", "cls_token", "sep_token", "mask_token", "bos_token", "unk_token")
FORMS = ("_token_id", "_token_index", "_patch_id")  # how configurations name the number of a token
CORPUS = tuple(text for texts in TEXTS for text in texts)
SIGNS = "0 1 2 3 4 5 6 7 8 9 . , : ; ! ? - _ ' \" ( ) [ ] < > / |\n"  # what processors put between words


def corpus() -> list[str]:
    """What a tiny vocabulary is learnt from: every raw text that a pipeline is given is made of its words."""
    words = sorted({word for text in CORPUS for word in text.split()})
    return [*CORPUS, *(text.lower() for text in CORPUS), " ".join(words), " ".join(words).upper(), SIGNS]


def stated(configs: Iterable[Any], size: int) -> dict[str, int]:
    """The numbers below `size` that configurations state for tokens, by the token's name; the first one counts."""
    found: dict[str, int] = {}
    for config in configs:
        for field, value in config.to_dict().items():
            form = next((form for form in FORMS if field.endswith(form)), None)
            first = next(iter(value), None) if isinstance(value, list | tuple) else value
            if form and type(first) is int and 0 <= first < size:
                found.setdefault(f"{field.removesuffix(form)}_token", first)
    return found


def placed(texts: Mapping[str, str], numbers: Mapping[str, int]) -> tuple[dict[str, str], dict[str, int]]:
    """(text by name, number by text) of special tokens, so that both sides' facts hold.

    `texts`: what a tokenizer writes for them; `numbers`: what the model's configuration expects. Two names of one
    number get one text, and two numbers of one text get two.
    """
    named: dict[str, str] = {}
    fixed: dict[str, int] = {}
    owners: dict[int, str] = {}
    for name in (*NAMED, *(name for name in texts if name not in NAMED)):
        if name not in texts:
            continue
        text, number = texts[name], numbers.get(name)
        if number is not None and number in owners:
            text = owners[number]
        elif number is not None:
            text = f"<{name.removesuffix('_token')}>" if text in fixed else text
            fixed[text], owners[number] = number, text
        named[name] = text
    return named, fixed


def laid(size: int, fixed: Mapping[str, int], pieces: Sequence[str], others: Sequence[str] = ()) -> list[str]:
    """`size` tokens by number: the `fixed` in their places, then `others`, `pieces`, and fillers."""
    places: dict[int, str] = {number: text for text, number in fixed.items()}
    fillers = (f"<unused{number}>" for number in itertools.count())
    rest = itertools.chain((text for text in dict.fromkeys((*others, *pieces)) if text not in fixed), fillers)
    return [places[number] if number in places else next(rest) for number in range(size)]
