"""Phases, priorities and checkpoints: the data files and the rules that fill the rest; no torch."""

from __future__ import annotations

from made_facts import kind, klass

from archsweep.archs import checkpoints, roadmap
from archsweep.archs.facts import LibraryFacts, TypeFacts
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


def plain(name: str, **more: object) -> TypeFacts:
    return kind(name, klass("M", "input_ids attention_mask", "MODEL"), **more)


def ranked(*types: TypeFacts, **phase: int) -> list[str]:
    """The most wanted first, all in the last phase but for those that are given."""
    facts = LibraryFacts(version="0", types=types, popular=("a/default",))
    return roadmap.most_wanted_first(
        facts, places(facts), {item.model_type: phase.get(item.model_type, 6) for item in types}
    )


def test_in_every_phase_what_is_used_comes_first_and_what_costs_last() -> None:
    heads = (
        klass("H", "input_ids attention_mask", "TOKEN_CLASSIFICATION"),
        klass("M", "input_ids attention_mask", "MODEL"),
    )
    known = (
        plain("alone"), plain("bare"), plain("costly", parts=(("one", "used"), ("two", "bare"), ("three", "bare"))),
        plain("default", checkpoint="a/default"), kind("headed", *heads), plain("used"),
    )  # fmt: skip
    wanted = ["bare", "default", "used", "headed", "alone", "costly"]
    assert ranked(*known) == wanted
    assert ranked(*known, **dict.fromkeys(wanted, 2)) == wanted
    assert ranked(*known, costly=1, alone=5) == ["costly", "alone", "bare", "default", "used", "headed"]


def test_one_kind_of_architecture_does_not_come_many_times_in_a_row() -> None:
    """Nor does what was added to other models keep all others waiting; of equals, the name decides."""
    encoders = [plain(f"encoder{number}", checkpoint="a/default") for number in range(6)]
    decoder = kind("a_decoder", klass("A", "input_ids past_key_values", "MODEL"), klass("C", "input_ids", "CAUSAL_LM"))
    order = ranked(*reversed(encoders), decoder)
    assert order == ["encoder0", "encoder1", "encoder2", "encoder3", "a_decoder", "encoder4", "encoder5"]


def test_priority_comes_before_use_and_what_does_not_stand_alone_after_what_does() -> None:
    tower = plain("a_tower", family="z", config_key="text_config", config="m:p")
    seen = kind("a_seen", klass("V", "pixel_values", "MODEL"), checkpoint="a/default")
    baseless = kind("b_baseless", klass("H", "input_ids attention_mask", "TOKEN_CLASSIFICATION"))
    assert ranked(tower, seen, baseless, plain("z")) == ["z", "a_tower", "b_baseless", "a_seen"]


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
