"""Generating, exporting and compiling: what is sound passes, and a fault planted in three architectures is found."""

from __future__ import annotations

import functools
import importlib
import shutil
from pathlib import Path
from typing import Any

import depth
import pytest
import torch
from depth import kind_of

from archsweep.contract import Status, Subject
from archsweep.platforms import _torch

THREE = ("bert/BertModel", "llama/LlamaModel", "vit/ViTModel")


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return depth.subjects()


@pytest.mark.parametrize("id", ["bert/BertModel", "vit/ViTModel", "llama/LlamaModel"])
def test_what_is_exported_is_equal_at_other_sizes_too(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "export")
    assert result.status is Status.PASS, result.message
    assert result.details["shapes"][0] == "3 rows"
    assert result.details["route"]


@pytest.mark.parametrize("id", THREE)
def test_what_is_wrong_only_when_exported_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known[id])
    honest = kind.forward

    def lying(model: Any, *given: Any, **named: Any) -> Any:
        outputs = honest(model, *given, **named)
        if torch.compiler.is_exporting():
            outputs.last_hidden_state = outputs.last_hidden_state * 1.01
        return outputs

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(lying))
    result = depth.ended(tmp_path, known[id], "export")
    assert result.status is Status.FAIL
    assert result.message.startswith("torch.export:")


def test_what_a_tracer_leaves_in_a_module_is_not_there_for_the_next_case(
    known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that remembers a tensor of the tracer's and then reads a value, which no tracer has."""

    def remembering(module: Any) -> None:
        honest = module.forward

        def forward(*given: Any, **named: Any) -> Any:
            found = honest(*given, **named)
            if torch.compiler.is_exporting():
                module.remembered = found.last_hidden_state[:1, :1]
                float(module.remembered.sum())
            if hasattr(module, "remembered"):
                found.last_hidden_state = found.last_hidden_state + 0 * module.remembered
            return found

        module.forward = forward

    depth.plant(monkeypatch, remembering)
    exported, plain = depth.lot(tmp_path, known["bert/BertModel"], ("export", "forward"))
    assert (exported.status, plain.status) == (Status.ERROR, Status.PASS), plain.message


def test_what_torch_export_refuses_is_prepared_as_transformers_does_it(
    known: dict[str, Subject], tmp_path: Path
) -> None:
    result = depth.ended(tmp_path, known["qwen3_asr_encoder/Qwen3ASREncoder"], "export")
    assert result.status is Status.PASS, result.message
    assert result.details["shapes"] == ["3 rows"]
    told = result.details["torch_export"]
    assert told["way"] == "prepared, rows alike"
    assert len(told["refused"]) == 2
    assert "data-dependent" in told["refused"][0]


def test_a_program_for_one_size_alone_is_no_pass(
    known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known["bert/BertModel"])
    honest = kind.forward

    def looping(model: Any, input_ids: Any, **named: Any) -> Any:
        outputs = honest(model, input_ids, **named)
        outputs.pooler_output = torch.stack([outputs.pooler_output[row] for row in range(len(input_ids))])
        return outputs

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(looping))
    result = depth.ended(tmp_path, known["bert/BertModel"], "export")
    assert result.status is Status.ERROR
    assert result.message.startswith("3 rows: the program takes no other size than the one traced: Guard failed")


SPEAKING = ("gpt2/GPT2LMHeadModel", "llama/LlamaForCausalLM", "opt/OPTForCausalLM")
ROTARY = ("llama/LlamaForCausalLM", "mistral/MistralForCausalLM", "qwen2/Qwen2ForCausalLM")
GENERATING = (
    *SPEAKING,
    "t5/T5ForConditionalGeneration",
    "whisper/WhisperForConditionalGeneration",
    "llava/LlavaForConditionalGeneration",
    "mamba/MambaForCausalLM",
)


