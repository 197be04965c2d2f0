"""An image processor tried on the tiny model, with images of other sizes where the model takes none of the first.

Many classes keep an image's shape, and many models take one shape alone: checkpoints then come with settings that fit,
which no configuration states. Where no other size does better, the first stays, and the check shows what is raised.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archsweep.archs import eager
from archsweep.archs.raw import image, material

RAISED = (*eager.RAISED, ArithmeticError)


def fitting(made: Any, model: Any, shapes: Mapping[str, Sequence[int]]) -> Any:
    """`made`, or the first with other sizes whose images the model takes; `shapes`: of inputs that it takes.

    Where the model wants more than an image processor makes, no size could do, and a trial may take any memory.
    """
    if not _suffices(made, model, shapes) or taken(made, model):
        return made
    for changes in _others(made.to_dict().get("size"), image.side([model.config], shapes)):
        with contextlib.suppress(*RAISED):  # a class may know no such size
            other = type(made).from_dict(made.to_dict(), **changes)
            if taken(other, model):
                return other
    return made


def taken(made: Any, model: Any) -> bool:
    """Whether the model runs on what is made of a raw image, without more."""
    try:
        eager.run(model, _encoded(made, model))
    except RAISED:
        return False
    return True


def _encoded(made: Any, model: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = made(material.image(0, getattr(model.config, "num_channels", 3)), return_tensors="pt")
    return found


def _suffices(made: Any, model: Any, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Whether all that the model is known to take, but for masks, is made of an image."""
    try:
        encoded = _encoded(made, model)
    except RAISED:  # other sizes may do better
        return True
    return all(name in encoded or "mask" in name for name in shapes)


def _others(size: Any, side: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Filled up; the very shape that the model is known to take; a square; and all twice as large."""
    height, width = side
    yield {"do_pad": True}
    yield {"size": {"height": height, "width": width}}
    yield {"size": {"height": max(side), "width": max(side)}}
    if isinstance(size, Mapping):
        yield {"size": {name: 2 * edge for name, edge in size.items() if edge is not None}}
