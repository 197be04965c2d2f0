"""decision_transformer: encoder-only (encoder), reads other.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate decision_transformer
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="decision_transformer",
        architecture="encoder-only",
        role="encoder",
        category="other",
        modality=["other"],
        checkpoint="edbeeching/decision-transformer-gym-hopper-medium",
        config={
            "hidden_size": 32,
            "n_layer": 2,
            "n_positions": 512,
            "use_cache": False,
        },
        inputs={
            "states": "float32 (2, 6, 17)",
            "actions": "float32 (2, 6, 4)",
            "returns_to_go": "float32 (2, 6, 1)",
            "timesteps": "int64 (2, 6)",
            "attention_mask": "int64 (2, 6)",
        },
        checks=["forward", "parity"],
        classes={"DecisionTransformerModel": {}},
    ),
]


def test_decision_transformer(archsweep_case: Case) -> None:
    archsweep_case.verify()
