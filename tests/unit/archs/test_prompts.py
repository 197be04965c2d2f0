"""What a generation starts from, told by shapes and by what a refusal says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from archsweep.archs import generation, prompts, rows  # noqa: E402

MODEL = SimpleNamespace(config=SimpleNamespace(audio_bos_token_id=42))
GIVEN = {"input_ids": torch.arange(12).reshape(2, 6), "attention_mask": torch.ones(2, 6), "scale": 2}


class Speaker:
    def forward(self, input_ids, attention_mask=None, voice=None): ...


def test_tokens_of_several_codebooks_have_no_padding() -> None:
    ids, mask = torch.arange(12).reshape(4, 3), torch.tensor([[1, 1, 1], [1, 1, 0]])
    found = prompts.prompt({"input_ids": ids, "attention_mask": mask}, encoded=False)
    assert torch.equal(found["input_ids"], ids[:, :2])
    assert found["attention_mask"].tolist() == [[1, 1], [1, 1]]


def test_a_refusal_teaches_which_token_closes_a_prompt() -> None:
    told = "Every prompt must end with the first position (`audio_bos_token_id`), from which it goes on."
    found = prompts.taught(MODEL, GIVEN, told, 10) or {}
    assert found["input_ids"].tolist() == [[0, 1, 2, 3, 4, 42], [6, 7, 8, 9, 10, 42]]
    assert prompts.taught(MODEL, found, told, 10) is None, "it is closed already"
    assert prompts.taught(MODEL, GIVEN, "Every prompt must end with a `full_stop`.", 10) is None


def test_a_refusal_teaches_how_long_a_prompt_may_be() -> None:
    told = "Input length of input_ids is 6, but `max_length` is set to 6. This can lead to unexpected behavior."
    found = prompts.taught(MODEL, GIVEN, told, 4) or {}
    assert found["input_ids"].tolist() == [[4, 5], [10, 11]]
    assert found["attention_mask"].shape == (2, 2)
    assert found["scale"] == 2
    assert prompts.taught(MODEL, GIVEN, told, 6) is None, "nothing would be left"
    assert prompts.taught(MODEL, GIVEN, "Input length of input_ids is 9, but `max_length` is set to 9.", 4) is None


def test_a_refusal_names_what_is_missed() -> None:
    missed = prompts.missed
    assert missed(Speaker, GIVEN, KeyError("voice")) == ("voice",)
    assert missed(Speaker, GIVEN, ValueError("`voice` must be specified.")) == ("voice",)
    assert missed(Speaker, GIVEN, ValueError("The voice is too loud.")) == ()
    assert missed(Speaker, GIVEN, KeyError("input_ids")) == (), "it is given"


def test_a_single_placeholder_becomes_as_many_as_the_places_that_come_out() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1]])
    made = {"input_ids": torch.tensor([[5, 9, 6, 7], [0, 5, 9, 8]]), "attention_mask": mask}
    found = prompts._lengthened(made, [1, 1], [2, 1])
    assert found["input_ids"].tolist() == [[5, 9, 9, 9, 6, 7], [0, 0, 5, 9, 9, 8]]
    assert found["attention_mask"].tolist() == [[1] * 6, [0, 0, 1, 1, 1, 1]]


def test_steps_of_one_text_end_with_the_first_other_token() -> None:
    wanted = torch.tensor([[1, 2, 3], [4, 5, 6]])
    assert generation.agreed(wanted, wanted) == 3
    assert generation.agreed(torch.tensor([[1, 2, 3], [4, 9, 6]]), wanted) == 2


def test_places_in_the_patches_of_all_rows_are_counted_anew_in_each() -> None:
    table = torch.tensor([[0, 1], [3, -1], [4, 5], [7, -1]])
    given = {"input_ids": torch.ones(2, 3, dtype=torch.long), "pixel_values": torch.ones(2, 4, 8), "pooling": table}
    first, second = rows.apart(given) or ()
    assert first["pooling"].tolist() == [[0, 1], [3, -1]]
    assert second["pooling"].tolist() == [[0, 1], [3, -1]]
    table[2, 0] = 3
    _, second = rows.apart(given) or ()
    assert second["pooling"].tolist() == [[3, 5], [7, -1]], "not all lie within the row's own patches: no such table"
