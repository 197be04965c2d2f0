"""What a generation starts from: the inputs of a pass as the class's own `generate` wants them. Generates nothing.

A decoder goes on with a text, so padding stands in front of it; what an encoder reads is padded behind. What `generate`
wants beyond a pass is read from its signature and from what it says when it refuses.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, rows
from archsweep.archs import inputs as archs_inputs
from archsweep.archs.inputs import audio, facts, image, placeholders
from archsweep.contract import Subject

if TYPE_CHECKING:
    import torch

_STATED = ("decoder_", "encoder_", "labels")  # inputs of a pass that a generation makes itself, or none makes
_ENDING = re.compile(r"[Pp]rompts? must end with[^`]*`(\w+)`")
_TAKEN = re.compile(r"""kwargs(?:\.get\(|\.pop\(|\[)["'](\w+)["']""")
_SETTING = re.compile(r"""generation_config\.(\w+)|hasattr\(generation_config, ["'](\w+)["']""")
_SPECIFIED = re.compile(r"must be (specified|given|provided|passed)")
_FULL = re.compile(r"Input length of \w+ is (\d+), but `max_length` is set to (\d+)")


def prompt(inputs: Mapping[str, Any], *, encoded: bool) -> dict[str, Any]:
    """What a generation starts from: the inputs of a pass, without a decoder's own.

    A text that is gone on with is padded in front, for its end is where the next token comes; one that is `encoded` by
    a part of its own stays as it is. Tokens of several codebooks a row are shifted against one another on their way,
    which leaves no place for padding: they are cut to where every row has some.
    """
    found = {name: value for name, value in inputs.items() if not name.startswith(_STATED)}
    mask, ids = found.get("attention_mask"), found.get("input_ids")
    if encoded or mask is None or ids is None:
        return found
    if _of_codebooks(mask, ids):
        kept = int(mask.bool().all(0).sum())
        return {**found, "attention_mask": mask[:, :kept], "input_ids": ids[:, :kept]}
    return rows.fronted(found)


def _of_codebooks(mask: torch.Tensor, ids: torch.Tensor) -> bool:
    """Whether several rows of ids share one row of the mask."""
    alike = mask.ndim == ids.ndim == 2 and mask.shape[1] == ids.shape[1]
    return alike and len(ids) > len(mask) and len(ids) % len(mask) == 0


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


def encodes(model: Any) -> bool:
    """Whether an encoder reads the text of the prompt, so that it is not the prompt that is gone on with."""
    if model.config.is_encoder_decoder:
        return True
    encoder = model.get_encoder()
    return encoder is not model and "input_ids" in facts.signature(type(encoder))


def wanted(kind: Any, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Inputs that a class's own `generate` does not do without and that are not given: those of a pass that it has no
    default for, and sounds and images that it takes out of its keyword arguments."""
    required = (
        name
        for name, item in inspect.signature(kind.generate).parameters.items()
        if item.default is inspect.Parameter.empty
        and item.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        and name in facts.signature(kind)
    )
    known = {name for names in archs_inputs.MODALITIES.values() for name in names}
    taken = (name for name in _TAKEN.findall(_source(kind)) if name in known and name not in facts.signature(kind))
    return tuple(name for name in dict.fromkeys((*required, *taken)) if name not in given)


def settings(model: Any) -> set[str]:
    """What a class's own `generate` reads off a generation configuration that the model's does not state: the file of a
    checkpoint has it."""
    found = {name for names in _SETTING.findall(_source(type(model))) for name in names if name}
    return {name for name in found if not hasattr(model.generation_config, name)}


def _source(kind: Any) -> str:
    """The code of a class's own `generate`; nothing where it is that of all."""
    from transformers import GenerationMixin

    own = inspect.unwrap(kind.generate)
    return "" if own is inspect.unwrap(GenerationMixin.generate) else inspect.getsource(own)


def redrawn(subject: Subject, model: Any, recipe: Mapping[str, Any], names: Sequence[str], room: int) -> dict[str, Any]:
    """The inputs that a recipe gives, with these besides.

    One that no pass takes stands in the place of ids with an axis of codebooks, for these are what becomes of it: a
    sound that lasts for `room` frames and more.
    """
    kind, hints = type(model), {**recipe["hints"], "also": [*recipe["hints"].get("also", ()), *names]}
    made = archs_inputs.draw(subject, kind, model.config, hints, recipe["seed"])
    foreign = [name for name in names if name not in made]
    if not foreign:
        return made
    own = {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in foreign}
    known = facts.Facts(subject, kind, model, model.config, own, hints, recipe["seed"])
    frame = known.find("frame_size")
    if isinstance(frame, int):
        hints["samples"] = 2 * room * frame
    parts = {**image.image_inputs(known), **audio.audio_inputs(known)}
    if getattr(made.get("input_ids"), "ndim", 0) == 3:
        made = {name: value for name, value in made.items() if name not in ("input_ids", "attention_mask")}
    return {**made, **{name: parts[name] for name in foreign if name in parts}}


def expanded(subject: Subject, model: Any, made: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt with as many placeholders as the model makes of the only one that a row has.

    A class may take one for a whole sound, and put all its features there in the pass: logits of more places come out
    than ids went in. A generation would count the places of the ids.
    """
    ids, parts = made.get("input_ids"), rows.apart(made)
    if ids is None or ids.ndim != 2 or parts is None:
        return dict(made)
    known = facts.Facts(subject, type(model), model, model.config, facts.signature(type(model)))
    tokens = {placeholders.token_of(known, kind) for kind in placeholders.KINDS} - {None}
    alone = [single(row) for row in parts]
    places = [[at for at, token in enumerate(row["input_ids"][0].tolist()) if token in tokens] for row in alone]
    if any(len(found) != 1 for found in places):
        return dict(made)
    more = [_longer(model, row) for row in alone]
    if not any(more):
        return dict(made)
    return _lengthened(made, [at for (at,) in places], more)


def _longer(model: Any, row: Mapping[str, Any]) -> int:
    """By how many places the logits of one row are longer than its ids."""
    found = eager.run(model, row).get("logits")
    return max(0, found.shape[1] - row["input_ids"].shape[1]) if found is not None and found.ndim == 3 else 0


def _lengthened(made: Mapping[str, Any], places: Sequence[int], more: Sequence[int]) -> dict[str, Any]:
    """The prompt with `more` times the token at a row's place, counted from its first real one, padded in front."""
    import torch

    ids = made["input_ids"]
    mask = made.get("attention_mask", torch.ones_like(ids))
    starts = [int(row.nonzero()[0]) for row in mask]
    longest = max(ids.shape[1] - start + extra for start, extra in zip(starts, more, strict=True))
    found = dict(made)
    for name, value in made.items():
        if getattr(value, "ndim", 0) == 2 and value.shape == ids.shape:
            filler = value[int(mask.sum(1).argmin()), 0]
            parts = []
            for row, start, at, extra in zip(value, starts, places, more, strict=True):
                kept = row[start:]
                kept = torch.cat([kept[:at], kept[at : at + 1].repeat(extra + 1), kept[at + 1 :]])
                parts.append(torch.cat([filler.repeat(longest - len(kept)), kept]))
            found[name] = torch.stack(parts)
    return found


def missed(kind: Any, given: Mapping[str, Any], error: Exception) -> tuple[str, ...]:
    """Inputs of a pass that are not given and that a refusal names: a key that a step looks for, or what must be
    specified."""
    if not isinstance(error, KeyError) and not _SPECIFIED.search(str(error)):
        return ()
    named = {*re.findall(r"\w+", str(error))}
    return tuple(name for name in facts.signature(kind) if name in named and name not in given)


def taught(model: Any, made: Mapping[str, Any], message: str, room: int) -> dict[str, Any] | None:
    """The prompt as `generate` wants it that refused with this message; None where it teaches nothing.

    A token that the configuration names closes every prompt; a text that is as long as it may become gives up all but
    its end, so that `room` more tokens have a place.
    """
    ids = made.get("input_ids")
    if ids is None or ids.ndim != 2:
        return None
    if (named := _ENDING.search(message)) and isinstance(token := getattr(model.config, named[1], None), int):
        closed = ids.clone()
        closed[:, -1] = token
        return None if bool((closed == ids).all()) else {**made, "input_ids": closed}
    if (full := _FULL.search(message)) and int(full[1]) == ids.shape[1]:
        kept = int(full[2]) - room
        return _cut(made, kept) if 0 < kept < ids.shape[1] else None
    return None


def _cut(made: Mapping[str, Any], kept: int) -> dict[str, Any]:
    shape = made["input_ids"].shape
    return {
        name: value[:, -kept:] if getattr(value, "ndim", 0) >= 2 and value.shape[:2] == shape else value
        for name, value in made.items()
    }
