"""What a configuration field means, read from the words of its name and the kind of its value.

Knows nothing of any architecture: a rule here is a word of the field's vocabulary, never a model.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import Any, TypeGuard


class Meaning(StrEnum):
    WIDTH = "width"
    HEADS = "heads"
    HEAD_DIM = "head dim"
    DEPTH = "depth"
    VOCAB = "vocabulary"
    TOKEN = "token id"
    EXPERTS = "experts"
    TOP_K = "experts per token"
    GROUPS = "expert groups"
    IMAGE = "image side"
    PATCH = "patch side"
    FRAMES = "frames"
    POSITIONS = "positions"
    PERIOD = "period"
    THRESHOLD = "layer threshold"
    INDEX = "layer index"
    OTHER = "other"


_TOKEN = re.compile(
    r"(^|_)(token_ids?|token_index|token_indices)$|^(pad|bos|eos|unk|mask|cls|sep)_(index|id|idx)$|_soft_token_id$|^(image|video|audio)_patch_id$"
)
_VOCAB = re.compile(r"vocab_?size|^n_vocab$|_vocab$|vocab_size|^num_[a-z]+_labels$|^num_embeddings$")
_EXPERTS = re.compile(
    r"^(num|n)(_local|_routed)?_experts$|^moe_num_experts$|^num_(routed|local)_experts$|^zero_expert_num$"
)
_TOP_K = re.compile(
    r"(experts_per_(tok|token)|^moe_?top_?k$|^moe_k$|num_selected_experts|^top_k_experts$|router_top_?k)"
)
_GROUPS = re.compile(r"^(n_group|topk_group|num_expert_groups?|n_groups?_routed|router_topk_group)$")
_IMAGE = re.compile(
    r"^(image_size|img_size|input_size|pretrain_image_size|resolution|input_resolution|crop_size|eval_size|spec_size)$"
)
_PATCH = re.compile(r"^patch_size$|^patch_stride$|^tubelet_size$")
_FRAMES = re.compile(r"^(num_frames|n_frames|frames|max_num_frames|num_stacked_frames)$")
_POSITIONS = re.compile(
    r"^(max_position_embeddings|n_positions|n_ctx|max_target_positions|decoder_max_position_embeddings)$"
)
_HEADS = re.compile(r"(^|_)(num|n)?_?[a-z_]*heads(_per_stage|_per_layer)?$|(^|_)n_head$|^num_head$")
_NOT_HEADS = re.compile(r"per_ngram|head_depth|_head_layers|multimask|norm_heads|use_")
_HEAD_DIM = re.compile(
    r"head_?dim$|^dim_head$|_dim_head$|attention_head_size$|(?<!prediction_)head_size$|^d_kv$|^kv_channels$|(^|_)d_head$|dim_per_head|channels_per_head|^attention_head_dim$"
)
_DEPTH = re.compile(
    r"(^|_)(num|n|encoder|decoder|text|vision|audio|encode|decode|proj|predictor|lstm|fuser|enc|dec)?_?(hidden_)?layers?$"
    r"|^layers$|(^|_)depth$|^n_layer$|(^|_)num_layers$|(num|n)_(hidden|encoder|decoder)?_?(blocks|transformer_blocks)$|^num_residual_units$|(^|_)attends_per_block$"
)
_NOT_DEPTH = re.compile(
    r"norm|per_(?!block$)|_dim|dropout|_size|feature_layer|no_rope|extract|window_layers|dense_layers|shared_layers|softmax|max_depth|min_depth|rope_scaling|lin|conv_layers|feat_extract|kv_"
)
_PERIOD = re.compile(
    r"(period|interval|_pattern|every_n|_every|sparse_step|layer_step|frequency|_freq|stride_layers|layer_group_size|per_attn_res_block)"
)
_NOT_PERIOD = re.compile(r"_stride$|rope|theta|time_|seconds|dim|channels|head|sampling|spec|hop")
_THRESHOLD = re.compile(
    r"(first_k|dense_layers|max_window_layers|kv_shared_layers|layer_start|first_.*layers?$|moe_layer_start|num_hash_layers|n_shared_layers)"
)
_INDEX = re.compile(
    r"(ind(ex|ices|exes)|_idxs?|layer_ids?|_layers|mlp_only_layers|_blocks|layer_map|global_attention_blocks|hidden_layers_to|hook)$|_layer_ids$|indexes$|insert_layer"
)
_WIDTH = re.compile(
    r"(^|_)(hidden|dims?|embd|embed|embeds|embedding|width|widths|ffn|inner|intermediate|channels?|channel|rank|ranks|filters|units|planes|inplanes|"
    r"dmodel|dff|proj|projection|state|ff|lora|bottleneck|adapter|conv_dim|featmap|expansion_dim|latent_dim)(_|$)|(hidden|intermediate|ffn|embedding|feature|projection|state|output|inner|proj|adapter|mlp)_sizes?"
    r"|^d_(model|ff|ffn|inner|state|conv_inner|embed|hidden|rel)$|^dim$|^n_(embd|inner|embed)$|^dff$|_dim$|_dims$|_rank$|^ff?n_dim$|^dim_ff$|^dim_"
)
_NOT_WIDTH = re.compile(
    r"(^|_)(num|max|min|n|use|is|input|kernel|stride|mel|token|tokens|length|dropout|act|activation|layers|layer|depth|std|eps|bias|prob|ratio|factor|scale|type|vocab|buckets|"
    r"positions?|queries|window|pool|patch|image|freq|groups?|theta|pattern|init|norm|loss|coefficient|weight|threshold|temperature|dilation|levels?|steps?|base|pos|ids|indices|indexes|multiple|mult|multiplier|expansion|method)(_|$)|embeddings$"
)
_STILL_WIDTH = re.compile(
    r"^(num_filters|num_feature_maps|n_embd|n_inner|n_embed|num_pos_feats|prediction_head_size|mamba_d_ssm|[a-z]*_emb_size|d_latents|num_features|feature_size|patch_embeds?_hidden_size|hidden_size_per_layer_input|"
    r"intermediate_size_mlp|layer_norm_hidden_size|stem_channels|patch_embed_dim|[a-z_]*hidden_sizes?|[a-z_]*intermediate_sizes?|(mask|image|window)_[a-z_]*embed_dim|[a-z_]*_lora_rank|pooler_output_size|"
    r"(audio|text|vision|image|token|patch)_(embed|hidden|proj|projection)_(dim|size)|upsample_initial_channel|initial_channels?|conv_inplanes|max_pool_channels|proj_output_dim|output_dim|num_channels_out|axial_pos_embds_dim|out_features|base_channels?|base_attn_unit_dims|projector_input_dim|coordinate_size|shape_size|adapter_input_size|(coordinate|shape)_size)$"
)
_NEVER_WIDTH = re.compile(
    r"^(num_channels|in_channels|in_chans|input_channels|audio_channels|num_input_channels|act_dim|state_dim|(?!projector_).*input_dim|(?!adapter_).*input_size|mask_input_channels|dim_bbox|(model_)?in_dim|image_hidden_size_factor)$|image_embedding_size|_kernel_dim$|kernel|^subsampling_conv_channels$|^keypoint_decoder_dim$"
)


@functools.cache
def meaning(name: str) -> Meaning:
    """The meaning of a field called `name`, for whole-number and list-of-number values."""
    ordered: list[tuple[Meaning, bool]] = [
        (Meaning.TOKEN, bool(_TOKEN.search(name))),
        (Meaning.VOCAB, bool(_VOCAB.search(name)) and "type_vocab" not in name),
        (Meaning.EXPERTS, bool(_EXPERTS.search(name))),
        (Meaning.TOP_K, bool(_TOP_K.search(name))),
        (Meaning.GROUPS, bool(_GROUPS.search(name))),
        (Meaning.HEAD_DIM, bool(_HEAD_DIM.search(name))),
        (Meaning.HEADS, bool(_HEADS.search(name)) and not _NOT_HEADS.search(name)),
        (Meaning.IMAGE, bool(_IMAGE.search(name))),
        (Meaning.PATCH, bool(_PATCH.search(name))),
        (Meaning.FRAMES, bool(_FRAMES.search(name))),
        (Meaning.POSITIONS, bool(_POSITIONS.search(name))),
        (Meaning.THRESHOLD, bool(_THRESHOLD.search(name))),
        (Meaning.PERIOD, bool(_PERIOD.search(name)) and not _NOT_PERIOD.search(name)),
        (Meaning.WIDTH, is_width(name)),
        (Meaning.DEPTH, bool(_DEPTH.search(name)) and not _NOT_DEPTH.search(name)),
        (Meaning.INDEX, bool(_INDEX.search(name))),
    ]
    return next((found for found, holds in ordered if holds), Meaning.OTHER)


_TABLE = re.compile(r"_(configs?|settings?|head|connector)$|positions2D$")
TABLED = 24  # numbers of a table of blocks from here on are widths; smaller ones are kernels, strides, dilations


def table_widths(name: str, value: Any) -> list[int]:
    """The widths in a table of blocks: a list of lists of numbers under a name that speaks of blocks."""
    if not _TABLE.search(name) or not isinstance(value, list | tuple):
        return []
    flat = list(value)
    while any(isinstance(item, list | tuple) for item in flat):
        flat = [inner for item in flat for inner in (item if isinstance(item, list | tuple) else [item])]
    return [item for item in flat if is_whole(item) and item >= TABLED]


def is_width(name: str) -> bool:
    """Whether the words of `name` speak of a number of features."""
    if _NEVER_WIDTH.search(name):
        return False
    return bool(_STILL_WIDTH.search(name)) or bool(_WIDTH.search(name) and not _NOT_WIDTH.search(name))


def is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def whole_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(is_whole(item) for item in value)
