"""Placeholder tokens in the text for every image, video or audio feature, as many as the model makes of its inputs.

Asks the model itself how many features an input gives; knows no architecture.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from archsweep.archs import eager, rows
from archsweep.archs.inputs.facts import BATCH, Facts
from archsweep.archs.inputs.image import IMAGES, VIDEOS
from archsweep.archs.inputs.text import pad_id, vocabulary

KINDS: dict[str, tuple[str, ...]] = {
    "image": IMAGES,
    "video": VIDEOS,
    "audio": (
        "input_features",
        "input_values",
        "audio_values",
        "audio_features",
        "input_audio",
        "audio_input_features",
    ),
}
_NAME = re.compile(
    r"^(im|img|image|video|audio|speech|sound)_?[a-z_]*(token_id|token_index|patch_id|soft_token_id|placeholder_id)$"
)
_NOT = re.compile(r"start|end|bos|eos|boi|eoi|begin|pad|newline|row|break|sep")


_BRACKETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "image": (("image_start", "vision_start", "image_begin", "boi"), ("image_end", "vision_end", "eoi")),
    "video": (("video_start", "vision_start", "video_begin", "bov"), ("video_end", "vision_end", "eov")),
    "audio": (("audio_start", "audio_bos", "audio_begin", "boa"), ("audio_end", "audio_eos", "eoa")),
}
LEAST = {"image": 1, "video": 1, "audio": 2}  # one for a sound is the older form, which a class may fill in by itself
ROOM = 64  # placeholders in a row of a text that is asked how many there must be
_POSITIONS = ("image_embeds_position_mask", "images_seq_mask", "image_attention_positions")


@dataclass(frozen=True)
class Run:
    """Placeholders that stand side by side in one row, with the tokens that open and close them."""

    row: int
    token: int
    length: int
    opening: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()


def place(facts: Facts, made: dict[str, Any]) -> None:
    """Insert placeholder tokens into `input_ids` of `made`: a run for each image, video or sound, in its own row."""
    if "input_ids" not in made:
        return
    runs: list[Run] = []
    for kind, names in KINDS.items():
        fed = next((name for name in names if name in made), None)
        alias = "image" if kind == "video" and facts.hints.get("video_as_image") else kind
        token = token_of(facts, alias) if fed else None
        if token is None and fed and kind == "image" and any(facts.wants(name) for name in _POSITIONS):
            token = vocabulary(facts) - 1  # a mask says where the images are, so any token will do
        if token is None:
            continue
        counts = facts.hints.get(f"{kind}_features")
        if not counts and f"{kind}_embed_sizes" in made:
            counts = made[f"{kind}_embed_sizes"].tolist()
        if not counts and facts.model is not None:
            counts = (
                count_features(facts, kind, made, token) or [LEAST[kind]] * BATCH
            )  # the error of a wrong number tells the right one
            queries = facts.find("num_query_tokens")
            if kind == "image" and counts in (BATCH, [LEAST[kind]] * BATCH) and queries:  # which read a whole tower
                counts = [queries] * BATCH
        if counts:
            facts.hints[f"{kind}_features"] = counts
            runs.extend(_runs(facts, made, kind, token, counts))
    if runs:
        _insert(facts, made, runs)


def _runs(facts: Facts, made: Mapping[str, Any], kind: str, token: int, counts: int | list[int]) -> list[Run]:
    """Runs in the order of the items they stand for; a bare total is split by the items' grids, or evenly."""
    batch = made["input_ids"].shape[0]
    grid = made.get(f"{kind}_grid_thw")
    if grid is not None and kind == "image" and "images_per_sample" in made:
        grid = grid[::2]  # every second grid is of an image yet to be made
    if isinstance(counts, int) and grid is not None:
        cells = grid.prod(dim=-1)
        shares = (cells * counts // cells.sum()).tolist()
        counts = shares if sum(shares) == counts else counts
    if isinstance(counts, int) and kind == "audio" and counts % batch:  # the rows have not as many each
        counts = _heard(made, counts) or counts
    if isinstance(counts, int):
        counts = [counts // batch + (1 if row < counts % batch else 0) for row in range(batch)]
    opening, closing = (_first_id(facts, names) for names in _BRACKETS[kind])
    found = []
    for item, count in enumerate(counts):
        pieces = 1
        if kind == "video" and facts.hints.get("frames_apart"):
            pieces = int(grid[item, 0]) if grid is not None else 1
        row = item * batch // len(counts)
        found += [Run(row, token, count // pieces, opening, closing) for _ in range(pieces)]
    return found


def _heard(made: Mapping[str, Any], total: int) -> list[int] | None:
    """A bare total split by how much of each row's sound a mask shows; None where no mask tells rows apart."""
    text = made["input_ids"].shape
    for name, mask in made.items():
        if "mask" not in name or mask.ndim != 2 or len(mask) != text[0] or mask.shape == text:
            continue
        shown = mask.bool().sum(1).tolist()
        if len(set(shown)) > 1:
            parts = [total * size / sum(shown) for size in shown]
            missing = total - sum(int(part) for part in parts)
            nearest = sorted(range(len(parts)), key=lambda row: int(parts[row]) - parts[row])[:missing]
            return [int(part) + (row in nearest) for row, part in enumerate(parts)]
    return None


def _first_id(facts: Facts, names: tuple[str, ...]) -> tuple[int, ...]:
    """The id of the first special token that the configuration names, as a sequence of one or none."""
    limit = vocabulary(facts)
    for name in names:
        found = facts.find(f"{name}_token_id", f"{name}_token_index")
        if isinstance(found, int) and 0 <= found < max(limit, int(facts.find("vocab_size") or 0)):
            return (found,)
    return ()


def token_of(facts: Facts, kind: str) -> int | None:
    """The placeholder token of a kind of input, where the configuration names one inside the vocabulary."""
    word = {"image": ("image", "im", "img"), "video": ("video",), "audio": ("audio", "speech", "sound")}[kind]
    for _, node in facts.nodes():
        for name, value in vars(node).items():
            found = _NAME.match(name)
            if found and found.group(1) in word and not _NOT.search(name) and isinstance(value, int) and value >= 0:
                return value
    return None


def count_features(facts: Facts, kind: str, made: Mapping[str, Any], token: int = 0) -> int | list[int] | None:
    """How many features `get_<kind>_features` of the model, or of the model inside, gives for these inputs."""
    import torch

    from archsweep.archs.inputs.facts import signature

    model = facts.model
    for owner in (getattr(model, "model", None), getattr(model, "base_model", None), model):
        ask = getattr(owner, f"get_{kind}_features", None)
        if ask is None:
            continue
        probe = type("Probe", (), {"forward": ask})
        accepted = signature(probe)
        arguments = {
            name: value
            for name, value in made.items()
            if name in accepted and name not in ("input_ids", "attention_mask")
        }
        for name in accepted:
            for long in (
                f"{kind}_{name}",
                name.replace("image", kind).replace("pixel_values", f"pixel_values_{kind}s"),
            ):
                if name not in arguments and long in made:
                    arguments[name] = made[long]
            if name not in arguments and accepted[name].default is inspect.Parameter.empty:
                stated = facts.find(name, within=(kind, "vision"))
                if stated is not None:
                    arguments[name] = stated  # e.g. which layer of a tower gives the features
        if (
            "attention_mask" in accepted
            and "input_ids" not in accepted
            and kind == "audio"
            and "attention_mask" in made
        ):
            mask = made["attention_mask"]
            source = next((made[name] for name in KINDS["audio"] if name in made), None)
            if source is not None and mask.shape[-1] in source.shape:
                arguments["attention_mask"] = mask
        if "input_ids" in accepted and accepted["input_ids"].default is inspect.Parameter.empty:
            arguments["input_ids"] = torch.full((BATCH, ROOM), token)  # it looks for the placeholders itself
        grid = arguments.get(f"{kind}_grid_thw")
        if grid is not None and kind == "image" and "images_per_sample" in made and "images_per_sample" not in accepted:
            grid = arguments[f"{kind}_grid_thw"] = grid[::2]  # every second grid is of an image yet to be made
        with torch.no_grad():
            counted = _counted(ask(**arguments))
            if not isinstance(counted, int):
                return counted
            return _for_each(ask, arguments, grid) or _by_rows(ask, arguments, counted) or counted
    return None


def _by_rows(ask: Callable[..., Any], arguments: Mapping[str, Any], total: int) -> list[int] | None:
    """The features of each row, asked for alone, where it can be and they add up to those of all."""
    parts = rows.apart(arguments)
    try:
        counts = [_counted(ask(**part)) for part in parts or ()]
    except eager.RAISED:  # a row alone may lack an axis that the class counts on
        return None
    whole = [count for count in counts if isinstance(count, int)]
    return whole if sum(whole) == total and len(set(whole)) == len(parts or ()) else None


def _for_each(ask: Callable[..., Any], arguments: Mapping[str, Any], grid: Any) -> list[int] | None:
    """The features of each item of a table of patches, asked for one at a time, where their grids differ."""
    if grid is None or len({tuple(row) for row in grid.tolist()}) < 2:
        return None
    cells = grid.prod(dim=-1).tolist()
    found: list[int] = []
    for item, size in enumerate(cells):
        start = sum(cells[:item])
        one = {
            name: value[start : start + size]
            if hasattr(value, "shape") and value.dim() == 2 and len(value) == sum(cells)
            else value[item : item + 1]
            if value is grid
            else value
            for name, value in arguments.items()
        }
        if any(hasattr(value, "shape") and len(value) == sum(cells) for value in one.values()):
            return None  # a table that no rule knows to divide
        count = _counted(ask(**one))
        found.append(sum(count) if isinstance(count, list) else count or 0)
    return found if all(found) else None


def _counted(found: Any) -> int | list[int] | None:
    """How many features each item gives where the answer tells items apart, else how many in all."""
    pooled = getattr(found, "pooler_output", None)
    if pooled is None:
        pooled = getattr(found, "last_hidden_state", found)
    if isinstance(pooled, list | tuple) and len(pooled) >= BATCH:
        each = [_rows(item) or 0 for item in pooled]
        return each if all(each) else sum(each) or None
    mask = getattr(found, "attention_mask", None)
    if hasattr(pooled, "dim") and mask is not None and mask.shape == pooled.shape[:2]:
        return [int(row.sum()) for row in mask.bool()]
    if hasattr(pooled, "dim") and pooled.dim() == 3 and len(pooled) % BATCH == 0:
        return [int(pooled.shape[1])] * len(pooled)
    return _rows(pooled)


def _rows(pooled: Any) -> int | None:
    if hasattr(pooled, "dim"):
        return int(pooled.numel() // pooled.shape[-1])
    if isinstance(pooled, list | tuple) and pooled:
        return sum(_rows(item) or 0 for item in pooled if item is not None) or None
    return None


def _insert(facts: Facts, made: dict[str, Any], runs: list[Run]) -> None:
    """Weave runs into each row's text, a word between any two; padding stays at the end and as long as it was."""
    import torch

    ids = made["input_ids"]
    batch, length = ids.shape
    mask = made.get("attention_mask", torch.ones_like(ids))
    rows, marks = [], []
    for row in range(batch):
        real = int(mask[row].sum())
        words = ids[row, :real].tolist()
        woven, marked = words[:2], [0, 0]
        rest = words[2:]
        for run in (item for item in runs if item.row == row and item.length):
            inner = [*run.opening, *[run.token] * run.length, *run.closing]
            woven += [*inner, rest.pop(0) if len(rest) > 1 else words[1]]
            marked += [0] * len(run.opening) + [1] * run.length + [0] * (len(run.closing) + 1)
        rows.append(woven + rest)
        marks.append(marked + [0] * len(rest))
    longest = max(len(row) for row in rows) + (length - int(mask.sum(dim=1).max()))
    filler = pad_id(facts)
    made["input_ids"] = torch.tensor([row + [filler] * (longest - len(row)) for row in rows])
    real_mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    if "attention_mask" in made:
        made["attention_mask"] = real_mask
    if "token_type_ids" in made:
        made["token_type_ids"] = torch.zeros_like(real_mask)
    if facts.wants("mm_token_type_ids"):
        made["mm_token_type_ids"] = _types(facts, made["input_ids"])
    for name in _POSITIONS:
        if facts.wants(name):
            made[name] = torch.tensor([row + [0] * (longest - len(row)) for row in marks]).bool()


def _types(facts: Facts, ids: Any) -> Any:
    """Which tokens stand for what: 0 text, 1 image, 2 video, 3 audio."""
    types = ids * 0
    for kind, value in (("image", 1), ("video", 2), ("audio", 3)):
        token = token_of(facts, kind)
        if token is not None:
            types[ids == token] = value
    return types
