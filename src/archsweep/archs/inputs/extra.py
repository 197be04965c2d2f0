"""Inputs named by one parameter each: points, patches, latents, hidden states.

Knows parameter and field names, never architectures.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archsweep.archs.inputs import heads
from archsweep.archs.inputs.audio import FEATURES, WAVES, either, samples
from archsweep.archs.inputs.documented import documented
from archsweep.archs.inputs.facts import BATCH, TEXT, Facts, pair
from archsweep.archs.inputs.image import MERGE, channels, flat_patches, patch, side

CHOICES = 2
_ACROSS = re.compile(r"(^|\.)(encoder_attn|cross_?attn|cross_?attention|enc_dec_attention)$", re.IGNORECASE)
SKIPPED = ("labels", "past_key_values", "inputs_embeds", "position_ids", "head_mask", "encoder_outputs", "cache_params")


def extra_inputs(facts: Facts, made: dict[str, Any]) -> dict[str, Any]:
    """The remaining inputs: every required parameter that a maker knows, and the optional ones that carry meaning."""
    found: dict[str, Any] = {}
    _look_across(facts)
    for name, maker in _MAKERS.items():
        if name in made or not facts.wants(name):
            continue
        if (
            facts.required(name)
            or name in _MEANINGFUL
            or name == facts.main_input
            or name in facts.hints.get("also", ())
        ):
            if any(key in made for key in _INSTEAD.get(name, ())):
                continue
            if name in _BESIDE and not any(key in made for key in _BESIDE[name]):
                continue
            value = maker(facts)
            if isinstance(value, dict):
                found.update(value)
            elif value is not None:
                found[name] = value
    for name in facts.parameters:
        stated = name in facts.hints.get("shapes", {}) or name in facts.hints.get("also", ())
        needed = facts.required(name) or stated or (name == facts.main_input and not either(facts))
        needed = needed or (name == "decoder_input_values" and not facts.has("decoder_input_ids"))
        if (
            needed
            and facts.wants(name)
            and name not in {**made, **found}
            and (stated or name not in SKIPPED or _embeds(facts, name))
        ):
            value = documented(facts, name)
            if value is not None:
                found[name] = value
    return found


def _look_across(facts: Facts) -> None:
    """Ask for the states of an encoder where an instance holds attention to them. The answer is kept as a hint."""
    name = "encoder_hidden_states"
    if facts.model is None or not facts.wants(name) or name in facts.hints.get("also", ()):
        return
    if any(_ACROSS.search(path) for path, _ in facts.model.named_modules()):
        facts.hints["also"] = (*facts.hints.get("also", ()), name)


def _embeds(facts: Facts, name: str) -> bool:
    """Embeddings where they cannot be left out."""
    return name == "inputs_embeds" and facts.required(name)


def _hidden_width(facts: Facts, *names: str) -> int:
    return int(facts.find(*names, "hidden_size", "d_model") or 32)


def _hidden_states(facts: Facts) -> Any:
    if facts.has("grid_thw"):
        return flat_patches(facts, "hidden_states")
    if facts.hints.get("wave") == "channel":
        return facts.normal("hidden_states", BATCH, 1, samples(facts))
    made = facts.normal("hidden_states", BATCH, int(facts.hints.get("steps", 12)), _hidden_width(facts))
    return made.transpose(1, 2).contiguous() if facts.hints.get("channels_first") else made


def _encoder_hidden_states(facts: Facts) -> Any:
    width = _hidden_width(facts, "encoder_hidden_size", "cross_attention_hidden_size", "cross_hidden_size")
    return facts.normal("encoder_hidden_states", BATCH, 5, width)


def _flattened(facts: Facts) -> Any:
    import torch

    step = patch(facts) or 16
    tokens = 12
    depth = (
        facts.find("patch_embed_hidden_size", within=("vision",)) if facts.has("image_embeds_position_mask") else None
    )
    values = facts.normal("flattened_patches", BATCH, tokens, int(depth or channels(facts) * step * step))
    rows = torch.arange(tokens) // 4 + 1
    columns = torch.arange(tokens) % 4 + 1
    where = torch.stack([rows, columns], dim=-1).float().repeat(BATCH, 1, 1)
    return {"flattened_patches": torch.cat([where, values], dim=-1)}


def _prompted_side(facts: Facts) -> int:
    """Height of an image that points and boxes are in, in pixels."""
    height = facts.find("image_size", within=("vision",)) or 64
    return height if isinstance(height, int) else min(height)


def _points(facts: Facts) -> Any:
    """Points (batch, masks asked for, points, 2): wanted, unwanted, and one that stands for nothing."""
    return facts.normal("input_points", BATCH, 1, 3, 2).sigmoid() * _prompted_side(facts)


def _point_labels(facts: Facts) -> Any:
    import torch

    return torch.tensor([[[1, 0, -1]], [[0, 1, -10]]])  # -1: no point, -10: padding


def _prompt_masks(facts: Facts) -> Any:
    """A mask for each image, four pixels a patch, as a pass before would have given it: logits."""
    stated = [node for _, node in facts.nodes() if "mask_input_channels" in vars(node)]
    if not stated:
        return None
    (height, width), step = pair(stated[0].image_size), int(stated[0].patch_size)
    return facts.normal("input_masks", BATCH, 1, 4 * (height // step), 4 * (width // step))


def _visual_pos(facts: Facts) -> Any:
    return facts.normal("visual_pos", BATCH, 6, int(facts.find("visual_pos_dim") or 4)).sigmoid()


def _task_inputs(facts: Facts) -> Any:
    return facts.whole(
        "task_inputs", 1, int(facts.find("vocab_size") or 100), BATCH, int(facts.find("task_seq_len") or 8)
    )


def _merge(facts: Facts) -> Any:
    import torch

    return torch.tensor([int(facts.find("spatial_merge_size") or MERGE)] * BATCH)


def _high_resolution(facts: Facts) -> Any:
    """A second, larger image, of the size that the part of the configuration with that name states."""
    height, width = pair(facts.find("image_size", within=("high_res",)) or 64)
    return facts.normal("high_res_pixel_values", BATCH, channels(facts), height, width)


def _seconds(facts: Facts) -> Any:
    import torch

    return torch.tensor([0.5, 1.0])


def _boxes(facts: Facts) -> Any:
    """One box (two corners, in pixels) beside the points of each image; without points two (centre, size), one wanted
    and one not."""
    import torch

    if facts.has("input_points"):
        corners = facts.normal("input_boxes", BATCH, 1, 2, 2).sigmoid() * _prompted_side(facts)
        return corners.sort(dim=2).values.flatten(2)
    made = {"input_boxes": facts.normal("input_boxes", BATCH, 2, 4).sigmoid()}
    if facts.wants("input_boxes_labels"):
        made["input_boxes_labels"] = torch.tensor([[1, 0]] * BATCH)
    return made


def _codebook(facts: Facts) -> Any:
    """What pre-training on masked text and image takes: pixels for the codebook, eight a side a patch, and masks."""
    from archsweep.archs.inputs.text import FIRST, draw_ids

    height, width = (size // (patch(facts) or 16) for size in side(facts))
    words = draw_ids(facts, "input_ids", int(facts.hints.get("text_length", TEXT)))
    words[:, 3:6] = FIRST
    return {
        "codebook_pixel_values": facts.normal("codebook_pixel_values", BATCH, 3, height * 8, width * 8).sigmoid(),
        "bool_masked_pos": facts.whole("bool_masked_pos", 0, 2, BATCH, height, width).bool(),
        "input_ids_masked": words,
    }


def _audio_sizes(facts: Facts) -> Any:
    """How many features each sound gives once those of its steps that a mask shows are merged."""
    import torch

    from archsweep.archs.inputs.audio import FEATURE_MASKS, shorter

    heard = shorter(int(facts.hints.get("steps", 96))) if any(facts.wants(name) for name in FEATURE_MASKS) else None
    steps = torch.tensor([int(facts.hints.get("steps", 96))] * BATCH) if heard is None else heard.sum(dim=1)
    return steps // int(facts.find("time_reduction", within=("audio",)) or 8)


def _structure(facts: Facts) -> Any:
    """How many classes each row asks for; the texts of all classes of all rows stand below each other."""
    import torch

    from archsweep.archs.inputs.text import draw_ids, mask

    ids = torch.cat([draw_ids(facts, f"classes_{row}", 6) for row in range(CHOICES)])
    return {
        "classes_input_ids": ids,
        "classes_attention_mask": torch.cat([mask(6, shorter=2)] * CHOICES),
        "classes_structure": torch.tensor([CHOICES] * BATCH),
    }


def _any_inputs(facts: Facts) -> Any:
    """What a class takes that reads anything: ids, an image, or rows as wide as the model, by its task."""
    from archsweep.archs.inputs.text import draw_ids

    if facts.mapped("MASKED_LM") or facts.mapped("SEQUENCE_CLASSIFICATION"):
        return draw_ids(facts, "inputs", int(facts.find("max_position_embeddings") or 14))
    if facts.mapped("IMAGE_CLASSIFICATION"):
        return facts.normal("inputs", BATCH, channels(facts), *side(facts))
    return facts.normal("inputs", BATCH, 12, _hidden_width(facts))


def _tokens(facts: Facts, name: str) -> Any:
    from archsweep.archs.inputs.text import draw_ids, mask

    made = {name: draw_ids(facts, name, 8)}
    masked = name.replace("input_ids", "attention_mask")
    if facts.wants(masked):
        made[masked] = mask(8, shorter=2)
    return made


def _languages(facts: Facts) -> Any:
    """One language for each row, where there are several."""
    known = facts.find("languages", "num_languages")
    count = len(known) if isinstance(known, list | tuple) else int(known or 1)
    return facts.whole("lang_ids", 0, count, BATCH) if count > 1 else None


def _protein(facts: Facts) -> Any:
    """Residues of a protein beside the text, of the vocabulary of the part that reads them."""
    from archsweep.archs.inputs.text import draw_ids, mask

    limit = facts.find("vocab_size", within=("protein",))
    made = {"protein_input_ids": draw_ids(facts, "protein_input_ids", TEXT, int(limit) if limit else None)}
    if facts.wants("protein_attention_mask"):
        made["protein_attention_mask"] = mask(TEXT, facts.shorter)
    return made


def _aspects(name: str) -> Callable[[Facts], Any]:
    """A second and a third reading of each token of the text, with a table each: its shape, its sound."""

    def ids(facts: Facts) -> Any:
        size = facts.find(name.removeprefix("input_").replace("_ids", "_vocab_size"))
        return facts.whole(name, 0, int(size), BATCH, int(facts.hints.get("text_length", TEXT))) if size else None

    return ids


def _entities(facts: Facts) -> Any:
    """Two things that a text speaks of: which they are, and which tokens mention them (-1: no more)."""
    import torch

    longest = int(facts.find("max_mention_length") or 30)
    where = torch.full((BATCH, CHOICES, longest), -1)
    where[..., :2] = torch.tensor([[1, 2], [4, 5]])
    made = {
        "entity_ids": facts.whole("entity_ids", 1, int(facts.find("entity_vocab_size") or 2), BATCH, CHOICES),
        "entity_position_ids": where,
    }
    if facts.wants("entity_attention_mask"):
        made["entity_attention_mask"] = torch.tensor([[1, 1], [1, 0]])
    return made


_MAKERS: dict[str, Callable[[Facts], Any]] = {
    "lang_ids": _languages,
    "protein_input_ids": _protein,
    "input_shape_ids": _aspects("input_shape_ids"),
    "input_pronunciation_ids": _aspects("input_pronunciation_ids"),
    "entity_ids": _entities,
    "marks": heads.marks,
    "state": heads.state,
    "hidden_states": _hidden_states,
    "encoder_hidden_states": _encoder_hidden_states,
    "flattened_patches": _flattened,
    "input_points": _points,
    "input_labels": _point_labels,
    "input_masks": _prompt_masks,
    "visual_feats": lambda facts: facts.normal("visual_feats", BATCH, 6, int(facts.find("visual_feat_dim") or 32)),
    "visual_pos": _visual_pos,
    "visual_embeds": lambda facts: facts.normal(
        "visual_embeds", BATCH, 6, int(facts.find("visual_embedding_dim") or 32)
    ),
    "task_inputs": _task_inputs,
    "high_res_pixel_values": _high_resolution,
    "second_per_grid_ts": _seconds,
    "video_second_per_grid": _seconds,
    "input_boxes": _boxes,
    "codebook_pixel_values": _codebook,
    "audio_embed_sizes": _audio_sizes,
    "classes_structure": _structure,
    "tasks_input_ids": lambda facts: _tokens(facts, "tasks_input_ids"),
    "inputs": _any_inputs,
    "query_embeds": lambda facts: facts.normal("query_embeds", BATCH, 6, _hidden_width(facts)),
    "merge_sizes": _merge,
    "image_merge_sizes": _merge,
    "video_merge_sizes": lambda facts: _merge(facts) if facts.wants("pixel_values_videos") else None,
    "qformer_input_ids": lambda facts: _tokens(facts, "qformer_input_ids"),
    "audio_codes": lambda facts: facts.whole(
        "audio_codes",
        0,
        int(facts.find("codebook_size") or 16),
        BATCH,
        int(facts.find("num_quantizers", "n_codebooks", "num_codebooks") or 2),
        8,
    ),
}
_BESIDE: dict[str, tuple[str, ...]] = {  # inputs that mean nothing without another
    "input_boxes": ("pixel_values",),
    "protein_input_ids": ("input_ids",),
    "input_shape_ids": ("input_ids",),
    "input_pronunciation_ids": ("input_ids",),
    "entity_ids": ("input_ids",),
    "input_masks": ("pixel_values",),
    "audio_embed_sizes": ("audio_input_features",),
    "second_per_grid_ts": ("video_grid_thw",),
    "video_second_per_grid": ("video_grid_thw",),
    "high_res_pixel_values": ("pixel_values",),
}
_INSTEAD: dict[str, tuple[str, ...]] = {"inputs": ("pixel_values", "input_ids", *FEATURES, *WAVES)}  # one or other
_MEANINGFUL = (
    "codebook_pixel_values",
    "audio_embed_sizes",
    "high_res_pixel_values",
    "second_per_grid_ts",
    "video_second_per_grid",
    "flattened_patches",
    "input_points",
    "input_labels",
    "input_boxes",
    "input_masks",
    "visual_feats",
    "visual_pos",
    "task_inputs",
    "visual_embeds",
    "image_merge_sizes",
    "video_merge_sizes",
    "qformer_input_ids",
    "lang_ids",
    "protein_input_ids",
    "input_shape_ids",
    "input_pronunciation_ids",
    "entity_ids",
)


def sighted(facts: Facts, made: dict[str, Any]) -> None:
    """Masks over text and images: which word sees which image, or which tile of it. The first words see none."""
    import torch

    if "input_ids" not in made:
        return
    words = torch.ones_like(made["input_ids"])
    words[:, :2] = 0
    if facts.wants("cross_attention_mask") and "aspect_ratio_ids" in made:
        tiles = made.get("aspect_ratio_mask")
        if tiles is not None:
            made["cross_attention_mask"] = words[:, :, None, None] * tiles[:, None]
    pixels = made.get("pixel_values")
    if facts.wants("image_attention_mask") and pixels is not None and pixels.dim() == 5:
        made["image_attention_mask"] = words[:, :, None].repeat(1, 1, pixels.shape[1])
