"""segformer: encoder-only (encoder), reads image.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate segformer
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="segformer",
        architecture="encoder-only",
        role="encoder",
        category="vision",
        modality=["image"],
        checkpoint="nvidia/segformer-b0-finetuned-ade-512-512",
        config={"decoder_hidden_size": 64, "hidden_sizes": [8, 16, 40, 64]},
        inputs={"pixel_values": "float32 (2, 3, 64, 64)"},
        checks=["forward", "parity"],
        classes={
            "SegformerModel": {"tasks": ["image-feature-extraction"]},
            "SegformerForImageClassification": {"tasks": ["image-classification"]},
            "SegformerForSemanticSegmentation": {"tasks": ["image-segmentation"]},
        },
    ),
]


def test_segformer(archsweep_case: Case) -> None:
    archsweep_case.verify()
