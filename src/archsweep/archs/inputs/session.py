"""The data of a session over a video: its frames, and what is asked about them. Knows names, never architectures."""

from __future__ import annotations

from typing import Any

from archsweep.archs import sessions
from archsweep.archs.inputs.facts import TEXT, Facts
from archsweep.archs.inputs.image import channels, side
from archsweep.archs.inputs.text import draw_ids, mask

FRAMES, OBJECTS = 2, 2


def session_inputs(facts: Facts) -> dict[str, Any]:
    """Data for every parameter that wants a session, which goes through all frames in turn, asked about the first."""
    made: dict[str, Any] = {}
    for name, kind in sessions.classes(facts.kind).items():
        height, width = side(facts)
        data: dict[str, Any] = {"video": facts.normal(name, FRAMES, channels(facts), height, width)}
        data |= {"video_height": height, "video_width": width}
        if hasattr(kind, "add_point_inputs"):
            data |= _points(facts, kind, height, width)
        elif hasattr(kind, "add_prompt"):
            data |= _prompt(facts)
        if facts.has("frame_idx"):
            data[sessions.TURNS] = {"frame_idx": list(range(FRAMES))}
        made[name] = data
    return made


def _points(facts: Facts, kind: type, height: int, width: int) -> dict[str, Any]:
    """Two objects: one with a point on it and a point beside it, one with its mask where the session takes masks."""
    import torch

    calls: list[list[Any]] = []
    for item in range(OBJECTS):
        scale = torch.tensor([width, height])
        points = {
            "point_coords": facts.normal(f"points_{item}", 1, 1, 2, 2).sigmoid() * scale,
            "point_labels": torch.tensor([[[1, 0]]], dtype=torch.int32),
        }
        calls.append(["obj_id_to_idx", {"obj_id": item + 1}])
        given: dict[str, Any] = {"obj_idx": item, "frame_idx": 0, "inputs": points}
        if item and hasattr(kind, "add_mask_inputs") and not facts.hints.get("points_alone"):
            covered = torch.zeros(1, 1, height, width)
            covered[..., height // 4 : height // 2, width // 4 :] = 1.0
            calls.append(["add_mask_inputs", {**given, "inputs": covered}])
        else:
            calls.append(["add_point_inputs", given])
    return {sessions.CALLS: calls, sessions.HELD: {"obj_with_new_inputs": [item + 1 for item in range(OBJECTS)]}}


def _prompt(facts: Facts) -> dict[str, Any]:
    """One text to look for, as ids."""
    ids = draw_ids(facts, "prompt", TEXT)[1:]
    return {
        sessions.CALLS: [["add_prompt", {"prompt_text": "prompt"}]],
        sessions.HELD: {"prompt_input_ids": {0: ids}, "prompt_attention_masks": {0: mask(TEXT)[1:]}},
    }
