"""What only real classes show: sessions, composed defaults, heads around whole models, weights that are drawn anew."""

from __future__ import annotations

import pytest
import torch

from archsweep.archs import defaults, eager, importing, lively, recipe, shown
from archsweep.contract import Architecture, Modality, Priority, Standing, Subject


def subject(folder: str, config: str, name: str, mapping: str = "MODEL", owner: str = "") -> Subject:
    models = "transformers.models"
    return Subject(
        model_type=folder, class_name=name, class_module=f"{models}.{owner or folder}.modeling_{owner or folder}",
        config_class=f"{models}.{folder}.configuration_{folder}:{config}", is_base=False, mappings=(mapping,),
        family=folder, architecture=Architecture.ENCODER_ONLY, role="encoder", modality=(Modality.IMAGE,),
        category="vision", tasks=(), priority=Priority.LOW, phase=6, standing=Standing.STAND_ALONE,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    importing.warm()


def test_a_session_is_fed_as_data_and_built_anew_for_each_pass() -> None:
    video = subject("sam2_video", "Sam2VideoConfig", "Sam2VideoModel")
    found = recipe.find(video)
    model, made = recipe.make_model(video, found), recipe.make_inputs(video, found)
    assert found.fed == ("video",)
    first, second = eager.run(model, made), eager.run(model, made)
    assert first["0.pred_masks"].shape[0] == 2, "two objects were asked for"
    assert all(torch.equal(first[path], second[path]) for path in first)
    with torch.no_grad():
        model.memory_attention.layer_norm.weight.mul_(2)
    remembered = eager.run(model, made)
    assert torch.equal(first["0.pred_masks"], remembered["0.pred_masks"]), "nothing to remember on the first frame"
    assert not torch.equal(first["1.pred_masks"], remembered["1.pred_masks"])


def test_weights_that_hide_an_output_are_drawn_anew_as_lively() -> None:
    found = recipe.find(subject("edgetam_video", "EdgeTamVideoConfig", "EdgeTamVideoModel"))
    assert found.seed < 0, "the first draw says that there is no object, and fills its mask"
    assert not shown.hidden({"scores": torch.tensor([1.0, 2.0]), "mask": torch.zeros(3)})
    assert shown.hidden({"mask": torch.full((3,), -1024.0)}) == 1


def test_a_default_that_needs_its_parts_is_composed_of_those_that_the_example_makes() -> None:
    import transformers

    class Composite(transformers.PretrainedConfig):  # type: ignore[misc]
        """
        >>> config_text = BertConfig()
        """

        sub_configs = {"text_config": transformers.AutoConfig}  # noqa: RUF012
        sub_configs_defaults = {}  # noqa: RUF012

    assert type(defaults.part_of(Composite, "text_config")) is transformers.BertConfig


def test_a_head_whose_only_part_is_any_model_is_put_around_the_types_own() -> None:
    head = subject("qwen2", "Qwen2Config", "JevForDecision", "DECISION", owner="jev")
    found = recipe.find(head)
    assert type(recipe.default_config(head).text_config).__name__ == "Qwen2Config"
    assert found.attempts <= 3


def test_weights_that_overflow_are_drawn_anew_and_gentler() -> None:
    folder = "pp_ocrv5_server_rec"
    head = subject(folder, "PPOCRV5ServerRecConfig", "PPOCRV5ServerRecForTextRecognition", "TEXT_RECOGNITION")
    assert recipe.find(head).seed == 1


def test_an_image_that_a_codebook_swallows_is_not_fed_that_way() -> None:
    coded = subject("emu3", "Emu3Config", "Emu3Model")
    found = recipe.find(coded)
    model, made = recipe.make_model(coded, found), recipe.make_inputs(coded, found)
    other = {**made, "pixel_values": recipe.make_inputs(coded, recipe.again(found, 5))["pixel_values"]}
    assert found.seed < 0
    assert shown.swallowed(model, made, lambda: other, eager.run(model, made)) == []
    lively.enliven(model, coded.id, 0)  # the first draw: one entry of the codebook is the nearest to everything
    assert shown.swallowed(model, made, lambda: other, eager.run(model, made)) == ["pixel_values"]
