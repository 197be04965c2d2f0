"""Rows of a batch, told by shapes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from archsweep.archs import prompts, rows  # noqa: E402
from archsweep.archs.inputs import placeholders  # noqa: E402


def test_rows_are_taken_apart_with_their_shares_of_what_is_packed() -> None:
    table = torch.arange(10)[:, None].expand(10, 3)
    grids = torch.tensor([[1, 2, 2], [1, 2, 3]])
    ids = torch.arange(8).reshape(2, 4)
    first, second = rows.apart({"input_ids": ids, "pixel_values": table, "image_grid_thw": grids, "scale": 2}) or ()
    assert torch.equal(second["input_ids"], ids[1:])
    assert (len(first["pixel_values"]), len(second["pixel_values"])) == (4, 6)
    assert torch.equal(second["image_grid_thw"], grids[1:])
    assert first["scale"] == second["scale"] == 2


def test_every_row_has_an_equal_share_of_its_images() -> None:
    first, second = rows.apart({"input_ids": torch.ones(2, 4), "pixel_values": torch.arange(6)[:, None]}) or ()
    assert (first["pixel_values"].flatten().tolist(), second["pixel_values"].flatten().tolist()) == (
        [0, 1, 2],
        [3, 4, 5],
    )


@pytest.mark.parametrize("inputs", [{"x": torch.ones(1, 4)}, {"x": torch.ones(2, 4), "y": torch.ones(5, 3)}, {}])
def test_what_has_no_rows_is_not_taken_apart(inputs: dict[str, torch.Tensor]) -> None:
    assert rows.apart(inputs) is None


def test_outputs_are_joined_along_the_axis_that_has_them_all() -> None:
    whole = torch.arange(24.0).reshape(3, 2, 4)
    alone = [whole[:, :1], whole[:, 1:]]
    assert torch.equal(rows.together(alone, whole), whole)
    assert rows.together([torch.ones(4), torch.ones(4)], torch.ones(4)) is None


def test_a_shorter_output_is_held_against_the_beginning_of_the_longer() -> None:
    long = torch.arange(12.0).reshape(1, 6, 2)
    assert torch.equal(rows.shared(long, torch.ones(1, 4, 2), 6), long[:, :4])
    assert rows.shared(long, torch.ones(1, 4, 3), 6) is None
    assert rows.shared(long, torch.ones(1, 7, 2), 6) is None


def test_behind_padding_a_shorter_output_is_held_against_the_end_of_the_longer() -> None:
    long = torch.arange(12.0).reshape(1, 6, 2)
    assert torch.equal(rows.shared(long, torch.ones(1, 4, 2), 6, front=True), long[:, 2:])
    image = torch.cat(
        [long[:, :2], long[:, 4:]], 1
    )  # two patches before a text of four places, of which two are padding
    assert torch.equal(rows.shared(long, image, 4, front=True), image)
    assert torch.equal(rows.shared(long, long[:, 2:], 4, front=True), long[:, 2:])


def test_what_follows_a_text_is_no_padding() -> None:
    """Four tokens of which two are padding, and two patches of an image behind or before them."""
    long = torch.arange(12.0).reshape(1, 6, 2)
    behind, before = torch.cat([long[:, :2], long[:, 4:]], 1), long[:, :4]
    assert torch.equal(rows.shared(long, behind, 4), behind)
    assert torch.equal(rows.shared(long, before, 4), before)


PADDED = {
    "input_ids": torch.tensor([[5, 6, 7, 8], [9, 9, 1, 1]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]),
    "decoder_input_ids": torch.tensor([[1, 2, 3, 4], [1, 2, 3, 4]]),
    "global_attention_mask": torch.tensor([[1, 0, 0, 0], [1, 0, 0, 0]]),
}


def test_a_mask_hides_what_is_read_on_its_side_and_a_global_one_hides_nothing() -> None:
    assert rows.masked(PADDED) == [("attention_mask", "input_ids")]


def test_a_row_loses_its_padding_on_either_side() -> None:
    _, second = rows.apart(PADDED) or ()
    cut, front = rows.trimmed(second, "attention_mask") or ({}, True)
    assert cut["input_ids"].tolist() == [[9, 9]]
    assert cut["decoder_input_ids"].shape == (1, 4)
    assert not front
    before = {"input_ids": torch.tensor([[1, 1, 9]]), "attention_mask": torch.tensor([[0, 1, 1]])}
    cut, front = rows.trimmed(before, "attention_mask") or ({}, False)
    assert cut["input_ids"].tolist() == [[1, 9]]
    assert front
    holed = {"input_ids": torch.tensor([[1, 1, 9]]), "attention_mask": torch.tensor([[1, 0, 1]])}
    assert rows.trimmed(holed, "attention_mask") is None


def test_padding_is_moved_in_front_of_its_own_text_alone() -> None:
    found = rows.fronted({**PADDED, "pixel_values": torch.ones(2, 3, 4, 4)})
    assert found["input_ids"].tolist() == [[5, 6, 7, 8], [1, 1, 9, 9]]
    assert found["attention_mask"].tolist() == [[1, 1, 1, 1], [0, 0, 1, 1]]
    assert torch.equal(found["decoder_input_ids"], PADDED["decoder_input_ids"])
    sound = {"input_values": torch.ones(1, 3), "attention_mask": torch.tensor([[1, 1, 0]])}
    assert torch.equal(rows.fronted(sound)["attention_mask"], sound["attention_mask"])


def test_sound_that_is_hidden_is_silence() -> None:
    given = {"input_values": torch.ones(1, 3), "attention_mask": torch.tensor([[1, 1, 0]])}
    assert rows.silenced(given)["input_values"].tolist() == [[1.0, 1.0, 0.0]]
    assert rows.silenced(PADDED)["input_ids"] is PADDED["input_ids"]


def test_a_prompt_is_padded_in_front_unless_it_is_encoded() -> None:
    found = prompts.prompt(PADDED, encoded=False)
    assert found["input_ids"].tolist() == [[5, 6, 7, 8], [1, 1, 9, 9]]
    assert found["attention_mask"].tolist() == [[1, 1, 1, 1], [0, 0, 1, 1]]
    assert "decoder_input_ids" not in found
    kept = prompts.prompt(PADDED, encoded=True)
    assert torch.equal(kept["input_ids"], PADDED["input_ids"])


def test_a_single_prompt_has_no_padding() -> None:
    found = prompts.prompt(PADDED, encoded=False)
    _, second = rows.apart(found) or ()
    assert prompts.single(second)["input_ids"].tolist() == [[9, 9]]


def test_features_of_unequal_rows_are_counted_by_row() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    given = {"input_features": torch.ones(2, 4, 3), "input_features_mask": mask}

    def ask(input_features: torch.Tensor, input_features_mask: torch.Tensor) -> torch.Tensor:
        return input_features[input_features_mask.bool()]

    assert placeholders._by_rows(ask, given, 6) == [4, 2]
    assert placeholders._by_rows(ask, given, 7) is None, "they do not add up"


def test_a_class_that_takes_no_row_alone_leaves_the_total() -> None:
    def ask(input_features: torch.Tensor) -> torch.Tensor:
        return input_features[1]

    assert placeholders._by_rows(ask, {"input_features": torch.ones(2, 4, 3)}, 8) is None


def test_places_that_a_mask_hides_are_left_out() -> None:
    value = torch.arange(16.0).reshape(2, 4, 2)
    found = rows.shown({"hidden": value, "pooled": value[:, 0]}, PADDED)
    assert torch.equal(found["hidden"], torch.cat([value[0], value[1, :2]]))
    assert torch.equal(found["pooled"], value[:, 0])


def test_frames_of_sound_count_where_their_share_of_the_mask_shows() -> None:
    mask = torch.ones(2, 80, dtype=torch.long)
    mask[1, 40:] = 0
    value = torch.arange(16.0).reshape(2, 8, 1)
    found = rows.shown({"hidden": value}, {"input_values": torch.ones(2, 80), "attention_mask": mask})
    assert torch.equal(found["hidden"], torch.cat([value[0], value[1, :3]]))  # the fourth looks into the padding


def test_places_of_sound_are_split_as_a_mask_shows_it() -> None:
    made = {"input_ids": torch.ones(2, 9), "attention_mask": torch.ones(2, 9), "input_features_mask": torch.ones(2, 20)}
    assert placeholders._heard(made, 10) is None  # both rows are as long
    made["input_features_mask"][1, 10:] = 0
    assert placeholders._heard(made, 10) == [7, 3]
    assert placeholders._heard(made, 15) == [10, 5]


def test_what_stands_at_several_places_for_each_step_is_hidden_with_the_step() -> None:
    steps = {"states": torch.ones(2, 3, 5), "attention_mask": torch.tensor([[1, 1, 1], [0, 1, 1]])}
    assert rows.masked(steps) == [("attention_mask", "states")]
    value = torch.arange(12.0).reshape(2, 6, 1)
    assert rows.shown({"out": value}, steps)["out"].flatten().tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]


def test_places_in_what_all_rows_hold_are_counted_anew_in_each() -> None:
    images = torch.arange(16.0).reshape(4, 4, 1)  # two images a row, four patches each
    pooled = torch.tensor([[0, 1], [7, -1], [8, 9], [15, -1]])
    inputs = {"pixel_values": images, "image_token_pooling": pooled, "input_ids": torch.ones(2, 3)}
    first, second = rows.apart(inputs) or ()
    assert first["image_token_pooling"].tolist() == second["image_token_pooling"].tolist() == [[0, 1], [7, -1]]
    assert rows.repeated(first, 2)["image_token_pooling"].tolist() == pooled.tolist()


def test_the_last_image_of_a_row_may_be_one_to_be_made() -> None:
    grids = torch.tensor([[1, 2, 2], [1, 9, 9], [1, 2, 3], [1, 9, 9]])
    inputs = {"pixel_values": torch.ones(10, 3), "image_grid_thw": grids, "input_ids": torch.ones(2, 3)}
    assert [len(row["pixel_values"]) for row in rows.apart(inputs) or ()] == [4, 6]


def test_frames_of_all_rows_may_come_one_after_another() -> None:
    whole = torch.arange(12.0).reshape(6, 2)
    assert torch.equal(rows.together([whole[::2], whole[1::2]], whole), whole)
    assert torch.equal(rows.together([whole[:3], whole[3:]], whole), whole)
