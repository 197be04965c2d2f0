"""What is new, gone, renamed or changed: every kind from a few made-up rows, and none where nothing differs."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as some

import made_results as made
from archsweep.analysis.universe import Changed, Difference, Gone, Known, Stated, compare
from archsweep.contract import Subject

PACKAGE = "transformers"


def offered(*names: str) -> list[Subject]:
    return [made.subject(name, base=name.endswith("Model")) for name in names]


def stated(model_type: str, *classes: str, file: str = "") -> Stated:
    return Stated(model_type=model_type, classes=classes, file=file or f"test_{model_type}.py")


def known(name: str, source: str = "a1", version: str = "5.22.0", package: str = PACKAGE) -> Known:
    model_type, _, class_name = name.partition("/")
    return Known(
        model_type=model_type, class_name=class_name, source=source, transformers_version=version, package=package
    )


def everything(found: Difference) -> int:
    return sum(found.counts.values())


def test_where_nothing_differs_nothing_is_found() -> None:
    found = compare(
        offered("pear/PearModel", "pear/PearForSeeds"), {"pear/PearModel": "a1", "pear/PearForSeeds": "a2"},
        [stated("pear", "PearForSeeds", "PearModel")], [known("pear/PearModel"), known("pear/PearForSeeds", "a2")],
    )  # fmt: skip
    assert everything(found) == 0
    assert found.unstated == ()


def test_new_is_what_one_of_the_sides_lacks() -> None:
    subjects = offered("fig/FigModel", "kiwi/KiwiModel", "lime/LimeModel", "pear/PearModel")
    files = [stated("kiwi", "KiwiModel"), stated("pear", "PearModel")]
    results = [known("lime/LimeModel"), known("pear/PearModel")]
    found = compare(subjects, {}, files, results)
    assert [(item.model_type, item.stated, item.known) for item in found.new] == [
        ("fig", False, False), ("kiwi", True, False), ("lime", False, True),
    ]  # fmt: skip
    assert [item.model_type for item in found.unstated] == ["fig", "lime"]


def test_a_side_that_holds_nothing_says_nothing_of_what_is_new() -> None:
    subjects = offered("fig/FigModel", "pear/PearModel")
    assert [item.model_type for item in compare(subjects, {}, [stated("fig", "FigModel")], []).new] == ["pear"]
    assert [item.model_type for item in compare(subjects, {}, [], [known("pear/PearModel")]).new] == ["fig"]
    assert [item.model_type for item in compare(subjects, {}, [], []).new] == ["fig", "pear"]


def test_a_type_without_a_mapped_class_is_never_new_and_never_gone() -> None:
    tower = dataclasses.replace(made.subject("fig/FigTower", base=False), mappings=())
    found = compare([tower, *offered("pear/PearModel")], {}, [stated("pear", "PearModel")], [known("fig/FigTower")])
    assert [item.model_type for item in found.new] == ["pear"], "no result knows it"
    assert found.gone == ()


def test_gone_says_where_it_is_still_spoken_of_and_its_last_release() -> None:
    files = [stated("fig", "FigForSeeds", file="b.py"), stated("fig", "FigModel", file="a.py")]
    results = [known("fig/FigModel", version="5.9.0"), known("fig/FigForLeaves", version="5.22.0")]
    found = compare(offered("pear/PearModel"), {}, files, results)
    gone = Gone(model_type="fig", classes=("FigForLeaves", "FigForSeeds", "FigModel"), files=("a.py", "b.py"),
                last="5.22.0")  # fmt: skip
    assert found.gone == (gone,)
    assert found.counts == {"new": 1, "gone": 1, "renamed": 0, "changed": 0}


def test_results_of_a_package_that_was_not_imported_are_not_gone() -> None:
    elsewhere = known("fig/FigModel", package="orchard")
    assert compare(offered("pear/PearModel"), {}, [], [elsewhere, known("pear/PearModel")]).gone == ()
    assert compare(offered("pear/PearModel"), {}, [], [dataclasses.replace(elsewhere, package="")]).gone != ()


def test_shared_class_names_make_one_that_went_and_one_that_came_a_rename() -> None:
    found = compare(
        offered("pear_tree/PearModel", "pear_tree/PearForSeeds", "plum/PlumModel"), {},
        [stated("pear", "PearModel", "PearForLeaves")], [],
    )  # fmt: skip
    (pair,) = found.renamed
    assert (pair.gone.model_type, pair.new.model_type) == ("pear", "pear_tree")
    assert (pair.shared, pair.same_source) == (("PearModel",), False)
    assert found.gone == ()
    assert [item.model_type for item in found.new] == ["plum"]
    assert [item.model_type for item in found.unstated] == ["plum", "pear_tree"]


def test_the_same_source_makes_a_rename_too_and_no_source_does_not() -> None:
    came = offered("pear_tree/PearTreeModel")
    found = compare(came, {"pear_tree/PearTreeModel": "a1"}, [], [known("pear/PearModel", "a1")])
    (pair,) = found.renamed
    assert (pair.shared, pair.same_source) == ((), True)
    assert compare(came, {"pear_tree/PearTreeModel": ""}, [], [known("pear/PearModel", "")]).renamed == ()


def test_each_end_of_a_rename_is_taken_once_and_the_most_alike_first() -> None:
    came = offered("plum/AModel", "plum/BModel", "quince/AModel")
    went = [stated("pear", "AModel"), stated("apple", "AModel", "BModel")]
    found = compare(came, {}, went, [])
    assert [(pair.gone.model_type, pair.new.model_type) for pair in found.renamed] == [
        ("apple", "plum"), ("pear", "quince"),
    ]  # fmt: skip


def test_one_that_went_is_no_rename_of_one_that_was_always_there() -> None:
    files = [stated("pear", "PearModel"), stated("old_pear", "PearModel")]
    found = compare(offered("pear/PearModel"), {}, files, [])
    assert found.renamed == ()
    assert [item.model_type for item in found.gone] == ["old_pear"]


def test_changed_is_another_source_than_that_of_the_newest_result() -> None:
    subjects = offered("pear/PearModel", "pear/PearForSeeds", "fig/FigModel")
    sources = {"pear/PearModel": "b1", "pear/PearForSeeds": "a2", "fig/FigModel": "c1"}
    results = [known("pear/PearModel", "a1", "5.9.0"), known("pear/PearForSeeds", "a2", "5.22.0")]
    found = compare(subjects, sources, [], [*results, known("fig/FigModel", "")])
    assert found.changed == (Changed(model_type="pear", edited=("PearModel",), since="5.9.0"),)


def test_changed_is_another_set_of_classes_than_the_file_states() -> None:
    subjects = offered("pear/PearModel", "pear/PearForSeeds")
    found = compare(subjects, {}, [stated("pear", "PearModel", "PearForLeaves")], [])
    assert found.changed == (Changed(model_type="pear", added=("PearForSeeds",), dropped=("PearForLeaves",)),)


def test_a_class_that_only_results_lack_is_no_change() -> None:
    subjects = offered("pear/PearModel", "pear/PearForSeeds")
    assert compare(subjects, {"pear/PearModel": "a1"}, [], [known("pear/PearModel")]).changed == ()


NAMES = some.sets(some.sampled_from(["fig", "kiwi", "lime", "pear"]))


@given(NAMES.filter(bool), NAMES, NAMES)
def test_every_type_is_in_the_right_part(there: set[str], files: set[str], results: set[str]) -> None:
    found = compare(
        offered(*(f"{name}/{name.title()}Model" for name in sorted(there))), {},
        [stated(name, f"{name.title()}Model") for name in sorted(files)],
        [known(f"{name}/{name.title()}Model") for name in sorted(results)],
    )  # fmt: skip
    lacking = there if not (files or results) else {
        name for name in there for side in (files, results) if side and name not in side
    }  # fmt: skip
    assert {item.model_type for item in found.new} == lacking
    assert {item.model_type for item in found.gone} == (files | results) - there
    assert found.renamed == ()
    assert found.changed == ()
