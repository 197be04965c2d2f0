"""Images and videos in every layout that a forward signature may ask for. Knows field names, never architectures."""

from __future__ import annotations

from typing import Any

from archsweep.archs.inputs.facts import BATCH, Facts, pair

VISION = ("vision", "image", "visual", "backbone", "encoder", "patch", "vit")
FRAMES = 4
MERGE = 2
IMAGES = ("pixel_values", "pixel_values_images", "image_pixel_values", "images", "image", "pixel_values_image")
VIDEOS = ("pixel_values_videos", "video_pixel_values", "videos")
SEVERAL = ("image_encoder_embeddings", "action_embeds", "actions", "image_pixel_values")


def channels(facts: Facts) -> int:
    found = facts.find("num_channels", "in_channels", "in_chans", "input_channels", "image_channels", within=VISION)
    if isinstance(found, list | tuple):
        found = found[0]
    return int(found) if isinstance(found, int) and found > 0 else 3


def side(facts: Facts) -> tuple[int, int]:
    """Height and width in pixels."""
    found = facts.find(
        "image_size", "img_size", "max_img_size", "input_resolution", "pretrain_image_size", "input_size", within=VISION
    )
    if isinstance(found, list | tuple) and not found:
        found = None
    if found is None and isinstance(patch(facts), int) and facts.find("num_patches"):
        found = None
    height, width = pair(found) if found is not None else (64, 64)
    step = patch(facts) or 1
    if facts.has("prompt_pixel_values") and height >= 2 * width:  # a prompt stands above the image
        height //= 2
    return max(height, step), max(width, step)


def patch(facts: Facts) -> int | None:
    found = facts.find("patch_size", "spatial_patch_size", within=VISION)
    if isinstance(found, list | tuple):
        found = found[-1] if found else None
    return int(found) if isinstance(found, int) else None


def frames(facts: Facts) -> int:
    found = facts.find("num_frames", "frames_per_clip", "n_frames", within=VISION)
    return int(found) if isinstance(found, int) and found > 1 else FRAMES


def image_inputs(facts: Facts) -> dict[str, Any]:
    """pixel_values in the layout that the other parameters of the signature imply, with masks, grids and sizes."""
    made: dict[str, Any] = {}
    for name in IMAGES:
        if facts.wants(name) and wants_images(facts, name):
            made.update(_pixels(facts, name))
            break
    return made


def wants_images(facts: Facts, name: str) -> bool:
    declared = getattr(facts.kind, "input_modalities", None) or ()
    declared = (declared,) if isinstance(declared, str) else tuple(declared)
    return (
        bool(facts.hints.get("all"))
        or name in facts.hints.get("also", ())
        or facts.main_input == name
        or facts.required(name)
        or not declared
        or bool({"image", "video"} & set(declared))
    )


def _pixels(facts: Facts, name: str) -> dict[str, Any]:
    layout = facts.hints.get("layout") or implied_layout(facts)
    made: dict[str, Any] = {}
    height, width = side(facts)
    if layout == "patches":
        made.update(flat_patches(facts, name))
    elif layout == "shapes":
        made.update(shaped_patches(facts, name))
    elif layout == "positions":
        made.update(positioned_patches(facts, name))
    elif layout == "video":
        made[name] = facts.normal(name, BATCH, frames(facts), channels(facts), height, width)
    elif layout == "video-channels":
        made[name] = facts.normal(name, BATCH, channels(facts), frames(facts), height, width)
    elif layout == "cells":
        made.update(cells(facts, name))
    elif layout == "pooled":
        made.update(pooled_patches(facts, name))
    elif layout == "packed":
        made.update(packed_patches(facts, name, "target_sizes"))
    elif layout == "tiles":
        made.update(tiled(facts, name))
    elif layout == "images":
        count = int(facts.hints.get("images", 2))
        made[name] = facts.normal(name, BATCH, count, channels(facts), height, width)
    else:
        made[name] = facts.normal(name, BATCH, channels(facts), height, width)
    _masks(facts, made, name, height, width)
    return made


