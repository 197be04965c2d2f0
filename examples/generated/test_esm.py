"""esm: encoder-only (encoder), reads protein.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate esm
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="esm",
        architecture="encoder-only",
        role="encoder",
        category="other",
        modality=["protein"],
        checkpoint="facebook/esm-1b",
        config={
            "hidden_size": 48,
            "intermediate_size": 192,
            "num_attention_heads": 6,
            "num_hidden_layers": 2,
            "pad_token_id": 1,
            "use_cache": False,
            "vocab_size": 512,
        },
        inputs={"attention_mask": "int64 (2, 14)", "input_ids": "int64 (2, 14)"},
        checks=["forward", "parity"],
        classes={
            "EsmModel": {},
            "EsmForMaskedLM": {},
            "EsmForSequenceClassification": {},
            "EsmForTokenClassification": {},
        },
    ),
]


def test_esm(archsweep_case: Case) -> None:
    archsweep_case.verify()
