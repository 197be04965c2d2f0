"""Case ids: two different cases never share one, and pytest's -k can read each."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archsweep.contract import Case

PLATFORMS = ("cpu", "gpu", "npu-x")
DEFAULTS = {"cpu": "float32", "gpu": "float16", "npu-x": "float32"}
# Few characters, most of them awkward, so that collisions would be met often.
texts = st.text(alphabet="ab-+:2DCA0/ €é@=,\ud800", max_size=5)
plain = st.sampled_from(["float32", "float16", "tiny"])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    platform = draw(st.sampled_from(PLATFORMS))
    return Case(
        subject=draw(texts),
        platform=platform,
        check=draw(st.sampled_from(["forward", "parity"])),
        dtype=draw(plain),
        default_dtype=DEFAULTS[platform],
        weights=draw(st.one_of(plain, texts)),
        options=tuple(draw(st.dictionaries(texts, texts, max_size=2)).items()),
    )


def optioned(*options: tuple[str, str]) -> Case:
    return Case(subject="a/A", platform="cpu", check="parity", options=options)


def weighed(weights: str) -> Case:
    return Case(subject="a/A", platform="cpu", check="parity", weights=weights)


@given(cases(), cases())
@example(optioned(("a-b", "c")), optioned(("a", "b-c")))
@example(optioned(("a", "b"), ("c", "d")), optioned(("a", "b:c-d")))
@example(weighed("a:b"), weighed("a+3Ab"))
@example(weighed(" AC"), weighed("€"))
def test_two_different_cases_never_share_an_id(one: Case, other: Case) -> None:
    assert (one.id == other.id) == (one == other)


@given(cases())
def test_an_id_holds_only_what_pytest_can_select_by(case: Case) -> None:
    assert re.fullmatch(r"[\w:/.+-]*", case.id)


@pytest.mark.parametrize(
    ("changes", "tail"),
    [
        ({}, ""),
        ({"dtype": "float16"}, ":float16"),
        ({"options": (("soc", "57"),)}, ":float32:tiny:soc-57"),
        ({"dtype": "float16", "weights": "org/name@1a2b"}, ":float16:org/name+401a2b"),
    ],
)
def test_an_id_grows_by_what_differs_from_the_defaults(changes: dict[str, str], tail: str) -> None:
    case = Case(subject="bert/BertModel", platform="cpu", check="parity", **changes)  # type: ignore[arg-type]
    assert case.id == f"bert/BertModel:cpu:parity{tail}"
