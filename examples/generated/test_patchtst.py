"""patchtst: encoder-only (forecaster), reads time-series.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate patchtst
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="patchtst",
        architecture="encoder-only",
        role="forecaster",
        category="other",
        modality=["time-series"],
        checkpoint="ibm-granite/granite-timeseries-patchtst",
        config={
            "context_length": 16,
            "d_model": 32,
            "ffn_dim": 128,
            "num_forecast_mask_patches": [1],
            "num_hidden_layers": 2,
        },
        inputs={
            "past_values": "float32 (2, 16, 1)",
            "past_observed_mask": "float32 (2, 16, 1)",
        },
        checks=["forward", "parity"],
        classes={
            "PatchTSTModel": {},
            "PatchTSTForClassification": {"tasks": ["time-series-classification"]},
            "PatchTSTForRegression": {"tasks": ["time-series-regression"]},
        },
    ),
]


def test_patchtst(archsweep_case: Case) -> None:
    archsweep_case.verify()
