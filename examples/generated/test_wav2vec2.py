"""wav2vec2: encoder-only (speech-recogniser), reads audio.

One pass reads all of its input; rows differ in length, and a mask hides their padding.
Made by archsweep 0.1.0 from transformers 5.23.0. Do not edit it, write it anew:
    archsweep generate wav2vec2
"""

from archsweep.testing import Architecture, Case

ARCHITECTURES = [
    Architecture(
        model_type="wav2vec2",
        architecture="encoder-only",
        role="speech-recogniser",
        category="audio",
        modality=["audio"],
        checkpoint="facebook/wav2vec2-base-960h",
        config={
            "classifier_proj_size": 16,
            "codevector_dim": 16,
            "conv_dim": [32, 32, 32, 32, 32, 32, 32],
            "hidden_size": 48,
            "intermediate_size": 192,
            "num_adapter_layers": 2,
            "num_attention_heads": 6,
            "num_hidden_layers": 2,
            "output_hidden_size": 48,
            "proj_codevector_dim": 16,
            "tdnn_dim": [32, 32, 32, 32, 96],
            "xvector_output_dim": 32,
        },
        inputs={
            "input_values": "float32 (2, 3200)",
            "attention_mask": "int64 (2, 3200)",
        },
        checks=["forward", "parity"],
        classes={
            "Wav2Vec2Model": {},
            "Wav2Vec2ForAudioFrameClassification": {
                "tasks": ["audio-frame-classification"],
            },
            "Wav2Vec2ForCTC": {"tasks": ["automatic-speech-recognition"]},
            "Wav2Vec2ForPreTraining": {},
            "Wav2Vec2ForSequenceClassification": {"tasks": ["audio-classification"]},
            "Wav2Vec2ForXVector": {
                "tasks": ["speaker-verification"],
                "inputs": {"input_values": "float32 (2, 6400)"},
            },
        },
    ),
]


def test_wav2vec2(archsweep_case: Case) -> None:
    archsweep_case.verify()
