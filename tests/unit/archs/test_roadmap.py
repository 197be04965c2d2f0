"""Phases, priorities and checkpoints: the data files and the rules that fill the rest; no torch."""

from __future__ import annotations

from made_facts import kind, klass

from archsweep.archs import checkpoints, roadmap
from archsweep.archs.facts import LibraryFacts
from archsweep.archs.taxonomy import places
from archsweep.contract import Priority


def library(count: int) -> LibraryFacts:
    kinds = [kind(f"type{number:03}", klass("M", "input_ids", "MODEL")) for number in range(count)]
    part = kind(
        "type000_part", klass("P", "input_ids", "MODEL"), family="type000", config_key="text_config", config="m:p"
    )
    return LibraryFacts(version="0", types=(part, kind("bert", klass("B", "input_ids", "MODEL")), *kinds))


def test_named_types_keep_their_phase_and_the_rest_is_filled_to_the_totals() -> None:
    facts = library(300)
    phases = roadmap.phases(facts, places(facts))
    assert phases["bert"] == 1
    filled = [phase for name, phase in phases.items() if name != "bert"]
    assert (filled.count(4), filled.count(5)) == (99, 100)
    assert phases["type000_part"] == 6


def test_every_name_of_the_roadmap_is_used_once_and_absences_are_explained() -> None:
    named = [name for phase in roadmap._table()["phase"] for name in phase.get("models", ())]
    assert len(named) == len(set(named))
    assert set(roadmap.absent()) <= set(named)
    assert all(roadmap.absent().values())


def test_priority_is_the_categorys_and_low_where_nobody_said() -> None:
    assert roadmap.priority_of("text-encoders") is Priority.CRITICAL
    assert roadmap.priority_of("a category of tomorrow") is Priority.LOW


def test_a_correction_counts_only_while_the_library_still_says_the_same() -> None:
    for name, entry in checkpoints.corrections().items():
        assert entry["why"]
        assert checkpoints.checkpoint_of(name, entry.get("listed")) == entry.get("right")
        assert checkpoints.checkpoint_of(name, "mended/since") == "mended/since"
    assert checkpoints.checkpoint_of("no such type", "a/b") == "a/b"
