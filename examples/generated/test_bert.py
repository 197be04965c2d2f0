"""bert: encoder-only (encoder), reads text.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate bert
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="bert",
        architecture="encoder-only",
        role="encoder",
        category="text-encoders",
        modality=["text"],
        checkpoint="google-bert/bert-base-uncased",
        config={
            "hidden_size": 48,
            "intermediate_size": 192,
            "num_attention_heads": 6,
            "num_hidden_layers": 2,
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
            "BertModel": {"tasks": ["feature-extraction"]},
            "BertForMaskedLM": {"tasks": ["fill-mask"]},
            "BertForMultipleChoice": {
                "tasks": ["multiple-choice"],
                "inputs": {
                    "attention_mask": "int64 (2, 2, 14)",
                    "input_ids": "int64 (2, 2, 14)",
                    "token_type_ids": "int64 (2, 2, 14)",
                },
            },
            "BertForNextSentencePrediction": {"tasks": ["next-sentence-prediction"]},
            "BertForPreTraining": {},
            "BertForQuestionAnswering": {"tasks": ["question-answering"]},
            "BertForSequenceClassification": {
                "tasks": ["text-classification", "zero-shot-classification"],
            },
            "BertForTokenClassification": {"tasks": ["token-classification"]},
            "BertLMHeadModel": {
                "config": {"is_decoder": True, "pad_token_id": 0},
                "checks": ["generate"],
            },
        },
    ),
]


def test_bert(archsweep_case: Case) -> None:
    archsweep_case.verify()
