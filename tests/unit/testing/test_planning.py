"""The cases of a test file: their ids, which platforms and checks they are for, and that lots stay together."""

from __future__ import annotations

import itertools

import pytest

from archsweep import registry
from archsweep.errors import UnknownName
from archsweep.testing import Architecture
from archsweep.testing.planning import Asked, planned

APPLE = Architecture(model_type="apple", classes={"AppleModel": {}, "AppleScorer": {"checks": ["generate"]}})
PEAR = Architecture(model_type="pear", classes={"PearModel": {}}, checks=["batch"])


def ids(asked: Asked) -> list[str]:
    return [item.case.id for item in planned([APPLE, PEAR], asked)]


def test_each_class_is_asked_what_the_file_states() -> None:
    assert ids(Asked(platforms=("cpu",))) == [
        "apple/AppleModel:cpu:forward",
        "apple/AppleModel:cpu:parity",
        "apple/AppleScorer:cpu:forward",
        "apple/AppleScorer:cpu:parity",
        "apple/AppleScorer:cpu:generate",
        "pear/PearModel:cpu:batch",
    ]


def test_checks_that_are_asked_for_stand_instead_of_those_of_the_file() -> None:
    assert ids(Asked(platforms=("cpu",), checks=("batch", "export"))) == [
        f"{subject}:cpu:{check}"
        for subject in ("apple/AppleModel", "apple/AppleScorer", "pear/PearModel")
        for check in ("batch", "export")
    ]


def test_cases_of_one_lot_stand_side_by_side() -> None:
    """So that a process that takes them in turn builds each model once."""
    found = [item.lot for item in planned([APPLE, PEAR], Asked(platforms=("cpu", "openvino")))]
    grouped = [lot for lot, _ in itertools.groupby(found)]
    assert len(grouped) == len(set(grouped)) == 6
    assert grouped[:2] == ["apple/AppleModel:cpu", "apple/AppleModel:openvino"]


@pytest.mark.parametrize("platform", registry.names("platforms"))
def test_a_case_has_the_default_dtype_of_its_platform_which_its_id_leaves_out(platform: str) -> None:
    for item in planned([APPLE], Asked(platforms=(platform,))):
        default = registry.load("platforms", platform).capabilities.dtypes[0]
        assert (item.case.dtype, item.case.default_dtype) == (default, default)
        assert item.case.id.count(":") == 2


def test_real_weights_are_of_one_class_and_in_the_id() -> None:
    asked = Asked(platforms=("cpu",), weights="small@abc", subject="apple/AppleScorer", folder="/somewhere")
    assert ids(asked) == [
        f"apple/AppleScorer:cpu:{check}:float32:small+40abc" for check in ("forward", "parity", "generate")
    ]


def test_a_case_knows_where_its_data_stands() -> None:
    assert {
        (item.architecture.model_type, item.class_name) for item in planned([APPLE, PEAR], Asked(platforms=("cpu",)))
    } == {
        ("apple", "AppleModel"),
        ("apple", "AppleScorer"),
        ("pear", "PearModel"),
    }


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(UnknownName, match="abacus"):
        list(planned([APPLE], Asked(platforms=("abacus",))))
