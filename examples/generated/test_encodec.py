"""encodec: codec (codec), reads audio.

A signal becomes codes, and codes become a signal again.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate encodec
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="encodec",
        architecture="codec",
        role="codec",
        category="audio",
        modality=["audio"],
        checkpoint="facebook/encodec_24khz",
        config={"codebook_dim": 16, "hidden_size": 16, "num_filters": 8},
        inputs={
            "input_values": "float32 (2, 1, 3200)",
            "padding_mask": "int64 (2, 1, 3200)",
        },
        checks=["forward", "parity"],
        classes={"EncodecModel": {}},
    ),
]


def test_encodec(archsweep_case: Case) -> None:
    archsweep_case.verify()
