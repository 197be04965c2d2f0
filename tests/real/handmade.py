"""A score of tiny models written by hand, so that weights, references and checks are tested without the search."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

_TEXT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 96}
_PADS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
_IMAGE = {"image_size": 32, "patch_size": 8}
_MARIAN = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 96, "max_position_embeddings": 64,
}  # fmt: skip
_CONV = {"conv_dim": (16, 16, 16), "conv_kernel": (10, 3, 3), "conv_stride": (5, 2, 2)}
_SERIES = {"prediction_length": 4, "context_length": 12, "lags_sequence": [1, 2, 3], "num_time_features": 2}
_WHISPER = {"num_mel_bins": 16, "max_source_positions": 30, "max_target_positions": 32, "decoder_start_token_id": 1}


@dataclass(frozen=True, kw_only=True)
class Handmade:
    """One architecture: the model class's name, its configuration and its inputs."""

    name: str
    class_name: str
    config: dict[str, Any]
    feed: Callable[[], dict[str, Any]]

    def build(self, lively: bool = True) -> Any:
        import torch

        from archsweep.archs import torchvision_bridge
        from archsweep.archs.lively import enliven

        torchvision_bridge.prepare()
        import transformers

        torch.manual_seed(0)
        kind = getattr(transformers, self.class_name)
        model = kind(kind.config_class(**_built(self.config))).eval()
        if lively:
            enliven(model, self.name)
        return model


def _built(config: dict[str, Any]) -> dict[str, Any]:
    """Nested `backbone_config` dictionaries as configurations."""
    from transformers import AutoConfig

    config = dict(config)
    backbone = config.get("backbone_config")
    if isinstance(backbone, dict):
        config["backbone_config"] = AutoConfig.for_model(**backbone)
    return config


def _ids(length: int = 12, vocabulary: int = 90, mask: bool = True) -> dict[str, Any]:
    import torch

    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(3, vocabulary, (2, length), generator=generator)
    held = torch.ones(2, length, dtype=torch.long)
    if mask:
        held[1, -4:] = 0
        ids[1, -4:] = 0
    return {"input_ids": ids, "attention_mask": held}


def _decoder() -> dict[str, Any]:
    return {"decoder_input_ids": _ids(7, mask=False)["input_ids"]}


def _random(*shape: int, seed: int = 2) -> Any:
    import torch

    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _pixels(size: int = 32) -> dict[str, Any]:
    return {"pixel_values": _random(2, 3, size, size)}


def _waveform() -> dict[str, Any]:
    import torch

    mask = torch.ones(2, 800, dtype=torch.long)
    mask[1, 600:] = 0
    return {"input_values": _random(2, 800), "attention_mask": mask}


def _series() -> dict[str, Any]:
    import torch

    past = 12 + 3
    return {
        "past_values": _random(2, past).abs() + 0.5,
        "past_time_features": _random(2, past, 2, seed=3),
        "past_observed_mask": torch.ones(2, past),
        "future_values": _random(2, 4, seed=4).abs(),
        "future_time_features": _random(2, 4, 2, seed=5),
    }


def _image_text() -> dict[str, Any]:
    import torch

    text = _ids(16)
    text["input_ids"][:, 2:6] = 90
    types = (text["input_ids"] == 90).long()
    grid = torch.tensor([[1, 4, 4], [1, 4, 4]])
    return {**text, "pixel_values": _random(32, 3 * 2 * 8 * 8), "image_grid_thw": grid, "mm_token_type_ids": types}


