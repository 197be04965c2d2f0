"""What a test file states of a model type, and what follows for each of its classes."""

from __future__ import annotations

import pytest

from archsweep.testing import Architecture

APPLE = Architecture(
    model_type="apple",
    config={"size": 8, "part": {"size": 4, "depth": 2}},
    inputs={"x": "int64 (2, 10)"},
    classes={
        "AppleModel": {},
        "AppleScorer": {"config": {"part": {"size": 6}}, "inputs": {"x": "int64 (2, 3)"}, "checks": ["generate"]},
        "AppleBroken": {"config": {"size": 9}, "lacks": "ImportError: no spoon"},
        "AppleAgain": {"tasks": ["sorting"], "checks": ["parity", "batch", "batch"]},
    },
)


def test_a_class_has_what_its_model_type_states_and_its_own_laid_over_it() -> None:
    assert APPLE.stated("AppleModel") == {"size": 8, "part": {"size": 4, "depth": 2}}
    assert APPLE.stated("AppleScorer") == {"size": 8, "part": {"size": 6, "depth": 2}}
    assert APPLE.config["part"] == {"size": 4, "depth": 2}, "what is stated is not changed"
    assert APPLE.called("AppleModel") == {"x": "int64 (2, 10)"}
    assert APPLE.called("AppleScorer") == {"x": "int64 (2, 3)"}


def test_the_checks_of_a_class_are_those_of_its_model_type_and_its_own_each_once() -> None:
    assert APPLE.asked("AppleModel") == ("forward", "parity")
    assert APPLE.asked("AppleScorer") == ("forward", "parity", "generate")
    assert APPLE.asked("AppleAgain") == ("forward", "parity", "batch")


def test_of_a_class_that_could_not_be_built_nothing_is_stated_so_that_it_is_searched_for() -> None:
    assert APPLE.stated("AppleBroken") is None
    assert APPLE.called("AppleBroken") == {}


def test_a_subject_is_a_class_under_its_model_type() -> None:
    assert APPLE.subject("AppleModel") == "apple/AppleModel"


def test_what_no_class_has_is_refused_with_what_there_is() -> None:
    with pytest.raises(TypeError, match="apple/AppleModel states chekcs, inpust; a class has checks, config, inputs"):
        Architecture(model_type="apple", classes={"AppleModel": {"inpust": {}, "chekcs": []}})


def test_what_no_architecture_has_is_refused() -> None:
    with pytest.raises(TypeError, match="categroy"):
        Architecture(model_type="apple", classes={}, categroy="fruit")  # type: ignore[call-arg]
