"""Everything that crosses a process comes back equal, and another shape is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

import made_results as made
from archsweep.contract import Capabilities, Environment, Modality, Probe, Result, Subject
from archsweep.encoding import decode, encode

VALUES = [
    made.result(status="error"),
    made.result(status="unexecuted"),
    made.subject(),
    made.environment(notes=("through a bridge",)),
    Capabilities(dtypes=("float32", "float16"), options={"route": ("native", "converted"), "soc": ("57",)}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_was_encoded_decodes_to_the_same(value: Any) -> None:
    assert decode(type(value), json.loads(json.dumps(encode(value)))) == value


def test_enumerations_and_tuples_come_back_as_such() -> None:
    back = decode(Subject, json.loads(json.dumps(encode(made.subject()))))
    assert isinstance(back.modality[0], Modality)
    assert isinstance(back.tasks, tuple)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Probe, {"present": True}),
        (Probe, {"present": True, "evidence": "hearsay"}),
        (Environment, {"id": "f1"}),
        (Result, {**encode(made.result()), "surplus": 1}),
        (Result, []),
    ],
)
def test_another_shape_is_refused(kind: type[Any], value: Any) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        decode(kind, value)
