"""Which subjects a selection means; no torch."""

from __future__ import annotations

import dataclasses

import pytest
from made_facts import CATALOG

from archsweep.archs.selection import Selection, choose
from archsweep.contract import Priority
from archsweep.errors import SettingsError, UnknownName


def ids(**selection: object) -> list[str]:
    return [item.id for item in choose(CATALOG, Selection(**selection))]  # type: ignore[arg-type]


def test_without_a_selection_every_mapped_class_most_wanted_first() -> None:
    assert ids() == ["pear/PearModel", "apple/AppleModel", "apple/AppleForMaskedLM", "plum/AppleModel"]


def test_among_equals_the_catalog_says_what_is_wanted_and_not_the_name() -> None:
    turned = dataclasses.replace(CATALOG, subjects=tuple(dataclasses.replace(item, phase=6, priority=Priority.LOW)
                                                         for item in reversed(CATALOG.subjects)))  # fmt: skip
    assert [item.id for item in choose(turned, Selection())] == [
        "plum/AppleModel", "pear/PearModel", "apple/AppleModel", "apple/AppleForMaskedLM",
    ]  # fmt: skip


def test_base_keeps_base_classes_and_exported_adds_the_unmapped() -> None:
    assert ids(base=True) == ["pear/PearModel", "apple/AppleModel", "plum/AppleModel"]
    assert "apple/AppleScorer" in ids(exported=True)


def test_values_widen_and_fields_narrow() -> None:
    assert ids(models=("apple", "pear"), categories=("text-encoders",), base=True) == ["apple/AppleModel"]


def test_a_class_is_meant_under_every_type_unless_the_id_says_which() -> None:
    assert ids(classes=("AppleModel",)) == ["apple/AppleModel", "plum/AppleModel"]
    assert ids(classes=("plum/AppleModel",)) == ["plum/AppleModel"]


def test_a_class_that_is_named_needs_no_exported() -> None:
    assert ids(classes=("AppleScorer",)) == ["apple/AppleScorer"]


def test_limit_takes_the_most_wanted() -> None:
    assert ids(limit=1) == ["pear/PearModel"]
    with pytest.raises(SettingsError):
        ids(limit=0)


@pytest.mark.parametrize(
    ("field", "value", "near"),
    [
        ("models", "aple", "apple"),
        ("classes", "PearMode", "PearModel"),
        ("categories", "visoin", "vision"),
        ("phases", "7", None),
    ],
)
def test_an_unknown_value_names_the_nearest(field: str, value: str, near: str | None) -> None:
    with pytest.raises(UnknownName) as raised:
        ids(**{field: (value,)})
    assert raised.value.exit_code == 2
    assert near is None or near in raised.value.nearest


def test_a_phase_or_priority_that_exists_but_is_empty_is_no_error() -> None:
    assert ids(phases=("3",)) == []
    assert ids(priorities=("medium",)) == []