def implied_layout(facts: Facts) -> str:
    """The layout that the signature's other parameters give away."""
    if any(facts.has(grid) for grid in ("image_grid_thw", "grid_thw", "image_grid_hws", "grid_hws", "image_grid_hw")):
        return "patches"
    if facts.has("spatial_shapes"):
        return "shapes"
    if any(facts.has(found) for found in ("pixel_position_ids", "image_position_ids")):
        return "positions"
    if facts.has("aspect_ratio_ids"):
        return "tiles"
    if facts.has("image_token_pooling"):
        return "pooled"
    if facts.has("target_sizes") and facts.main_input != "target_sizes":
        return "packed"
    if any(facts.has(found) for found in (*SEVERAL, "pixel_attention_mask")) or facts.mapped("KEYPOINT_MATCHING"):
        return "images"
    if facts.find("temporal_patch_size", within=("vision",)) and facts.find("patch_size", within=("vision",)):
        return "cells"
    stated = facts.find("num_frames", within=("vision",))
    moving = not any(facts.has(found) for found in VIDEOS) and not facts.mapped("IMAGE_CLASSIFICATION")
    if isinstance(stated, int) and stated > 1 and moving:
        return "video"
    if facts.mapped("VIDEO_CLASSIFICATION"):
        return "video"
    return "image"


def _merged(facts: Facts) -> int:
    """How many patches along each side of an image become one feature."""
    merge = facts.find("spatial_merge_size", "merge_size", within=VISION) or 1
    merge = merge[-1] if isinstance(merge, list | tuple) else int(merge)
    kernel = facts.find("merge_kernel_size", within=VISION)
    if facts.has("merge_sizes") or facts.has("image_merge_sizes"):
        merge = max(merge, MERGE)
    merge = max(merge, int(kernel[-1]) if isinstance(kernel, list | tuple) else int(kernel or 1))
    ratio = facts.find("downsample_ratio")
    return max(merge, round(1 / ratio)) if isinstance(ratio, float) and 0 < ratio < 1 else merge


