"""The rows of a batch: inputs taken apart, outputs put together again. Knows layouts by shapes, never a model.

What is packed (the patches of all images in one table, with a grid for each) is told by grids whose areas add up to
the table; everything else has a row, or an equal share, along its first axis.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CONTENT = ("ids", "values", "features", "embeds")  # how inputs are called that hold what is read
_STATED = re.compile(r"position|type")  # ... and what only says where or of which kind it is
_POINTING = re.compile(r"(^|_)(pooling|idx|indices|indexes)$")  # places in another input
_HIDING = re.compile(r"^(?!.*global).*(attention|padding|pixel|features|audio|observed)_mask$")


def count(inputs: Mapping[str, Any]) -> int:
    """Rows of the batch: the fewest along a first axis, of which every other one that is not packed is a multiple."""
    return min((len(value) for value in inputs.values() if _axes(value) and len(value)), default=0)


def apart(inputs: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Inputs of each row alone, in order; None where they cannot be told apart."""
    rows = count(inputs)
    if rows < 2 or any(isinstance(value, Mapping) for value in inputs.values()):
        return None
    found: list[dict[str, Any]] = [{} for _ in range(rows)]
    for name, value in inputs.items():
        shares = _shares(value, inputs, rows) if _axes(value) else [value] * rows
        if shares is None:
            return None
        for row, share in zip(found, shares, strict=True):
            row[name] = share
    for name, places in _pointing(inputs, rows).items():
        for number, row in enumerate(found):
            row[name] = _moved(row[name], -number * places // rows)
    return found


def _pointing(inputs: Mapping[str, Any], rows: int = 1) -> dict[str, int]:
    """Tables of places in the images of all rows, counted in one line, and how many places that has; under 0 is none.

    Told by their names, and by each row's share lying within its own part of that line.
    """
    found = {}
    for name, value in inputs.items():
        if not _POINTING.search(name) or _axes(value) != 2 or value.is_floating_point() or len(value) % rows:
            continue
        for other in inputs.values():
            if _axes(other) < 2 or not other.is_floating_point() or len(other) % rows:
                continue
            places = math.prod(other.shape[:-1])
            parts = value.chunk(rows)
            own = [_moved(part, -row * places // rows) for row, part in enumerate(parts)]
            least = all(bool((share[part >= 0] >= 0).all()) for share, part in zip(own, parts, strict=True))
            if least and all(int(share.max()) < places // rows for share in own):
                found[name] = places
                break
    return found


def _moved(places: torch.Tensor, by: int) -> torch.Tensor:
    return places.where(places < 0, places + by)


def _axes(value: Any) -> int:
    return int(getattr(value, "ndim", 0))


def _shares(value: torch.Tensor, inputs: Mapping[str, Any], rows: int) -> Sequence[torch.Tensor] | None:
    packed = next((sizes for sizes in _grids(inputs, rows) if sum(sizes) == len(value) > rows), None)
    parts: Sequence[torch.Tensor] = value.split(packed) if packed else value.chunk(rows)
    return parts if packed or len(value) % rows == 0 else None


def _grids(inputs: Mapping[str, Any], rows: int) -> list[list[int]]:
    """For each input that gives sizes (t, h, w) or (h, w) of an equal number of images a row: places of each row."""
    found = []
    for name, value in inputs.items():
        if "grid" in name and _axes(value) == 2 and value.shape[1] in (2, 3) and len(value) % rows == 0:
            areas = [math.prod(size) for size in value.tolist()]
            each = len(areas) // rows
            for given in (each, each - 1) if each > 1 else (each,):  # the last image of a row may be one to be made
                found.append([sum(areas[row * each : row * each + given]) for row in range(rows)])
    return found


def repeated(row: Mapping[str, Any], count: int) -> dict[str, Any]:
    """A batch of one row, `count` times over."""
    import torch

    found = {name: torch.cat([value] * count) if _axes(value) else value for name, value in row.items()}
    for name, places in _pointing(row).items():
        found[name] = torch.cat([_moved(row[name], number * places) for number in range(count)])
    return found


def together(alone: Sequence[torch.Tensor], whole: torch.Tensor) -> torch.Tensor | None:
    """One output of each row alone, joined along the axis on which `whole`, that of the batch, has them all.

    Row after row, or where each has as many (frames of a video, one after another for all rows), place after place: of
    the two the one that is nearer. None where there is no such axis: the output is not of rows.
    """
    import torch

    if any(item.ndim != whole.ndim for item in alone):
        return None
    for axis in range(whole.ndim):
        others = [item.shape[:axis] + item.shape[axis + 1 :] for item in (*alone, whole)]
        sizes = [item.shape[axis] for item in alone]
        if len(set(others)) == 1 and len(sizes) > 1 and sum(sizes) == whole.shape[axis]:
            joined = [torch.cat(list(alone), axis)]
            if len(set(sizes)) == 1 and sizes[0] > 1 and axis == 0:
                joined.append(torch.stack(list(alone), 1).flatten(0, 1))
            return min(joined, key=lambda found: _apart(found, whole))
    return None


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.double() - other.double()).square().sum())


def shared(padded: torch.Tensor, cut: torch.Tensor, length: int, *, front: bool = False) -> torch.Tensor | None:
    """What of `padded` stands where `cut`, of inputs without their padding, goes on; None if they differ otherwise.

    They differ along one axis. Where it is longer than the inputs' `length`, something follows the text, patches of
    an image for instance, or comes before it: of the two layouts the one that is nearer. `front`: where the padding
    was.
    """
    import torch

    if padded.ndim != cut.ndim:
        return None
    unequal = [axis for axis in range(cut.ndim) if padded.shape[axis] != cut.shape[axis]]
    if not unequal:
        return padded
    (axis, *others), whole, kept = unequal, padded.shape[unequal[0]], cut.shape[unequal[0]]
    if others or whole < kept:
        return None
    plain, text, more = padded.narrow(axis, whole - kept if front else 0, kept), length - (whole - kept), whole - length
    if more <= 0 or text <= 0:
        return plain
    if front:
        around = torch.cat([padded.narrow(axis, 0, more), padded.narrow(axis, whole - text, text)], axis)
    else:
        around = torch.cat([padded.narrow(axis, 0, text), padded.narrow(axis, length, more)], axis)
    return min((plain, around), key=lambda part: _apart(part, cut))


def shown(outputs: Mapping[str, torch.Tensor], inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The outputs without the places that a mask hides, where they have an axis of such places.

    Sound comes out in fewer frames than went in: a frame counts if all of its share of the mask shows, and the next.
    """
    masks = [(inputs[name].bool().cpu(), inputs[hidden].is_floating_point()) for name, hidden in masked(inputs)]
    return {path: _shown(value, masks) for path, value in outputs.items()}


def _shown(value: torch.Tensor, masks: Sequence[tuple[torch.Tensor, bool]]) -> torch.Tensor:
    import torch

    for mask, sound in masks:
        if value.ndim < 2 or len(value) != len(mask):
            continue
        frames, length = value.shape[1], mask.shape[1]
        if frames % length == 0:  # some places for each: a return, a state and an action of a step
            return value[mask.repeat_interleave(frames // length, dim=1)]
        if sound and value.ndim == 3 and 4 <= frames < length:
            ends = ((torch.arange(frames) + 2) * length / frames).ceil().long().clamp(max=length) - 1
            return value[mask[:, ends]]
    return value


def masked(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(mask, what it hides) for each mask (B, L) with zeros that has an input (B, L) or (B, L, D) on its side of the
    model: by its name, else each that is of real numbers."""
    found = []
    for name, mask in inputs.items():
        if not _HIDING.search(name) or _axes(mask) != 2 or bool(mask.bool().all()):
            continue
        beside = [
            other
            for other, value in inputs.items()
            if _axes(value) in (2, 3) and value.shape[:2] == mask.shape and _decodes(name) is _decodes(other)
        ]
        named = [other for other in beside if other.endswith(CONTENT) and not _STATED.search(other)]
        real = [other for other in beside if inputs[other].is_floating_point()]
        found += [(name, other) for other in named or real]
    return found


def _decodes(name: str) -> bool:
    return name.startswith("decoder_")


def silenced(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs with zeros where a mask hides numbers that are read."""
    found = dict(inputs)
    for name, hidden in masked(inputs):
        value = found[hidden]
        if value.is_floating_point():
            shown = inputs[name].bool()
            found[hidden] = value * shown.reshape(*shown.shape, *[1] * (value.ndim - 2))
    return found


def fronted(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with the padding of their texts in front of them instead of behind.

    What a decoder has beside an encoder is made from labels, and stays.
    """
    found = dict(inputs)
    for name, hidden in masked(inputs):
        if inputs[hidden].is_floating_point() or _decodes(name):
            continue
        mask = inputs[name].bool()
        ends = [int(row.nonzero()[-1]) + 1 if bool(row.any()) else len(row) for row in mask]
        places = [len(row) - end for row, end in zip(mask, ends, strict=True)]
        for beside, value in inputs.items():
            if _axes(value) >= 2 and value.shape[:2] == mask.shape and not _decodes(beside):
                found[beside] = _rolled(value, places)
    return found


def _rolled(value: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
    import torch

    return torch.stack([row.roll(place, 0) for row, place in zip(value, places, strict=True)])


def trimmed(row: Mapping[str, Any], mask: str) -> tuple[dict[str, Any], bool] | None:
    """The inputs of one row, cut to the places that the mask shows, and whether these are the last ones; None unless
    these are the first or the last."""
    shown = row[mask].bool()
    length, kept = shown.shape[1], int(shown.sum())
    if len(shown) != 1 or not kept:
        return None
    front = not bool(shown[0, :kept].all())
    if front and not bool(shown[0, -kept:].all()):
        return None
    side, first = _decodes(mask), length - kept if front else 0
    cut = {
        name: value[:, first : first + kept]
        if _axes(value) >= 2 and value.shape[1] == length and _decodes(name) is side
        else value
        for name, value in row.items()
    }
    return cut, front
