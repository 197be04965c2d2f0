"""On which side texts are padded: read off transformers' own tokenizers."""

from __future__ import annotations

import depth  # noqa: F401 (imports what transformers may need a bridge for)
import pytest

from archsweep.archs import padding


@pytest.mark.parametrize(("model_type", "front"), [("xlnet", True), ("bert", False), ("vit", False)])
def test_texts_are_padded_as_their_tokenizer_does(model_type: str, front: bool) -> None:
    assert padding.in_front(model_type) is front
