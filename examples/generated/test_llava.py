"""llava: decoder-only (vision-language), reads text, image.

Each token sees those before it. Rows are padded with `pad_token_id`, in front where
text is generated; cached decoding has to give what uncached decoding gives.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate llava
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="llava",
        architecture="decoder-only",
        role="vision-language",
        category="multimodal",
        modality=["text", "image"],
        checkpoint="llava-hf/llava-1.5-7b-hf",
        config={
            "image_seq_length": 64,
            "image_token_index": 511,
            "text_config": {
                "head_dim": 8,
                "hidden_size": 64,
                "intermediate_size": 172,
                "num_attention_heads": 8,
                "num_hidden_layers": 2,
                "num_key_value_heads": 8,
                "pad_token_id": 510,
                "use_cache": False,
                "vocab_size": 512,
            },
            "vision_config": {
                "hidden_size": 32,
                "image_size": 112,
                "intermediate_size": 128,
                "num_attention_heads": 4,
                "num_hidden_layers": 2,
                "projection_dim": 24,
                "vocab_size": 512,
            },
            "vision_feature_layer": -1,
        },
        inputs={
            "pixel_values": "float32 (2, 3, 112, 112)",
            "attention_mask": "int64 (2, 78)",
            "input_ids": "int64 (2, 78)",
        },
        checks=["forward", "parity"],
        classes={
            "LlavaModel": {},
            "LlavaForConditionalGeneration": {
                "tasks": ["image-text-to-text"],
                "checks": ["generate"],
            },
        },
    ),
]


def test_llava(archsweep_case: Case) -> None:
    archsweep_case.verify()
