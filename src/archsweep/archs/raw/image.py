"""An image processor, or a video processor, of a given class, whose images have the sizes that a tiny model takes."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archsweep.archs import eager

PIXELS = 4096  # an edge longer than this counts pixels
SAME = {
    "merge_size": "spatial_merge_size",
    "pooling_kernel_size": "pooling_kernel_size",
}  # other names in configurations
EDGES = {"height", "width", "shortest_edge", "longest_edge", "max_height", "max_width"}
COLOURS = 3
PATCHES = 4  # a side of an image that is cut into patches and has no size of its own, in patches
SWITCHED_OFF = ("apply_ocr", "draw_on_frames")  # what asks another program to read, or a font to write with


def built(
    kind: Any, configs: Sequence[Any], shapes: Mapping[str, Sequence[int]], modules: Iterable[Any] = (), **switches: Any
) -> Any:
    """A processor of the class `kind`, by default but for sizes.

    `configs`: where sizes are stated, the vision part first; `shapes`: of the inputs that the model is known to take;
    `modules`: of the model, which may hold what the class cannot be made without.
    """
    switches |= {name: False for name in SWITCHED_OFF if getattr(kind, name, False)}
    switches |= _required(kind, [*configs, *modules])
    draft = kind(**switches)
    held = draft.to_dict()
    chosen: dict[str, Any] = {name: False for name in SWITCHED_OFF if held.get(name)}
    for name, value in held.items():
        if type(value) is int and (stated := _stated(configs, SAME.get(name, name))) is not None:
            chosen[name] = stated
        if isinstance(value, list) and value and isinstance(value[0], list):  # sizes that images may be cut to
            chosen[name] = next((found for item in configs if (found := getattr(item, name, None))), value)
    height, width = side(configs, shapes)
    size = held.get("size")
    if isinstance(size, Mapping) and size.get("height") is not None and size.get("height") == size.get("width"):
        height = width = max(height, width)  # some classes take no others
    grain = _grain({**held, **chosen})
    cut = shapes.get("pixel_values", (0,) * 4)
    if grain > 1 and len(cut) < 4 and cut[-2] != (height // grain) * (width // grain):
        height = width = grain * PATCHES
    edges = {edge for edge in size.values() if edge and edge > 1} if isinstance(size, Mapping) else set()
    for name, value in held.items():
        if type(value) is int and value in edges:
            chosen[name] = height * width if value > PIXELS else min(height, width)
    for name, value in held.items():
        if name.endswith("size") and isinstance(value, Mapping) and set(value) <= EDGES and name != "patch_size":
            chosen[name] = _sized(value, height, width, grain)
    if type(held.get("temporal_patch_size")) is int and len(cut) < 4:
        frames, rest = divmod(cut[-1], COLOURS * int(chosen.get("patch_size", held.get("patch_size"))) ** 2)
        with contextlib.suppress(*eager.RAISED):  # a class may take no other number
            temporal = {} if rest or not frames else {"temporal_patch_size": frames}
            kind(**{**switches, **chosen, **temporal})
            chosen |= temporal
    for name, value in held.items():  # of a second picture of the same image
        shape = shapes.get(f"{name.removesuffix('_size')}_pixel_values", ())
        if name.endswith("_size") and isinstance(value, Mapping) and len(shape) >= 4:
            chosen[name] = _sized(value, int(shape[-2]), int(shape[-1]), 1)
    if isinstance(held.get("patch_size"), Mapping) and (patch := _stated(configs, "patch_size")) is not None:
        chosen["patch_size"] = {"height": patch, "width": patch}
    return kind(**{**switches, **chosen})


def _required(kind: Any, sources: Sequence[Any]) -> dict[str, Any]:
    """What the class cannot be made without, as far as a configuration or a module has it under the same name."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    empty = inspect.Parameter.empty
    wanted = [item.name for item in parameters if item.default is empty and item.kind is item.POSITIONAL_OR_KEYWORD]
    found = {name: [getattr(item, name) for item in sources if hasattr(item, name)] for name in wanted}
    first = {name: values[0] for name, values in found.items() if values}
    return {name: value.to_dict() if hasattr(value, "to_dict") else value for name, value in first.items()}


def _grain(held: Mapping[str, Any]) -> int:
    """Of how many pixels a side has to be a multiple, where images are cut into patches."""
    patch = held.get("patch_size")
    edge = patch.get("height", 1) if isinstance(patch, Mapping) else patch
    merged = held.get("merge_size") or held.get("pooling_kernel_size") or 1
    return int(edge or 1) * int(merged)


def side(configs: Iterable[Any], shapes: Mapping[str, Sequence[int]]) -> tuple[int, int]:
    """(height, width) of the images that the model takes."""
    for name in ("pixel_values", "pixel_values_videos", "pixel_values_images", "images"):
        shape = shapes.get(name, ())
        if len(shape) >= 4:
            return int(shape[-2]), int(shape[-1])
    for config in configs:
        stated = getattr(config, "image_size", None) or getattr(config, "input_size", None)
        if isinstance(stated, int):
            return stated, stated
        if isinstance(stated, list | tuple) and len(stated) >= 2:
            return int(stated[-2]), int(stated[-1])
    return 32, 32


def _stated(configs: Iterable[Any], name: str) -> int | None:
    """The first whole number that a configuration has under this name."""
    for config in configs:
        value = getattr(config, name, None)
        if type(value) is int:
            return value
        if isinstance(value, list | tuple) and value and all(item == value[-1] for item in value[-2:]):
            return int(value[-1]) if type(value[-1]) is int else None
    return None


def _sized(value: Mapping[str, Any], height: int, width: int, grain: int) -> dict[str, int]:
    """A size of the same form: fixed sides, the shorter or the longer one, or how many pixels there may be."""
    given = {name: edge for name, edge in value.items() if edge is not None}
    if max(given.values(), default=0) > PIXELS:
        return {"shortest_edge": grain * grain, "longest_edge": height * width}
    chosen = {"height": height, "width": width, "shortest_edge": min(height, width), "longest_edge": max(height, width)}
    chosen |= {"max_height": height, "max_width": width}
    return {name: chosen[name] for name in given if name in chosen}
