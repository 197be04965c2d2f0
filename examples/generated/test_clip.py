"""clip: dual encoder (contrastive), reads text, image.

Two towers read an input each, and what they give is compared.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate clip
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="clip",
        architecture="dual-encoder",
        role="contrastive",
        category="multimodal",
        modality=["text", "image"],
        checkpoint="openai/clip-vit-base-patch32",
        config={
            "projection_dim": 32,
            "text_config": {
                "bos_token_id": 510,
                "eos_token_id": 511,
                "hidden_size": 32,
                "intermediate_size": 128,
                "num_attention_heads": 4,
                "num_hidden_layers": 2,
                "projection_dim": 32,
                "vocab_size": 512,
            },
            "vision_config": {
                "hidden_size": 48,
                "intermediate_size": 192,
                "num_attention_heads": 6,
                "num_hidden_layers": 2,
                "projection_dim": 32,
            },
        },
        inputs={
            "pixel_values": "float32 (2, 3, 224, 224)",
            "attention_mask": "int64 (2, 14)",
            "input_ids": "int64 (2, 14)",
        },
        checks=["forward", "parity"],
        classes={
            "CLIPModel": {"tasks": ["zero-shot-image-classification"]},
            "CLIPForImageClassification": {
                "tasks": ["image-classification"],
                "inputs": {"pixel_values": "float32 (2, 3, 224, 224)"},
            },
        },
    ),
    Architecture(
        model_type="clip_text_model",
        architecture="encoder-only",
        role="encoder",
        category="text-encoders",
        modality=["text"],
        checkpoint="openai/clip-vit-base-patch32",
        config={
            "bos_token_id": 510,
            "eos_token_id": 511,
            "hidden_size": 32,
            "intermediate_size": 128,
            "num_attention_heads": 4,
            "num_hidden_layers": 2,
            "projection_dim": 32,
            "vocab_size": 512,
        },
        inputs={"attention_mask": "int64 (2, 14)", "input_ids": "int64 (2, 14)"},
        checks=["forward", "parity"],
        classes={"CLIPTextModel": {"tasks": ["feature-extraction"]}},
    ),
    Architecture(
        model_type="clip_vision_model",
        architecture="encoder-only",
        role="encoder",
        category="vision",
        modality=["image"],
        checkpoint="openai/clip-vit-base-patch32",
        config={
            "hidden_size": 48,
            "intermediate_size": 192,
            "num_attention_heads": 6,
            "num_hidden_layers": 2,
            "projection_dim": 32,
        },
        inputs={"pixel_values": "float32 (2, 3, 224, 224)"},
        checks=["forward", "parity"],
        classes={"CLIPVisionModel": {"tasks": ["image-feature-extraction"]}},
    ),
]


def test_clip(archsweep_case: Case) -> None:
    archsweep_case.verify()
