"""dinat: encoder-only (encoder), reads image.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate dinat
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="dinat",
        architecture="encoder-only",
        role="encoder",
        category="vision",
        modality=["image"],
        checkpoint="shi-labs/dinat-mini-in1k-224",
        config={
            "depths": [2, 2, 2, 2],
            "embed_dim": 8,
            "hidden_size": 32,
            "num_heads": [1, 1, 2, 4],
        },
        inputs={},
        checks=["forward", "parity"],
        classes={
            "DinatModel": {
                "tasks": ["image-feature-extraction"],
                "lacks": "ImportError: DinatModel requires the natten library but …",
            },
            "DinatBackbone": {
                "lacks": "ImportError: DinatBackbone requires the natten library …",
            },
            "DinatForImageClassification": {
                "tasks": ["image-classification"],
                "lacks": "ImportError: DinatForImageClassification requires the …",
            },
        },
    ),
]


def test_dinat(archsweep_case: Case) -> None:
    archsweep_case.verify()
