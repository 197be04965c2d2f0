"""On which side the texts of a model type are padded: as the class of its tokenizer does, where it has one."""

from __future__ import annotations

import contextlib

from archsweep.archs.raw.components import kind_of

FRONT = "left"


def in_front(model_type: str) -> bool:
    """Whether a batch of texts of this model type has its padding before them; a tokenizer whose packages are not here
    says nothing, and most pad behind."""
    with contextlib.suppress(ImportError):
        kind = kind_of("tokenizer", model_type, needed=False)
        return getattr(kind, "padding_side", "") == FRONT
    return False
