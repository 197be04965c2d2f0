"""Kind and shape of an input, read from what its documentation says of it; no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import made_facts
import pytest

from archsweep.archs.inputs import documented
from archsweep.archs.inputs.facts import Facts, pair, signature

if TYPE_CHECKING:
    import torch


class Config:
    attribute_map: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def to_diff_dict(self) -> dict[str, Any]:
        return vars(self)


class Model:
    """
    odd_ids (`torch.LongTensor` of shape `(batch_size, num_queries)`): said at the class.
    """

    main_input_name = "pixel_values"

    def forward(
        self,
        boxes: Any,
        pose_values: Any,
        plain: Any,
        odd_ids: Any,
        scale: torch.FloatTensor | None = None,
        **more: Any,
    ) -> None:
        """
        Args:
            boxes (`torch.FloatTensor` of shape `(batch_size, num_boxes, 4)`, *optional*):
                Where they are.
            pose_values (`torch.BoolTensor` of shape `[batch_size, hidden_size]`):
                More.
            plain (`int`):
                A number.
        """


def facts(**hints: Any) -> Facts:
    config = Config(hidden_size=48, num_queries=7, text_config=Config(hidden_size=16, vocab_size=99))
    return Facts(made_facts.subject("any", "Model"), Model, None, config, signature(Model), hints)


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("boxes", "FloatTensor", ["batch_size", "num_boxes", "4"]),
        ("pose_values", "BoolTensor", ["batch_size", "hidden_size"]),
        ("plain", "int", []),
        ("odd_ids", "LongTensor", ["batch_size", "num_queries"]),
        ("scale", "torch.FloatTensor | None", []),
        ("nowhere", "", []),
    ],
)
def test_kind_and_shape_are_read(name: str, kind: str, shape: list[str]) -> None:
    assert documented.documentation(facts(), name) == (kind, shape)


@pytest.mark.parametrize(
    ("word", "size"),
    [("4", 4), ("num_queries", 7), ("config.num_queries", 7), ("self.config.hidden_size", 48), ("batch_size", 2),
     ("embed_dim", 48), ("sequence_length", 14), ("something else", 2)],
)  # fmt: skip
def test_words_of_a_shape_are_fields_or_sizes_of_the_batch(word: str, size: int) -> None:
    assert documented._size(facts(), word) == size


def test_values_are_found_in_the_parts_first_where_asked_and_hints_overrule() -> None:
    assert facts().find("hidden_size") == 48
    assert facts().find("hidden_size", within=("text",)) == 16
    assert facts().find("no_such", "vocab_size") == 99
    assert facts(hidden_size=5).find("hidden_size") == 5
    assert facts().find("no_such") is None


def test_what_the_signature_asks_for() -> None:
    found = facts(drop=("boxes",))
    assert list(found.parameters) == ["boxes", "pose_values", "plain", "odd_ids", "scale"]
    assert found.has("boxes")
    assert not found.wants("boxes")
    assert found.required("plain")
    assert not found.required("scale")
    assert found.main_input == "pixel_values"


@pytest.mark.parametrize(
    ("value", "sides"), [(7, (7, 7)), ((3, 4), (3, 4)), ([3, 8, 9], (8, 9)), ({"height": 2, "width": 5}, (2, 5))]
)
def test_sides(value: Any, sides: tuple[int, int]) -> None:
    assert pair(value) == sides
