"""What a bare name means: the mapped classes of a model type, one class, or nothing, and then what is near."""

from __future__ import annotations

import dataclasses

import pytest

import made_results as made
from archsweep.archs.catalog import Catalog
from archsweep.archs.listing import meant_row
from archsweep.archs.selection import meant, nearest_to

TOWER = dataclasses.replace(made.subject("pear/PearTower", base=False), mappings=())
VOICE = dataclasses.replace(made.subject("plum_voice/PlumVoice", base=False), mappings=())
SEEDS = dataclasses.replace(made.subject("pear/PearForSeeds", base=False), role="classifier", tasks=("seeds",))
UNIVERSE = Catalog(
    transformers_version="5", subjects=(TOWER, SEEDS, made.subject("pear/PearModel"), VOICE, made.subject("fig/AModel"))
)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("pear", ["pear/PearModel", "pear/PearForSeeds"]),
        ("pear/PearForSeeds", ["pear/PearForSeeds"]),
        ("pear/PearTower", ["pear/PearTower"]),
        ("plum_voice", ["plum_voice/PlumVoice"]),
        ("PearModel", []),
        ("pear/", []),
        ("", []),
    ],
)
def test_what_a_name_means(name: str, ids: list[str]) -> None:
    assert [subject.id for subject in meant(UNIVERSE, name)] == ids


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("paer", "pear"),
        ("PearModel", "pear/PearModel"),
        ("PaerModel", "pear/PearModel"),
        ("pear/PearModle", "pear/PearModel"),
        ("pear/xyzzy", "pear"),
        ("orchard/pear", "pear"),
    ],
)
def test_what_is_near_a_name_that_means_nothing(name: str, near: str) -> None:
    assert nearest_to(UNIVERSE, name)[0] == near


def test_nothing_is_near_nonsense() -> None:
    assert nearest_to(UNIVERSE, "xyzzy") == ()


def test_what_classes_differ_in_is_a_list() -> None:
    row = meant_row(meant(UNIVERSE, "pear"))
    assert row["classes"] == ["PearModel", "PearForSeeds"]
    assert row["base_class"] == "PearModel"
    assert row["role"] == ["text encoder", "classifier"]
    assert row["tasks"] == ["fill-mask", "feature-extraction", "seeds"]
    assert (row["category"], row["priority"], row["phase"]) == (["text-encoders"], "critical", 1)
