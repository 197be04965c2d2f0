"""What only real classes show: sessions, composed defaults, heads around whole models, weights that are drawn anew."""

from __future__ import annotations

import pytest
import torch

from archsweep.archs import defaults, eager, importing, recipe
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
    assert first["pred_masks"].shape[0] == 2, "two objects were asked for"
    assert all(torch.equal(first[path], second[path]) for path in first)


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
