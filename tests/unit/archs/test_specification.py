"""What a specification hangs on: packages that archsweep brings, and others; and specifications kept on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
from made_facts import subject

from archsweep.archs import catalog_cache, specification_cache
from archsweep.archs.specification import Specification, described, needless, wanted

MODEL, SCORER = subject("apple", "AppleModel", base=True), subject("apple", "AppleScorer")
FOUND = [
    Specification(subject=MODEL.id, config={"size": 8, "part": {"rates": [0.5, 1]}}, inputs={"x": "int64 (2, 10)"}),
    Specification(subject=SCORER.id, config={"size": 9}, generates=True, lacks="ImportError: no spoon …"),
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (numpy.zeros((2, 10), dtype="int64"), "int64 (2, 10)"),
        (numpy.zeros(3, dtype="bool"), "bool (3,)"),
        (numpy.float32(1), "float32 ()"),
        (None, "NoneType"),
        ([1, 2], "list"),
        (True, "bool"),
    ],
)
def test_a_tensor_is_told_by_dtype_and_shape_and_anything_else_by_its_type(value: Any, text: str) -> None:
    assert described(value) == text


def test_the_dtypes_of_torch_are_told_as_those_of_numpy() -> None:
    class Typed:
        dtype, shape = "torch.int64", (2, 10)

    assert described(Typed()) == "int64 (2, 10)"


def test_packages_that_archsweep_and_its_models_want_are_not_needless() -> None:
    """Whether they are here or not; those that are wanted through others, too, and under the name of their import."""
    assert needless(("natten", "timm", "torch", "detectron2")) == ("detectron2", "natten")
    assert needless(("torchvision", "sentencepiece", "PIL", "pillow", "scipy", "google", "safetensors")) == ()
    assert needless(("tokenizers", "huggingface_hub", "huggingface-hub", "sympy")) == ()
    assert needless(()) == ()


def test_most_of_what_transformers_looks_for_is_needless_and_never_what_every_model_needs() -> None:
    optional = catalog_cache.optional_packages()
    hidden = needless(optional)
    assert {"natten", "detectron2"} <= {*hidden} < {*optional}
    assert not {"torch", "timm", "torchvision", "scipy", "sentencepiece"} & {*hidden}


@pytest.mark.parametrize(
    ("message", "package"),
    [
        ("TimmBackbone requires the timm library but it was not found", "timm"),
        ("No module named 'sentencepiece'", "sentencepiece"),
        ("This needs Torchvision", "torchvision"),
        ("DinatModel requires the natten library but it was not found", ""),
        ("", ""),
    ],
)
def test_an_import_error_is_held_against_a_package_only_where_archsweep_brings_it(message: str, package: str) -> None:
    assert wanted(message) == package


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert specification_cache.read(tmp_path, [MODEL, SCORER]) == {}
    specification_cache.write(tmp_path / "deep", FOUND)
    both = {MODEL.id: FOUND[0], SCORER.id: FOUND[1]}
    assert specification_cache.read(tmp_path / "deep", [MODEL, SCORER, subject("pear", "PearModel")]) == both


def test_what_is_known_of_a_class_hangs_on_no_other_of_its_model_type(tmp_path: Path) -> None:
    specification_cache.write(tmp_path, FOUND[:1])
    assert specification_cache.read(tmp_path, [MODEL, SCORER]) == {MODEL.id: FOUND[0]}
    specification_cache.write(tmp_path, FOUND[1:])
    assert {*specification_cache.read(tmp_path, [MODEL, SCORER])} == {MODEL.id, SCORER.id}


@pytest.mark.parametrize("hanging", [{"missing": "timm"}, {"died": True, "lacks": "the worker was killed"}])
def test_what_hangs_on_this_machine_is_not_kept(hanging: dict[str, Any], tmp_path: Path) -> None:
    """A package of archsweep's own that is not here, a worker that died: neither says anything of the class."""
    specification_cache.write(tmp_path, [Specification(subject=SCORER.id, **hanging), FOUND[0]])
    assert specification_cache.read(tmp_path, [MODEL, SCORER]) == {MODEL.id: FOUND[0]}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '[{"config": {}}]', '{"subject": 1}', '{"subject": "a/B"}'])
def test_what_is_damaged_is_absent(damage: str, tmp_path: Path) -> None:
    specification_cache.write(tmp_path, FOUND[:1])
    (entry,) = tmp_path.iterdir()
    entry.write_text(damage)
    assert specification_cache.read(tmp_path, [MODEL]) == {}


def test_a_place_that_takes_nothing_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "specifications").write_text("a file where the folder should be")
    specification_cache.write(tmp_path / "specifications", FOUND[:1])
    assert specification_cache.read(tmp_path / "specifications", [MODEL]) == {}


def test_the_place_follows_the_rules_and_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = specification_cache.folder(tmp_path)
    assert specification_cache.folder(tmp_path) == first
    assert specification_cache.folder(tmp_path, trust_remote_code=True) != first
    (tmp_path / "orchard.py").write_text("HEIGHT = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert specification_cache.folder(tmp_path, ["orchard"]) != first
    rules = tmp_path / "rules" / "inputs"
    rules.mkdir(parents=True)
    (rules / "sizes.py").write_text("SIZE = 1\n")
    monkeypatch.setattr(specification_cache, "HERE", rules.parent)
    second = specification_cache.folder(tmp_path)
    (rules / "sizes.py").write_text("SIZE = 2\n")
    assert len({first, second, specification_cache.folder(tmp_path)}) == 3