@pytest.mark.parametrize("id", GENERATING)
def test_what_generates_passes(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.PASS, result.message
    assert {"greedy", "without a cache", "row 0 alone", "row 1 alone"} <= {*result.details["compared"]}
    assert result.details["steps"] >= 8
    assert result.details["tokens"] >= 3


def test_what_does_not_generate_is_inapplicable(known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known["bert/BertModel"], "generate")
    assert (result.status, result.message) == (Status.INAPPLICABLE, "the class does not generate")


def test_a_generation_that_wants_an_argument_of_its_own_is_inapplicable(
    known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known["gpt2/GPT2LMHeadModel"])
    honest = kind.generate

    def generate(model: Any, inputs: Any = None, language: str | None = None, **named: Any) -> Any:
        if language is None:
            raise ValueError("You must specify a `language`.")
        return honest(model, inputs, **named)

    monkeypatch.setattr(kind, "generate", generate)
    result = depth.ended(tmp_path, known["gpt2/GPT2LMHeadModel"], "generate")
    assert result.status is Status.INAPPLICABLE
    assert result.message == "GPT2LMHeadModel.generate wants language: You must specify a `language`."


@pytest.mark.parametrize("id", SPEAKING)
def test_a_cache_that_is_off_by_one_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth.shift_caches(monkeypatch)
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.FAIL
    assert result.message.startswith("without a cache:")


@pytest.mark.parametrize("id", SPEAKING)
def test_a_mask_that_generation_ignores_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known[id])
    honest = kind.forward

    def deaf(model: Any, *given: Any, attention_mask: Any = None, **named: Any) -> Any:
        return honest(model, *given, attention_mask=None, **named)

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(deaf))
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.FAIL
    assert result.message.startswith(("row 1 alone:", "without a cache:"))


@pytest.mark.parametrize("id", ROTARY)
def test_a_wrong_rotary_base_on_a_device_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = _torch.compile_eager

    def planted(*given: Any) -> Any:
        program: Any = honest(*given)
        for name, buffer in program.module.named_buffers():
            if name.endswith("inv_freq"):
                buffer.pow_(1.05)
        return program

    monkeypatch.setattr(_torch, "compile_eager", planted)
    result = depth.ended(tmp_path, known[id], "generate")
    assert result.status is Status.FAIL
    assert result.message.startswith("greedy:")


@pytest.mark.parametrize("id", ["gpt2/GPT2Model"])
def test_what_is_compiled_passes_and_its_graphs_are_counted(id: str, known: dict[str, Subject], tmp_path: Path) -> None:
    result = depth.ended(tmp_path, known[id], "compile")
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        assert result.status is Status.UNAVAILABLE
        assert "C++ compiler" in result.message
        return
    assert result.status is Status.PASS, result.message
    assert result.metrics["graphs"] >= 1
    assert result.metrics["recompiles"] >= 0


def test_without_a_compiler_nothing_is_compiled_and_it_says_what_to_install(
    known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = importlib.import_module("torch._inductor.cpp_builder").cpp_compiler_search
    search.cache_clear()  # torch looks once in a process
    with monkeypatch.context() as patch:
        patch.setenv("CXX", "/nowhere/c++")
        patch.setenv("PATH", str(tmp_path))
        result = depth.ended(tmp_path, known["gpt2/GPT2Model"], "compile")
    search.cache_clear()
    assert result.status is Status.UNAVAILABLE, result.message
    assert "g++" in result.message


@pytest.mark.parametrize("id", THREE)
def test_what_is_wrong_only_when_compiled_is_found(
    id: str, known: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(known[id])
    honest = kind.forward

    def lying(model: Any, *given: Any, **named: Any) -> Any:
        outputs = honest(model, *given, **named)
        if torch.compiler.is_compiling():
            outputs.last_hidden_state = outputs.last_hidden_state * 1.01
        return outputs

    monkeypatch.setattr(kind, "forward", functools.wraps(honest)(lying))
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))  # C++ takes a minute
    monkeypatch.setattr(importlib.import_module("archsweep.checks.compile"), "_find_compiler", lambda: None)
    result = depth.ended(tmp_path, known[id], "compile")
    assert result.status is Status.FAIL
    assert "relative error" in result.message
