"""univnet: feed-forward generator (vocoder), reads audio.

What it reads becomes a signal in one pass, without codes and without steps.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate univnet
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="univnet",
        architecture="generator",
        role="vocoder",
        category="audio",
        modality=["audio"],
        checkpoint="dg845/univnet-dev",
        config={
            "kernel_predictor_hidden_channels": 8,
            "kernel_predictor_num_blocks": 2,
            "model_hidden_channels": 8,
            "model_in_channels": 8,
            "resblock_dilation_sizes": [[1, 3], [1, 3]],
            "resblock_kernel_sizes": [3, 3],
            "resblock_stride_sizes": [8, 8],
        },
        inputs={
            "input_features": "float32 (2, 96, 100)",
            "padding_mask": "int64 (2, 96)",
            "noise_sequence": "float32 (2, 96, 8)",
        },
        checks=["forward", "parity"],
        classes={"UnivNetModel": {}},
    ),
]


def test_univnet(archsweep_case: Case) -> None:
    archsweep_case.verify()
