"""t5: encoder-decoder (text-to-text), reads text.

An encoder reads the input, a decoder goes on from its own: `decoder_` names the latter.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate t5
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="t5",
        architecture="encoder-decoder",
        role="text-to-text",
        category="text-encoder-decoders",
        modality=["text"],
        checkpoint="google-t5/t5-small",
        config={
            "d_ff": 128,
            "d_kv": 8,
            "d_model": 32,
            "num_decoder_layers": 2,
            "num_heads": 4,
            "num_layers": 2,
            "use_cache": False,
            "vocab_size": 512,
        },
        inputs={
            "attention_mask": "int64 (2, 14)",
            "input_ids": "int64 (2, 14)",
            "decoder_input_ids": "int64 (2, 8)",
            "decoder_attention_mask": "int64 (2, 8)",
        },
        checks=["forward", "parity"],
        classes={
            "T5Model": {"tasks": ["feature-extraction"]},
            "T5EncoderModel": {
                "inputs": {
                    "attention_mask": "int64 (2, 14)",
                    "input_ids": "int64 (2, 14)",
                },
            },
            "T5ForConditionalGeneration": {
                "tasks": ["text2text-generation"],
                "checks": ["generate"],
            },
            "T5ForQuestionAnswering": {"tasks": ["question-answering"]},
            "T5ForSequenceClassification": {
                "tasks": ["text-classification", "zero-shot-classification"],
                "inputs": {
                    "attention_mask": "int64 (2, 14)",
                    "input_ids": "int64 (2, 14)",
                    "decoder_input_ids": "int64 (2, 14)",
                    "decoder_attention_mask": "int64 (2, 14)",
                },
            },
            "T5ForTokenClassification": {
                "tasks": ["token-classification"],
                "inputs": {
                    "attention_mask": "int64 (2, 14)",
                    "input_ids": "int64 (2, 14)",
                },
            },
        },
    ),
]


def test_t5(archsweep_case: Case) -> None:
    archsweep_case.verify()