def flat_patches(facts: Facts, name: str, video: bool = False) -> dict[str, Any]:
    """Patches of all images in one table (images·t·h·w, C·temporal·patch²) with one (t, h, w) row an image."""
    import torch

    step = patch(facts) or 14
    merge = _merged(facts)
    window = facts.find("window_size", within=("vision",))
    temporal = facts.find("temporal_patch_size", "patch_temporal", within=VISION) or 1
    temporal = temporal[0] if isinstance(temporal, list | tuple) else int(temporal)
    tall, wide = 2 * merge, 2 * merge + merge
    if isinstance(window, int) and window > 1 and window // step // max(merge, 1) > 0:
        wide = 4 * merge
    time = int(facts.hints.get("video_time", 2)) if video else 1
    depth = channels(facts) * int(facts.hints.get("temporal", temporal)) * step * step
    made: dict[str, Any] = {}
    grid = [[time, tall, wide], [time, tall, tall]]
    total = sum(t * h * w for t, h, w in grid)
    made[name] = facts.normal(name, total, depth)
    if _channels_last(facts, name):  # a row for each token of the text, and grids that count tokens
        grid = [[t, h // merge, w // merge] for t, h, w in grid]
        cell = step * merge
        made[name] = facts.normal(name, total // merge**2, cell, cell, channels(facts))
    if facts.hints.get("patch_rows"):  # a row for each image, filled up to the longest
        from torch.nn.utils.rnn import pad_sequence

        parts = made[name].split([t * h * w for t, h, w in grid])
        made[name] = pad_sequence(list(parts), batch_first=True)
    elif facts.hints.get("patch_images"):
        made[name] = made[name].reshape(total, channels(facts), -1, step)
    if facts.hints.get("patch_images") == "batched":
        made[name] = made[name][None]
    for key in (
        ("video_grid_thw",) if video else ("image_grid_thw", "grid_thw", "image_grid_hws", "grid_hws", "image_grid_hw")
    ):
        if facts.wants(key):
            rows = grid if "thw" in key else [row[1:] for row in grid]
            made[key] = torch.tensor(rows)
    if facts.wants("images_per_sample") and not video:  # each image is followed by the grid of one to be made
        made["image_grid_thw"] = torch.tensor([row for item in grid for row in (item, grid[-1])])
        made["images_per_sample"] = torch.tensor([2] * BATCH)
    return made


def _channels_last(facts: Facts, name: str) -> bool:
    """Whether the documentation gives rows of pixels with their channels at the end."""
    from archsweep.archs.inputs.documented import documentation

    shape = documentation(facts, name)[1]
    return bool(facts.hints.get("channels_last")) or (len(shape) == 4 and "channel" in shape[-1])


def cells(facts: Facts, name: str) -> dict[str, Any]:
    """Small clips (tokens, temporal patch, patch, patch, C), one for each token of the text."""
    step = patch(facts) or 16
    time = facts.find("temporal_patch_size", within=VISION)
    time = time[0] if isinstance(time, list | tuple) else int(time)
    return {name: facts.normal(name, 3 * BATCH, time, step, step, channels(facts))}


def shaped_patches(facts: Facts, name: str) -> dict[str, Any]:
    """Patches (batch, tokens, C·patch²) with spatial_shapes (batch, 2) and a mask of the real ones."""
    import torch

    step = patch(facts) or 16
    count = facts.find("num_patches", "max_num_patches", within=VISION)
    tokens = min(16, int(count)) if isinstance(count, int) else 16
    made = {name: facts.normal(name, BATCH, tokens, channels(facts) * step * step)}
    made["spatial_shapes"] = torch.tensor([[4, 4], [2, 4]])
    if facts.wants("pixel_attention_mask"):
        real = torch.ones(BATCH, tokens, dtype=torch.long)
        real[1, 8:] = 0
        made["pixel_attention_mask"] = real
    return made


def packed_patches(facts: Facts, name: str, sizes: str) -> dict[str, Any]:
    """Patches of all images side by side in one row (1, C, patch, sum of h·w·patch) with (h, w) of each."""
    import torch

    step = patch(facts) or 14
    grid = torch.tensor([[4, 8], [4, 8]])
    return {name: facts.normal(name, 1, channels(facts), step, int(grid.prod(dim=1).sum()) * step), sizes: grid}


def pooled_patches(facts: Facts, name: str, video: bool = False) -> dict[str, Any]:
    """Patches of crops or frames (crops, patches, C·patch²), which of them each token of the text pools (-1: none), and
    how many tokens stand in rows and columns: of an image small and large, of a video in each of its frames."""
    import torch

    step = patch(facts) or 14
    height, width = side(facts)
    tall, wide = height // step, width // step
    made = {name: facts.normal(name, 2 * BATCH, tall * wide, channels(facts) * step * step)}
    rows, columns = -(-tall // MERGE), -(-wide // MERGE)
    padded = torch.full((2 * BATCH, rows * MERGE, columns * MERGE), -1)
    padded[:, :tall, :wide] = torch.arange(2 * BATCH * tall * wide).reshape(-1, tall, wide)
    blocks = padded.reshape(-1, rows, MERGE, columns, MERGE).transpose(2, 3)
    kind = "video" if video else "image"
    made[f"{kind}_token_pooling"] = blocks.reshape(-1, MERGE * MERGE)
    made[f"{kind}_grids"] = torch.tensor([[2, rows, columns] if video else [rows, columns] * 2] * BATCH)
    if facts.wants("image_num_crops") and not video:
        made["image_num_crops"] = torch.tensor([2] * BATCH)
    return made


def positioned_patches(facts: Facts, name: str, video: bool = False) -> dict[str, Any]:
    """Patches (images or frames, tokens, C·patch²) with (x, y) positions for each, (-1, -1) for padding."""
    import torch

    step = patch(facts) or 16
    pool = int(facts.find("pooling_kernel_size", within=VISION) or 1)
    merged = any(isinstance(getattr(type(node), "model_patch_size", None), property) for _, node in facts.nodes())
    step *= pool if merged or facts.find("model_patch_size", within=VISION) else 1
    tall, wide = 2 * pool, 3 * pool
    count = BATCH * 2 if video else BATCH
    made = {name: facts.normal(name, count, tall * wide, channels(facts) * step * step).sigmoid()}
    rows, columns = torch.meshgrid(torch.arange(tall), torch.arange(wide), indexing="ij")
    where = torch.stack([columns, rows], dim=-1).reshape(1, -1, 2).repeat(count, 1, 1)
    if not facts.hints.get("whole_images"):
        real = where[-1, :, 0] < 2 * pool  # the last one is narrower: its real patches first, then padding
        where[-1] = torch.cat([where[-1, real], torch.full_like(where[-1, ~real], -1)])
    if video and facts.hints.get("frame_axis"):
        made[name], where = (item.unflatten(0, (BATCH, -1)) for item in (made[name], where))
    for key in ("video_position_ids",) if video else ("pixel_position_ids", "image_position_ids"):
        if facts.wants(key):
            made[key] = where
    if video and facts.wants("num_frames_per_video"):
        made["num_frames_per_video"] = torch.tensor([2] * BATCH)
    return made


def tiled(facts: Facts, name: str) -> dict[str, Any]:
    """Images in tiles (batch, images, tiles, C, H, W) with their aspect ratios."""
    import torch

    tiles = int(facts.find("max_num_tiles", within=VISION) or 4)
    height, width = side(facts)
    rank = facts.hints.get("tile_rank", 6)
    if rank == 6:
        made = {name: facts.normal(name, BATCH, 1, tiles, channels(facts), height, width)}
    else:
        made = {name: facts.normal(name, BATCH, tiles, channels(facts), height, width)}
    ratios = facts.find("supported_aspect_ratios", within=VISION) or [[1, 1]]
    counts = [ratio[0] * ratio[1] for ratio in ratios]
    chosen = (counts.index(max(counts)), counts.index(min(counts)))
    made["aspect_ratio_ids"] = torch.tensor([[item + 1] for item in chosen])
    real = torch.tensor([[[1] * min(counts[item], tiles) + [0] * (tiles - counts[item])] for item in chosen])
    if facts.wants("aspect_ratio_mask"):
        made["aspect_ratio_mask"] = real
    shape = (BATCH, 1, tiles, 1, 1, 1) if rank == 6 else (BATCH, tiles, 1, 1, 1)
    made[name] = made[name] * real.reshape(shape)
    return made


def _masks(facts: Facts, made: dict[str, Any], name: str, height: int, width: int) -> None:
    import torch

    pixels = made[name]
    if facts.wants("pixel_mask") and "pixel_mask" not in made:
        real = torch.ones(BATCH, pixels.shape[-2], pixels.shape[-1], dtype=torch.long)
        real[1, :, pixels.shape[-1] // 2 :] = 0  # half of the width: the coarsest feature map must see it
        made["pixel_mask"] = real
        if pixels.dim() == 4:
            made[name] = pixels * real[:, None]
    if facts.wants("pixel_attention_mask") and "pixel_attention_mask" not in made and pixels.dim() == 5:
        real = torch.ones(*pixels.shape[:2], *pixels.shape[-2:], dtype=torch.bool)
        if facts.hints.get("image_mask") or any(facts.has(found) for found in SEVERAL):
            made["pixel_attention_mask"] = real[..., 0, 0]
        else:
            real[1, :, :, pixels.shape[-1] // 2 :] = False
            made["pixel_attention_mask"] = real
            made[name] = pixels * real[:, :, None]
    if name == "image_pixel_values" and facts.wants("image_attention_mask"):
        step = patch(facts) or 14
        made["image_attention_mask"] = torch.ones(*pixels.shape[:2], height // step, width // step, dtype=torch.long)
    if facts.wants("image_sizes") and facts.hints.get("image_sizes", True):
        made["image_sizes"] = torch.tensor([[height, width]] * BATCH)
    if facts.wants("bool_masked_pos") and (facts.required("bool_masked_pos") or facts.mapped("MASKED_IMAGE")):
        made["bool_masked_pos"] = _masked_positions(facts, height, width)


def _masked_positions(facts: Facts, height: int, width: int) -> Any:
    step = patch(facts) or 16
    tokens = (height // step) * (width // step)
    tube = facts.find("tubelet_size")
    if isinstance(tube, int) and facts.find("num_frames"):
        tokens *= frames(facts) // tube
    made = facts.whole("bool_masked_pos", 0, 2, 1, tokens).bool()
    return made.repeat(BATCH, 1)


def video_inputs(facts: Facts) -> dict[str, Any]:
    """pixel_values_videos beside or instead of images."""
    made: dict[str, Any] = {}
    name = next((key for key in VIDEOS if facts.wants(key)), None)
    if name is None:
        return made
    height, width = side(facts)
    if facts.has("video_token_pooling"):
        made.update(pooled_patches(facts, name, video=True))
    elif facts.has("video_position_ids"):
        made.update(positioned_patches(facts, name, video=True))
    elif facts.has("target_sizes_videos"):
        made.update(packed_patches(facts, name, "target_sizes_videos"))
    elif facts.has("video_grid_thw") or facts.hints.get("video_layout") == "patches":
        made.update(flat_patches(facts, name, video=True))
    elif facts.hints.get("video_layout") == "frames":
        length = 2 * _merged(facts) * (patch(facts) or 14)
        made[name] = facts.normal(name, BATCH * frames(facts), channels(facts), length, length)
    else:
        made[name] = facts.normal(name, BATCH, frames(facts), channels(facts), height, width)
        if facts.hints.get("video_layout") == "channels":
            made[name] = made[name].transpose(1, 2).contiguous()
    return made
