"""detr: encoder-decoder (detector), reads image.

An encoder reads the input, a decoder goes on from its own: `decoder_` names the latter.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate detr
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="detr",
        architecture="encoder-decoder",
        role="detector",
        category="vision",
        modality=["image"],
        checkpoint="facebook/detr-resnet-50",
        config={
            "backbone_config": {"backbone": "test_resnet"},
            "d_model": 32,
            "decoder_attention_heads": 4,
            "decoder_ffn_dim": 256,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 256,
            "encoder_layers": 2,
            "num_queries": 12,
        },
        inputs={
            "pixel_values": "float32 (2, 3, 64, 64)",
            "pixel_mask": "int64 (2, 64, 64)",
        },
        checks=["forward", "parity"],
        classes={
            "DetrModel": {"tasks": ["image-feature-extraction"]},
            "DetrForObjectDetection": {"tasks": ["object-detection"]},
        },
    ),
    Architecture(
        model_type="detr",
        architecture="encoder-decoder",
        role="segmenter",
        category="vision",
        modality=["image"],
        checkpoint="facebook/detr-resnet-50",
        config={
            "backbone_config": {"backbone": "test_resnet"},
            "d_model": 64,
            "decoder_ffn_dim": 512,
            "decoder_layers": 2,
            "encoder_ffn_dim": 512,
            "encoder_layers": 2,
            "num_queries": 12,
        },
        inputs={
            "pixel_values": "float32 (2, 3, 64, 64)",
            "pixel_mask": "int64 (2, 64, 64)",
        },
        checks=["forward", "parity"],
        classes={"DetrForSegmentation": {"tasks": ["image-segmentation"]}},
    ),
]


def test_detr(archsweep_case: Case) -> None:
    archsweep_case.verify()
