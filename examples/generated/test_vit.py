"""vit: encoder-only (encoder), reads image.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate vit
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="vit",
        architecture="encoder-only",
        role="encoder",
        category="vision",
        modality=["image"],
        checkpoint="google/vit-base-patch16-224",
        config={
            "hidden_size": 48,
            "image_size": 112,
            "intermediate_size": 192,
            "num_attention_heads": 6,
            "num_hidden_layers": 2,
            "pooler_output_size": 48,
        },
        inputs={"pixel_values": "float32 (2, 3, 112, 112)"},
        checks=["forward", "parity"],
        classes={
            "ViTModel": {"tasks": ["image-feature-extraction"]},
            "ViTForImageClassification": {"tasks": ["image-classification"]},
            "ViTForMaskedImageModeling": {
                "tasks": ["masked-image-modeling"],
                "inputs": {
                    "pixel_values": "float32 (2, 3, 112, 112)",
                    "bool_masked_pos": "bool (2, 49)",
                },
            },
        },
    ),
]


def test_vit(archsweep_case: Case) -> None:
    archsweep_case.verify()
