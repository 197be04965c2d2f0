"""Lengths of sound; no torch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import made_facts
import pytest

from archsweep.archs.inputs import audio
from archsweep.archs.inputs.facts import Facts, signature


class Model:
    main_input_name = "input_values"

    def forward(self, input_values: Any) -> Any: ...


@pytest.mark.parametrize(
    ("fields", "samples"),
    [
        ({"conv_stride": (5, 2, 2, 2, 2, 2, 2)}, audio.SAMPLES),  # ten frames of 320
        ({"upsampling_ratios": [8, 6, 5, 4]}, 8 * 960),  # eight frames at least
        ({"downsampling_ratios": (2, 2, 2, 2), "hop_length": 16}, audio.FRAMES * 16),  # and no more than many
        ({}, audio.SAMPLES),  # nothing is known
    ],
)
def test_a_waveform_has_a_few_frames(fields: dict[str, Any], samples: int) -> None:
    config = SimpleNamespace(attribute_map={}, **fields)
    facts = Facts(made_facts.subject("any", "Model"), Model, None, config, signature(Model), {})
    assert audio.samples(facts) == samples
