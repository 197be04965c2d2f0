"""What counts as lost."""

from __future__ import annotations

from typing import Any, ClassVar

from archsweep.archs.shrink import kinds, tree


class Config:
    attribute_map: ClassVar[dict[str, str]] = {}

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def to_diff_dict(self) -> dict[str, Any]:
        return {}


class Hybrid(Config):
    @property
    def layers_block_type(self) -> list[str]:
        return ["attention" if layer % 4 == 3 else "mamba" for layer in range(vars(self)["num_hidden_layers"])]


def test_nothing_is_lost_by_nothing() -> None:
    config = Config(num_hidden_layers=4, layer_types=["full_attention"] * 4, num_attention_heads=8)
    assert kinds.kinds_lost(config, config) == []


def test_a_kind_of_layer_that_a_class_derives_is_missed() -> None:
    assert kinds.kinds_lost(Hybrid(num_hidden_layers=8), Hybrid(num_hidden_layers=2)) == [
        "layers_block_type: no attention"
    ]
    assert kinds.kinds_lost(Hybrid(num_hidden_layers=8), Hybrid(num_hidden_layers=4)) == []


def test_relations_of_heads_and_experts_are_missed() -> None:
    default = Config(num_attention_heads=8, num_key_value_heads=2, num_experts=64, num_experts_per_tok=4)
    tiny = Config(num_attention_heads=2, num_key_value_heads=2, num_experts=2, num_experts_per_tok=1)
    node = tree.read(default)
    for name, value in vars(tiny).items():
        node.set(name, value)
    assert [name for name, _ in kinds.lost_relations(node, node)] == [
        "num_experts",
        "num_experts_per_tok",
        "num_key_value_heads",
    ]


def test_a_lost_sub_model_is_missed() -> None:
    default = Config(text_config=Config(hidden_size=8))
    assert kinds.kinds_lost(default, Config()) == ["text_config: sub-configuration lost"]
