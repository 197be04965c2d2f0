"""Sizes of images: of the form that a processor has them in, and of the inputs that the model is known to take."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from archsweep.archs.raw import image


class Processor:
    """Takes what it is given, as image processors do."""

    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, **given: Any) -> None:
        self._held = {**self.defaults, **given}

    def to_dict(self) -> dict[str, Any]:
        return self._held


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ({"height": 224, "width": 224}, {"height": 30, "width": 30}),
        ({"height": 224, "width": 112}, {"height": 30, "width": 20}),
        ({"shortest_edge": 224}, {"shortest_edge": 20}),
        ({"shortest_edge": 800, "longest_edge": 1333}, {"shortest_edge": 20, "longest_edge": 30}),
        ({"shortest_edge": 3136, "longest_edge": 1003520}, {"shortest_edge": 1, "longest_edge": 600}),
    ],
)
def test_a_size_keeps_its_form(size: dict[str, int], wanted: dict[str, int]) -> None:
    kind = type("Kind", (Processor,), {"defaults": {"size": size}})
    assert image.built(kind, [], {"pixel_values": (2, 3, 30, 20)}).to_dict()["size"] == wanted


def test_patches_are_those_of_the_configuration() -> None:
    kind = type(
        "Kind", (Processor,), {"defaults": {"size": {"height": 9, "width": 9}, "patch_size": 14, "merge_size": 2}}
    )
    vision = SimpleNamespace(patch_size=4, spatial_merge_size=3)
    made = image.built(kind, [vision], {"pixel_values": (50, 48)}).to_dict()
    assert (made["patch_size"], made["merge_size"]) == (4, 3)
    assert made["size"] == {"height": 4 * 3 * image.PATCHES, "width": 4 * 3 * image.PATCHES}


def test_no_other_program_is_asked_to_read() -> None:
    kind = type("Kind", (Processor,), {"defaults": {"apply_ocr": True}})
    assert image.built(kind, [], {}).to_dict()["apply_ocr"] is False