def everything() -> tuple[Handmade, ...]:
    """About thirty classes of every category."""
    llama = {**_TEXT, **_PADS, "num_key_value_heads": 2, "max_position_embeddings": 64}
    mamba = {"mamba_d_state": 8, "mamba_d_conv": 4, "mamba_expand": 2, "use_mamba_kernels": False}
    resnet = {"embedding_size": 8, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "layer_type": "basic"}
    rows: list[tuple[str, str, dict[str, Any], Callable[[], dict[str, Any]]]] = [
        ("bert", "BertModel", {**_TEXT, **_PADS}, _ids),
        ("bert_mlm", "BertForMaskedLM", {**_TEXT, **_PADS}, _ids),
        ("albert", "AlbertModel", {**_TEXT, **_PADS, "embedding_size": 16}, _ids),
        ("deberta_v2", "DebertaV2Model", {**_TEXT, **_PADS, "relative_attention": True, "pos_att_type": ["p2c", "c2p"],
         "position_buckets": 8}, _ids),
        ("gpt2", "GPT2LMHeadModel", {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 96, **_PADS}, _ids),
        ("llama", "LlamaForCausalLM", llama, _ids),
        ("gemma2", "Gemma2ForCausalLM", {**llama, "head_dim": 8, "sliding_window": 6}, _ids),
        ("mixtral", "MixtralForCausalLM", {**llama, "num_local_experts": 4, "num_experts_per_tok": 2}, _ids),
        ("gpt_oss", "GptOssForCausalLM", {**llama, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2,
         "sliding_window": 6}, _ids),
        ("mamba", "MambaForCausalLM", {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 96, "state_size": 8},
         _ids),
        ("jamba", "JambaForCausalLM", {**llama, **mamba, "num_hidden_layers": 4, "attn_layer_period": 2,
         "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1, "num_experts": 4}, _ids),
        ("t5", "T5Model", {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 96},
         lambda: {**_ids(), **_decoder()}),
        ("bart", "BartModel", {**_MARIAN, **_PADS}, lambda: {**_ids(), **_decoder()}),
        ("vit", "ViTModel", {**_VISION, **_IMAGE}, _pixels),
        ("resnet", "ResNetModel", {**resnet, "layer_type": "bottleneck"}, _pixels),
        ("convnext", "ConvNextModel", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}, _pixels),
        ("swin", "SwinModel", {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "image_size": 32,
         "patch_size": 4, "window_size": 4}, _pixels),
        ("vit_mae", "ViTMAEForPreTraining", {**_VISION, **_IMAGE, "decoder_hidden_size": 16,
         "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2, "decoder_intermediate_size": 32}, _pixels),
        ("detr", "DetrForObjectDetection", {
            "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 4,
            "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_queries": 6,
            "backbone_config": {"model_type": "resnet", **resnet, "out_features": ["stage4"]},
            "use_timm_backbone": False, "backbone": None}, lambda: _pixels(64)),
        ("whisper", "WhisperModel", {**_MARIAN, **_PADS, **_WHISPER},
         lambda: {"input_features": _random(2, 16, 60), **_decoder()}),
        ("wav2vec2", "Wav2Vec2Model", {**_VISION, **_CONV, "num_feat_extract_layers": 3, "vocab_size": 32,
         "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}, _waveform),
        ("vits", "VitsModel", {"hidden_size": 32, "num_hidden_layers": 2, "ffn_dim": 48, "num_attention_heads": 2,
         "vocab_size": 38, "flow_size": 32, "spectrogram_bins": 33, "upsample_initial_channel": 32,
         "upsample_rates": [4, 4], "upsample_kernel_sizes": [8, 8], "resblock_kernel_sizes": [3],
         "resblock_dilation_sizes": [[1, 3]], "prior_encoder_num_flows": 2, "prior_encoder_num_wavenet_layers": 2,
         "posterior_encoder_num_wavenet_layers": 2, "duration_predictor_filter_channels": 32},
         lambda: _ids(vocabulary=38)),
        ("encodec", "EncodecModel", {"hidden_size": 16, "num_filters": 4, "num_residual_layers": 1, "codebook_size": 32,
         "upsampling_ratios": [4, 2], "num_lstm_layers": 1, "target_bandwidths": [6.0, 24.0]},
         lambda: {"input_values": _random(2, 1, 512)}),
        ("clip", "CLIPModel", {"text_config": {**_TEXT, **_PADS}, "vision_config": {**_VISION, **_IMAGE},
         "projection_dim": 24}, lambda: {**_ids(), **_pixels()}),
        ("qwen2_vl", "Qwen2VLForConditionalGeneration", {
            "text_config": {**llama, "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2],
                                                         "rope_theta": 10000.0}},
            "vision_config": {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "mlp_ratio": 2,
                              "patch_size": 8, "spatial_merge_size": 2, "temporal_patch_size": 2},
            "image_token_id": 90, "video_token_id": 91, "vision_start_token_id": 92, "vision_end_token_id": 93},
         _image_text),
        ("autoformer", "AutoformerModel", {**_SERIES, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
         "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
         "label_length": 4, "moving_average": 5}, _series),
        ("rwkv", "RwkvModel", {"vocab_size": 96, "hidden_size": 32, "attention_hidden_size": 32,
         "num_hidden_layers": 2, "intermediate_size": 64}, lambda: {"input_ids": _ids()["input_ids"]}),
        ("perceiver", "PerceiverModel", {"num_latents": 6, "d_latents": 32, "d_model": 32, "num_blocks": 1,
         "num_self_attends_per_block": 2, "num_self_attention_heads": 4, "num_cross_attention_heads": 4},
         lambda: {"inputs": _random(2, 9, 32)}),
    ]  # fmt: skip
    return tuple(Handmade(name=name, class_name=kind, config=config, feed=feed) for name, kind, config, feed in rows)


def by_name(name: str) -> Handmade:
    return next(made for made in everything() if made.name == name)
