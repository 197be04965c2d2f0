"""Numbers of tokens: those of a configuration are kept, and nothing lies outside the model's vocabulary."""

from __future__ import annotations

from archsweep.archs.raw import vocabulary


class Stated:
    def __init__(self, **fields: object) -> None:
        self._fields = fields

    def to_dict(self) -> dict[str, object]:
        return self._fields


def test_the_first_configuration_that_states_a_number_counts() -> None:
    root = Stated(pad_token_id=None, image_token_index=7, eos_token_id=[3, 4], hidden_size=9)
    text = Stated(pad_token_id=1, eos_token_id=5, bos_token_id=99, sep_token_id=-1, is_token_id=True)
    found = vocabulary.stated([root, text], 50)
    assert found == {"image_token": 7, "eos_token": 3, "pad_token": 1}


def test_two_names_of_one_number_get_one_text() -> None:
    named, fixed = vocabulary.placed({"pad_token": "<pad>", "eos_token": "</s>"}, {"pad_token": 2, "eos_token": 2})
    assert named == {"eos_token": "</s>", "pad_token": "</s>"}
    assert fixed == {"</s>": 2}


def test_two_numbers_of_one_text_get_two_texts() -> None:
    named, fixed = vocabulary.placed({"bos_token": "<|end|>", "eos_token": "<|end|>"}, {"bos_token": 4, "eos_token": 2})
    assert fixed == {"<|end|>": 2, "<bos>": 4}
    assert named["bos_token"] == "<bos>"


def test_every_number_of_the_model_has_one_token() -> None:
    tokens = vocabulary.laid(12, {"<pad>": 3, "<eos>": 11}, ["a", "b", "a", "<pad>"], ["<unk>"])
    assert len(tokens) == len(set(tokens)) == 12
    assert (tokens[3], tokens[11]) == ("<pad>", "<eos>")
    assert tokens[:3] == ["<unk>", "a", "b"]


def test_more_pieces_than_numbers_are_cut_off() -> None:
    assert vocabulary.laid(2, {"<pad>": 0}, ["a", "b", "c"]) == ["<pad>", "a"]


def test_the_token_of_a_patch_of_an_image_is_the_token_of_an_image() -> None:
    assert vocabulary.stated([Stated(image_patch_id=8)], 50) == {"image_token": 8}
