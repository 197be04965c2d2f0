"""whisper: encoder-decoder (speech-recogniser), reads text, audio.

An encoder reads the input, a decoder goes on from its own: `decoder_` names the latter.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate whisper
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="whisper",
        architecture="encoder-decoder",
        role="speech-recogniser",
        category="audio",
        modality=["text", "audio"],
        checkpoint="openai/whisper-tiny",
        config={
            "bos_token_id": 510,
            "classifier_proj_size": 32,
            "d_model": 48,
            "decoder_ffn_dim": 192,
            "decoder_layers": 2,
            "decoder_start_token_id": 511,
            "encoder_ffn_dim": 192,
            "encoder_layers": 2,
            "eos_token_id": 510,
            "max_source_positions": 100,
            "pad_token_id": 510,
            "use_cache": False,
            "vocab_size": 512,
        },
        inputs={
            "input_features": "float32 (2, 80, 200)",
            "decoder_input_ids": "int64 (2, 8)",
            "decoder_attention_mask": "int64 (2, 8)",
        },
        checks=["forward", "parity"],
        classes={
            "WhisperModel": {},
            "WhisperForAudioClassification": {
                "tasks": ["audio-classification"],
                "inputs": {"input_features": "float32 (2, 80, 200)"},
            },
            "WhisperForCausalLM": {
                "inputs": {
                    "attention_mask": "int64 (2, 14)",
                    "input_ids": "int64 (2, 14)",
                },
                "checks": ["generate"],
            },
            "WhisperForConditionalGeneration": {
                "tasks": ["automatic-speech-recognition"],
                "checks": ["generate"],
            },
        },
    ),
]


def test_whisper(archsweep_case: Case) -> None:
    archsweep_case.verify()
