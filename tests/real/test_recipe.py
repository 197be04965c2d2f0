"""The search for a tiny model: what it finds is small, the same each time, and it ends where nothing can be found."""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path

import pytest
import torch
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from archsweep.archs import importing, recipe, shown, shrink, specification_cache
from archsweep.archs.specification import specified
from archsweep.contract import Architecture, Modality, Priority, Stage, Standing, Subject
from archsweep.encoding import decode, encode
from archsweep.errors import NoRecipe


def subject(model_type: str, config: str, name: str, module: str, config_module: str) -> Subject:
    return Subject(
        model_type=model_type, class_name=name, class_module=module, config_class=f"{config_module}:{config}",
        is_base=True, mappings=("MODEL_MAPPING",), family=model_type, architecture=Architecture.ENCODER_ONLY,
        role="encoder", modality=(Modality.TEXT,), category="text-encoders", tasks=(), priority=Priority.LOW, phase=6,
        standing=Standing.STAND_ALONE,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    importing.warm()


BERT = subject(
    "bert", "BertConfig", "BertModel", "transformers.models.bert.modeling_bert",
    "transformers.models.bert.configuration_bert",
)  # fmt: skip


def test_what_is_found_is_left_unless_the_code_asks_for_what_is_here_by_chance(tmp_path: Path) -> None:
    """... and the model that was found is handed out afterwards as if nobody had looked at it."""
    found = recipe.find(BERT)
    specification_cache.leave(tmp_path, BERT, found, ("LayerNorm",))
    assert specification_cache.read(tmp_path, [BERT]) == {}
    specification_cache.leave(tmp_path, BERT, found, ("spoon",))
    assert specification_cache.read(tmp_path, [BERT]) == {BERT.id: specified(BERT)}
    first = recipe.find(BERT)
    (kept,) = (model for _, model in recipe._FOUND.values())
    specification_cache.leave(tmp_path / "other", BERT, first, ())
    assert recipe.make_model(BERT, first) is kept


@pytest.mark.parametrize(
    ("name", "stage", "words"),
    [
        ("StubbornModel", Stage.RUN, "must be a multiple of 7"),
        ("UnbuildableModel", Stage.BUILD, "is not what this model wants"),
        ("SilentModel", Stage.RUN, "NaN"),
    ],
)
def test_the_search_ends_after_a_bounded_number_of_attempts(name: str, stage: Stage, words: str) -> None:
    stages: list[Stage] = []
    counts = []
    for _ in range(2):
        importlib.import_module("stubborn").StubbornModel.calls = 0
        with pytest.raises(NoRecipe) as ending:
            recipe.find(subject("stubborn", "StubbornConfig", name, "stubborn", "stubborn"), announce=stages.append)
        assert (ending.value.stage, words in str(ending.value)) == (stage, True)
        counts.append(ending.value.attempts)
    assert counts[0] == counts[1], "bounded by attempts, so the same each time"
    assert 2 < counts[0] <= 150, "without a bound the stubborn one takes almost a thousand"
    assert len(stages) == sum(counts)


def test_a_recipe_makes_the_same_small_model_and_inputs_again() -> None:
    found = recipe.find(BERT)
    assert 1000 < found.parameters <= recipe.MOST_PARAMETERS
    assert "text" in found.fed
    again = decode(recipe.Recipe, json.loads(json.dumps(encode(found))))
    assert encode(again) == encode(found) == encode(recipe.find(BERT))
    first, second = recipe.make_model(BERT, found), recipe.make_model(BERT, again)
    assert sum(item.numel() for item in first.parameters()) == found.parameters
    for (name, one), (_, other) in zip(first.state_dict().items(), second.state_dict().items(), strict=True):
        assert torch.equal(one, other), name
    inputs = recipe.make_inputs(BERT, again)
    assert inputs["attention_mask"].sum(1).unique().numel() == 2, "two rows of unequal length"
    for name, value in recipe.make_inputs(BERT, found).items():
        assert torch.equal(value, inputs[name])
    with torch.no_grad():
        assert first(**inputs).last_hidden_state.isfinite().all()


def test_a_frame_of_sound_is_shortened_in_the_configuration_that_is_built() -> None:
    from transformers import DacConfig

    default = DacConfig(downsampling_ratios=[2, 8, 10, 12], upsampling_ratios=[12, 10, 8, 2])
    for move, root in shrink.candidates(default):
        assert root.get("downsampling_ratios") == [2, 2, 2, 2], move
        assert root.get("hop_length") == 16, move


SIZES = {  # a rule of sizes, and a configuration's field in which it shows: the largest number that may be left
    "shrink_images": ("vit", "image_size", 112),
    "shrink_queries": ("detr", "num_queries", 12),
    "shrink_clips": ("vivit", "num_frames", 4),
    "shrink_contexts": ("timesfm2_5", "context_length", 512),
    "shrink_branches": ("vits", "resblock_kernel_sizes", 7),
    "shrink_windows": ("longformer", "attention_window", 8),
    "shrink_positions": ("gpt2", "n_positions", 512),
    "shrink_features": ("whisper", "max_source_positions", 100),
    "shrink_ratios": ("pe_audio_encoder", "downsampling_ratios", 2),
    "open_thresholds": ("efficientloftr", "coarse_matching_threshold", 0),
}


@pytest.mark.parametrize("rule", SIZES)
def test_a_rule_of_sizes_is_at_work_in_what_is_built(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model_type, field, most = SIZES[rule]
    config = CONFIG_MAPPING[model_type]()

    def largest() -> float:
        found = (part.get(field) for part in shrink.shrunk(config, shrink.MOVES[0]).walk())
        value = next(value for value in found if value is not None)
        return max(value) if isinstance(value, list | tuple) else value

    assert largest() <= most
    monkeypatch.setattr(shrink.sizes, rule, lambda root, *more: None)
    assert largest() > most


def test_another_seed_is_another_model_with_other_inputs() -> None:
    found = recipe.find(BERT)
    other = recipe.again(found, 1)
    assert dataclasses.replace(other, seed=0) == found
    name = next(iter(dict(recipe.make_model(BERT, found).named_parameters())))
    first, second = (dict(recipe.make_model(BERT, item).named_parameters())[name] for item in (found, other))
    assert not torch.equal(first, second)
    ids = [recipe.make_inputs(BERT, item)["input_ids"] for item in (found, other)]
    assert not torch.equal(*ids)


def test_a_model_too_large_is_never_allocated() -> None:
    with pytest.raises(recipe.TooLargeError):
        recipe.construct(BERT, {"hidden_size": 8192, "intermediate_size": 65536, "num_attention_heads": 8})


def audio(model_type: str, stem: str) -> Subject:
    module = f"transformers.models.{model_type}"
    return subject(
        model_type, f"{stem}Config", f"{stem}Model", f"{module}.modeling_{model_type}",
        f"{module}.configuration_{model_type}",
    )  # fmt: skip


def test_a_mask_that_the_class_ignores_is_left_out_and_one_that_it_heeds_is_fed() -> None:
    deaf, heeding = audio("whisper", "Whisper"), audio("wav2vec2", "Wav2Vec2")
    found = recipe.find(deaf)
    assert list(found.hints["ignored"]) == ["attention_mask"]
    assert "attention_mask" not in recipe.make_inputs(deaf, found)
    found = recipe.find(heeding)
    assert "ignored" not in found.hints
    assert recipe.make_inputs(heeding, found)["attention_mask"].sum(1).unique().numel() == 2


def test_a_stack_whose_signals_grow_out_of_bounds_gets_gentler_weights() -> None:
    home = "transformers.models.pp_ocrv5_mobile_rec"
    deep = subject(
        "pp_ocrv5_mobile_rec", "PPOCRV5MobileRecConfig", "PPOCRV5MobileRecModel",
        f"{home}.modeling_pp_ocrv5_mobile_rec", f"{home}.configuration_pp_ocrv5_mobile_rec",
    )  # fmt: skip
    found = recipe.find(deep, announce=lambda stage: None)
    assert found.seed == 1
    largest = {}
    for seed in (0, found.seed):
        drawn = recipe.again(found, seed)
        outputs = recipe.forward(recipe.make_model(deep, drawn), recipe.make_inputs(deep, drawn))
        largest[seed] = max(float(value.abs().max()) for value in outputs.values())
    assert 0 < largest[1] < 1e19 < largest[0]


def test_fill_values_are_no_signals_that_grow() -> None:
    filled = torch.tensor([1.0, torch.finfo(torch.float32).min, -torch.inf])
    assert not shown.grown({"scores": filled, "ids": torch.tensor([2**62])})
    assert shown.grown({"scores": torch.tensor([1.0, -1e20])})


def test_an_image_that_queries_read_has_a_place_in_the_text_for_each_query() -> None:
    """A pooled tower tells one feature an image; with one place the second would show the first one's features."""
    home = "transformers.models.blip_2"
    reading = subject("blip-2", "Blip2Config", "Blip2Model", f"{home}.modeling_blip_2", f"{home}.configuration_blip_2")
    found = recipe.find(reading, announce=lambda stage: None)
    config = recipe.make_model(reading, found).config
    places = (recipe.make_inputs(reading, found)["input_ids"] == config.image_token_id).sum(1)
    assert places.tolist() == [config.num_query_tokens] * 2
