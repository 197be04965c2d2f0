"""gpt2: decoder-only (language-model), reads text.

Each token sees those before it. Rows are padded with `pad_token_id`, in front where
text is generated; cached decoding has to give what uncached decoding gives.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate gpt2
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="gpt2",
        architecture="decoder-only",
        role="language-model",
        category="text-decoders",
        modality=["text"],
        checkpoint="openai-community/gpt2",
        config={
            "bos_token_id": 511,
            "eos_token_id": 511,
            "n_embd": 48,
            "n_head": 6,
            "n_layer": 2,
            "n_positions": 512,
            "pad_token_id": 510,
            "use_cache": False,
            "vocab_size": 512,
        },
        inputs={
            "attention_mask": "int64 (2, 14)",
            "input_ids": "int64 (2, 14)",
            "token_type_ids": "int64 (2, 14)",
        },
        checks=["forward", "parity"],
        classes={
            "GPT2Model": {"tasks": ["feature-extraction"]},
            "GPT2ForQuestionAnswering": {"tasks": ["question-answering"]},
            "GPT2ForSequenceClassification": {
                "tasks": ["text-classification", "zero-shot-classification"],
            },
            "GPT2ForTokenClassification": {"tasks": ["token-classification"]},
            "GPT2LMHeadModel": {"tasks": ["text-generation"], "checks": ["generate"]},
        },
    ),
]


def test_gpt2(archsweep_case: Case) -> None:
    archsweep_case.verify()
