"""Tiny configurations of real architectures: valid, small, and with every kind of layer that the original has."""

from __future__ import annotations

import os
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

TYPES = (
    "bert", "llama", "qwen3_moe", "gemma3_text", "jamba", "bamba", "zamba2", "nemotron_h", "recurrent_gemma",
    "falcon_h1", "qwen3_next", "deepseek_v3", "llama4_text", "t5", "whisper", "wav2vec2", "swin", "convnext", "dinov2",
    "clip", "qwen2_vl", "llava", "sam", "mimi", "patchtst", "efficientnet", "mllama", "d_fine",
)  # fmt: skip


def default(model_type: str) -> Any:
    from archsweep.archs import torchvision_bridge

    torchvision_bridge.prepare()
    from transformers import CONFIG_MAPPING

    return CONFIG_MAPPING[model_type]()


def tiny(model_type: str) -> Any:
    from archsweep.archs import shrink
    from archsweep.archs.shrink import tree

    _, node = next(shrink.candidates(default(model_type)))
    return tree.build(tree.read(default(model_type)), tree.edits_of(node))


@pytest.mark.parametrize("model_type", TYPES)
def test_the_first_move_is_valid_and_loses_no_kind(model_type: str) -> None:
    from archsweep.archs import shrink

    assert shrink.kinds_lost(default(model_type), tiny(model_type)) == []


@pytest.mark.parametrize("model_type", ["bamba", "granitemoehybrid"])
def test_a_hybrid_without_attention_by_default_gets_a_layer_of_it(model_type: str) -> None:
    assert tiny(model_type).layers_block_type == ["linear_attention", "full_attention"]


@pytest.mark.parametrize("model_type", ["qwen3_moe", "phimoe", "gpt_oss", "kimi_linear"])
def test_widths_of_experts_are_whole_in_sixteen_bytes_of_half_precision(model_type: str) -> None:
    config = tiny(model_type)
    inner = getattr(config, "moe_intermediate_size", config.intermediate_size)
    assert (config.hidden_size % 8, inner % 8) == (0, 0)


@pytest.mark.parametrize("model_type", TYPES)
def test_the_same_edits_every_time(model_type: str) -> None:
    from archsweep.archs import shrink
    from archsweep.archs.shrink import tree

    first = [tree.edits_of(node) for _, node in shrink.candidates(default(model_type))]
    assert first == [tree.edits_of(node) for _, node in shrink.candidates(default(model_type))]


def test_too_few_layers_of_a_hybrid_are_noticed() -> None:
    from archsweep.archs import shrink

    hybrid = default("jamba")
    assert shrink.kinds_lost(hybrid, type(hybrid)(num_hidden_layers=2)) != []
