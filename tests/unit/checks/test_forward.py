"""What shapes a configuration promises, by numbers alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from archsweep.checks import forward


def _shaped(*shape):
    return SimpleNamespace(shape=shape, ndim=len(shape))


def _promises(found, config=None, mappings=(), **inputs):
    subject = SimpleNamespace(mappings=mappings)
    return list(forward.broken_promises(subject, config, inputs or {"x": _shaped(2, 8)}, found))


@pytest.mark.parametrize(
    ("inputs", "batch"),
    [
        ({"input_ids": _shaped(2, 8), "pixel_values": _shaped(2, 3, 4, 4)}, 2),
        ({"input_ids": _shaped(2, 8), "pixel_values": _shaped(32, 48), "image_grid_thw": _shaped(2, 3)}, 2),
        ({"pixel_values": _shaped(32, 48), "image_grid_thw": _shaped(2, 3)}, None),
        ({"input_ids": _shaped(2, 8), "scores": _shaped(3, 8)}, None),
        ({"steps": _shaped(5)}, None),
    ],
)
def test_the_fed_batch(inputs, batch):
    assert forward.fed_batch(inputs) == batch


def test_promises_that_are_kept_say_nothing():
    config = {"vocab_size": 96, "text_config": {"hidden_sizes": [8, 16]}, "flag": True}
    assert not _promises({"logits": _shaped(2, 8, 96)}, config, ("CAUSAL_LM",))
    assert not _promises({"last_hidden_state": _shaped(2, 16, 4, 4)}, config)
    assert not _promises({"last_hidden_state": _shaped(2, 8, 32)}, config)
    assert not _promises({"hidden": _shaped(1, 1)}, config)


def test_promises_that_are_broken_are_named():
    config = {"vocab_size": 96}
    assert _promises({"logits": _shaped(2, 8, 95)}, config, ("MASKED_LM",)) == [
        "logits: 95 wide, no vocabulary of the configuration has that size"
    ]
    assert _promises({"start_logits": _shaped(3, 8)}) == ["start_logits: 3 rows for a batch of 2"]


def test_axes_of_one_between_batch_and_labels_break_no_promise():
    config = SimpleNamespace(num_labels=2)
    assert not _promises({"logits": _shaped(2, 1, 2)}, config, ("VIDEO_CLASSIFICATION",))
    assert _promises({"logits": _shaped(2, 3, 2)}, config, ("VIDEO_CLASSIFICATION",))
