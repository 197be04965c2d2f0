"""A class's own loss: labels that fit it are found, its gradients are judged, and what is wrong with it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import depth
import pytest
import torch
from transformers import BertForQuestionAnswering

from archsweep.archs import labels
from archsweep.contract import Status, Subject


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return depth.subjects()


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("bert/BertForMaskedLM", ["labels"]),
        ("bert/BertForPreTraining", ["labels", "next_sentence_label"]),
        ("bert/BertForQuestionAnswering", ["start_positions", "end_positions"]),
        ("bert/BertForMultipleChoice", ["labels"]),
        ("t5/T5ForConditionalGeneration", ["labels"]),
        ("clip/CLIPModel", ["return_loss"]),
        ("segformer/SegformerForSemanticSegmentation", ["labels"]),
        ("wav2vec2/Wav2Vec2ForCTC", ["labels"]),
        ("vit_mae/ViTMAEForPreTraining", []),
    ],
)
def test_labels_are_found_for_a_loss(id: str, given: list[str], known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "backward")
    assert result.status is Status.PASS, result.message
    own = result.details["own_loss"]
    assert own["given"] == given
    assert own["loss"] > 0
    assert 0.9 < own["lowered"] < 1.1


def test_no_answer_lies_in_padding() -> None:
    given = {"attention_mask": torch.tensor([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1]])}
    forms = labels.forms(BertForQuestionAnswering, {**given, "input_ids": torch.zeros(2, 6)}, {"s": torch.zeros(2, 6)})
    made = next(forms)
    for positions in (made["start_positions"], made["end_positions"]):
        assert given["attention_mask"].gather(1, positions[:, None]).all()


def steeper(module: Any) -> None:
    counted = module.loss_function
    module.loss_function = lambda *words, **named: 1.01 * counted(*words, **named)


@pytest.mark.parametrize("id", ["gpt2/GPT2LMHeadModel", "llama/LlamaForCausalLM", "vit/ViTForImageClassification"])
def test_a_wrong_loss_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform's loss is a hundredth too steep; its outputs are right."""
    depth.plant(monkeypatch, steeper)
    result = depth.ended(tmp_path, known[id], "backward")
    assert result.status is Status.FAIL
    assert "of its own loss" in result.message


def test_why_no_labels_fit_is_told(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known["dpt/DPTForDepthEstimation"], "backward")
    assert "NotImplementedError" in result.details["own_loss"]["untried"]


class Regression(torch.nn.Module):
    """One number a row, whose loss wants numbers and no classes."""

    def __init__(self) -> None:
        super().__init__()
        self.line = torch.nn.Linear(4, 1)

    def forward(self, values: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        logits = self.line(values)
        if labels is None:
            return {"logits": logits}
        if not labels.is_floating_point():
            raise ValueError("numbers are wanted")
        return {"loss": (logits[:, 0] - labels).square().mean(), "logits": logits}


def test_a_form_that_is_refused_is_followed_by_the_next() -> None:
    model, values = Regression(), {"values": torch.randn(3, 4)}
    given, why = labels.found(model, values, model(**values))
    assert given is not None, why
    assert given["labels"].shape == (3,)
    assert labels.asked(Regression)
    assert not labels.asked(torch.nn.Linear)
