"""Dtypes and options of platforms: which are known, and which cases they make."""

from __future__ import annotations

import pytest
from making import ground, options, subject

from archsweep.contract import Capabilities
from archsweep.errors import ArchsweepError, SettingsError
from archsweep.run import axes, plan

ROUTED = Capabilities(
    dtypes=("float32", "float16"), options={"route": ("native", "converted"), "soc": ("57", "69", "75")}
)
KNOWN = {"cpu": Capabilities(dtypes=("float32", "bfloat16")), "npu": ROUTED}


@pytest.mark.parametrize("text", ["soc", "soc=", "=57", "", "="])
def test_an_option_is_key_and_value(text: str) -> None:
    with pytest.raises(SettingsError, match="must be KEY=VALUE"):
        axes.parse([text])


def test_a_value_may_hold_an_equals_sign_and_doubles_count_once() -> None:
    assert axes.parse(["soc = 57", "flag=a=b", "soc=57"]) == (("soc", "57"), ("flag", "a=b"))


@pytest.mark.parametrize(
    ("dtypes", "chosen", "wanted", "said"),
    [
        (["floot16"], (), ["cpu"], "unknown dtype 'floot16'\nNearest: float16"),
        ([], (("rout", "native"),), ["npu"], "no option 'rout' on npu\nNearest: route."),
        ([], (("route", "native"),), ["cpu"], "no option 'route' on cpu\nIt is an option of: npu."),
        ([], (("colour", "red"),), ["cpu"], "no option 'colour' on cpu\nThere are none."),
        ([], (("colour", "red"),), ["npu"], "no option 'colour' on npu\nThere are: route, soc."),
        ([], (("route", "covnerted"),), ["cpu", "npu"], "npu has no route 'covnerted'\nNearest: converted."),
    ],
)
def test_what_is_unknown_is_refused_with_what_there_is(
    dtypes: list[str], chosen: axes.Chosen, wanted: list[str], said: str
) -> None:
    with pytest.raises(ArchsweepError) as refused:
        axes.check(dtypes, chosen, wanted, KNOWN)
    assert str(refused.value).startswith(said)
    assert refused.value.exit_code == 2


def test_a_dtype_of_another_platform_and_an_option_that_one_of_several_takes_are_no_error() -> None:
    axes.check(["float16"], (), ["cpu"], KNOWN)
    axes.check([], (("soc", "69"),), ["cpu", "npu"], KNOWN)


def test_every_dtype_meets_every_combination_and_defaults_are_left_out() -> None:
    chosen = (("route", "native"), ("soc", "57"), ("soc", "75"))
    assert axes.variants((), (), ROUTED) == (("float32", ()),)
    assert axes.variants(("float16", "float32"), chosen, ROUTED) == (
        ("float16", ()),
        ("float16", (("soc", "75"),)),
        ("float32", ()),
        ("float32", (("soc", "75"),)),
    )
    assert axes.variants((), chosen, KNOWN["cpu"]) == (("float32", ()),)


def test_a_lot_holds_the_cases_of_all_of_them() -> None:
    import dataclasses

    npu = dataclasses.replace(ground("npu"), capabilities=ROUTED)
    asked = options(checks=("parity",), dtypes=("float32", "float16"), chosen=(("route", "converted"),))
    (made,) = plan.make_lots(asked, "r1", [subject()], [npu])
    assert [case.id for case in made.cases] == [
        "bert/BertModel:npu:parity:float32:tiny:route-converted",
        "bert/BertModel:npu:parity:float16:tiny:route-converted",
    ]


def test_an_option_of_a_check_varies_the_cases_of_that_check_alone() -> None:
    import dataclasses

    npu = dataclasses.replace(ground("npu"), capabilities=dataclasses.replace(ROUTED, quantizes=("a16w8", "a8w8")))
    asked = options(checks=("parity", "quantize"), chosen=(("scheme", "a16w8"), ("scheme", "a8w8")))
    (made,) = plan.make_lots(asked, "r1", [subject()], [npu])
    assert [case.id for case in made.cases] == [
        "bert/BertModel:npu:parity",
        "bert/BertModel:npu:quantize",
        "bert/BertModel:npu:quantize:float32:tiny:scheme-a8w8",
    ]


def test_a_platform_without_values_for_an_option_of_a_check_does_not_take_it() -> None:
    from archsweep import registry

    able = axes.widened(ROUTED, registry.load("checks", "quantize"))
    with pytest.raises(SettingsError, match="no option 'scheme'"):
        axes.check([], (("scheme", "a8w8"),), ["npu"], {"npu": able})
