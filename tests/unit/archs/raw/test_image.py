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


def test_the_depth_of_patches_in_time_is_that_of_the_numbers_that_the_model_takes() -> None:
    defaults = {"size": {"shortest_edge": 3136, "longest_edge": 1003520}, "patch_size": 14, "temporal_patch_size": 2}
    kind = type("Kind", (Processor,), {"defaults": defaults})
    assert image.built(kind, [], {"pixel_values": (40, 3 * 14 * 14)}).to_dict()["temporal_patch_size"] == 1
    assert image.built(kind, [], {"pixel_values": (40, 3 * 14 * 14 * 2)}).to_dict()["temporal_patch_size"] == 2


def test_an_edge_of_tiles_follows_the_edge_of_an_image() -> None:
    defaults = {"size": {"height": 448, "width": 448}, "tile_size": 448, "max_size": {"longest_edge": 364}, "tiles": 9}
    made = image.built(type("Kind", (Processor,), {"defaults": defaults}), [], {"pixel_values": (2, 3, 64, 64)})
    assert made.to_dict() | {"size": None} == {
        "size": None, "tile_size": 64, "max_size": {"longest_edge": 64}, "tiles": 9,
    }  # fmt: skip


def test_an_image_of_as_many_patches_as_a_configuration_states_keeps_its_side() -> None:
    kind = type("Kind", (Processor,), {"defaults": {"size": {"height": 378, "width": 378}, "patch_size": 14}})
    made = image.built(kind, [SimpleNamespace(image_size=[126, 126])], {"pixel_values": (4, 81, 588)})
    assert made.to_dict()["size"] == {"height": 126, "width": 126}


class Wanting(Processor):
    def __init__(self, table: dict[str, int], **given: Any) -> None:
        super().__init__(table=table, **given)


def test_what_a_class_cannot_be_made_without_is_looked_for_in_the_model() -> None:
    assert image.built(Wanting, [], {}, [SimpleNamespace(), SimpleNamespace(table={"mean": 1})]).to_dict() == {
        "table": {"mean": 1}
    }


def test_a_number_of_pixels_stays_one() -> None:
    defaults = {"size": {"min_pixels": 512 * 512, "max_pixels": 1024 * 1024}, "min_pixels": 512 * 512}
    made = image.built(type("Kind", (Processor,), {"defaults": defaults}), [], {"pixel_values": (2, 3, 64, 48)})
    assert made.to_dict()["min_pixels"] == 64 * 48


def test_a_factor_of_one_is_no_edge() -> None:
    kind = type("Kind", (Processor,), {"defaults": {"size": {"longest_edge": 1}, "expand_factor": 1, "tile": 1}})
    held = image.built(kind, [], {"pixel_values": (2, 3, 30, 20)}).to_dict()
    assert held["expand_factor"] == held["tile"] == 1
    kind = type("Kind", (Processor,), {"defaults": {"size": {"longest_edge": 384}, "tile": 384}})
    assert image.built(kind, [], {"pixel_values": (2, 3, 30, 20)}).to_dict()["tile"] == 20
