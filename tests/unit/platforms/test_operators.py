"""The look-up behind a prediction: torch's dispatch table, read from its own form."""

from __future__ import annotations

import dataclasses

import pytest

from archsweep.platforms import _operators
from archsweep.platforms._operators import Call, Device, Support

FUNCTIONS = [
    {"func": "add.Tensor(Tensor self, Tensor other) -> Tensor", "structured_delegate": "add.out"},
    {"func": "add.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)", "dispatch": {"CPU, CUDA": "a", "MPS": "add_mps"}},
    {"func": "narrow(Tensor self) -> Tensor"},
    {"func": "full(int[] size) -> Tensor", "dispatch": {"CompositeExplicitAutograd": "full"}, "autogen": "full.out"},
    {"func": "cpu_only(Tensor self) -> Tensor", "dispatch": {"CPU": "cpu_only"}},
    {"func": "on_mps(Tensor self) -> Tensor", "dispatch": {"MPS": "on_mps"}},
    {"func": "im2col(Tensor self) -> Tensor", "dispatch": {"CPU": "a", "CUDA": "b"}},
    {
        "func": "mul.out(Tensor self) -> Tensor",
        "structured": True,
        "ufunc_inner_loop": {"Generic": "mul (AllAndComplex)"},
    },
]
DEVICE = Device(key="MPS", translated={"cpu_only": "on_mps"}, fallback=frozenset({"im2col"}))


@pytest.mark.parametrize(
    ("operator", "support"),
    [
        ("aten.add.Tensor", Support.NATIVE),
        ("aten.narrow", Support.COMPOSITE),
        ("aten.full", Support.COMPOSITE),
        ("aten.full.out", Support.COMPOSITE),
        ("aten.mul.out", Support.NATIVE),
        ("aten.cpu_only", Support.NATIVE),
        ("aten.im2col", Support.FALLBACK),
        ("aten.nowhere", Support.UNKNOWN),
        ("torchvision.nms", Support.UNKNOWN),
    ],
)
def test_support_follows_the_dispatch_table(operator: str, support: Support) -> None:
    assert _operators.look_up(operator, DEVICE, _operators.read(FUNCTIONS)) is support


def test_an_operator_of_other_devices_alone_is_missing() -> None:
    other = Device(key="MPS")
    assert _operators.look_up("aten.cpu_only", other, _operators.read(FUNCTIONS)) is Support.MISSING
    assert _operators.look_up("aten.im2col", other, _operators.read(FUNCTIONS)) is Support.MISSING


def test_limits_speak_of_calls() -> None:
    from archsweep.platforms import mps

    wide = Call(operator="aten.add.Tensor", dtypes=("float64",), shapes=((2,),))
    deep = Call(operator="aten.sum", dtypes=("float32",), shapes=((1,) * 17,))
    whole = Call(operator="aten.mm", dtypes=("int64", "int64"), shapes=((2, 2), (2, 2)))
    broad = Call(operator="aten.convolution", dtypes=("float32",), shapes=((1, 3, 4, 4), (70000, 3, 1, 1)))
    sizes = ((1, 2, 3, 3, 3), (2, 2, 1, 1, 1))
    volumes = Call(operator="aten.convolution", dtypes=("float16",) * 2, shapes=sizes, flags=(True,))
    solved = Call(operator="aten._linalg_solve_ex", dtypes=("complex64",), shapes=((2, 2),))
    for other in (dataclasses.replace(volumes, flags=(False,)), dataclasses.replace(volumes, dtypes=("float32",) * 2)):
        assert not any(limit(other) for limit in mps.DEVICE.limits)
    assert not any(limit(dataclasses.replace(solved, dtypes=("float32",))) for limit in mps.DEVICE.limits)
    plain = Call(operator="aten.mm", dtypes=("float32",), shapes=((2, 2),))
    words = (
        (wide, "float64"),
        (deep, "17 dimensions"),
        (whole, "floats only"),
        (broad, "70000"),
        (volumes, "volumes"),
        (solved, "complex64"),
    )
    for call, word in words:
        said = [limit(call) for limit in mps.DEVICE.limits]
        assert any(text and word in text for text in said), said
    assert not any(limit(plain) for limit in mps.DEVICE.limits)
