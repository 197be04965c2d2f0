"""A platform that is the CPU, but for one fault in each of a few classes: in what it runs, never in a reference.

It comes to pytest and to its workers as another package's platform does, by an entry point.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from archsweep.archs.rounding import Quantized
from archsweep.contract import Bench, Priority, Program
from archsweep.platforms import _torchao, cpu

NAME = "planted"
title = "The CPU with faults planted in it"
priority = Priority.LOW
capabilities = cpu.capabilities
probe = cpu.probe


def warm_up() -> None:
    """What is slow about two checks, and not what they are about: C++ takes a minute, and many samples take seconds."""
    import torch

    torch.compile = functools.partial(torch.compile, backend="eager")
    importlib.import_module("archsweep.checks.compile")._find_compiler = lambda: None
    speed = importlib.import_module("archsweep.checks.speed")
    speed.PAUSE_S, speed.TIME_S, speed.BATCHES = 0.0, 0.0, ()


def compile(bench: Bench) -> Program:
    program = cpu.compile(bench)
    FAULTS.get(bench.subject.id, lambda module: None)(program.module)  # type: ignore[attr-defined]
    return program


def quantized(bench: Bench, scheme: str) -> Quantized:
    import torch

    made = _torchao.quantized(bench, cpu.compile, scheme)
    if bench.subject.id in WRONG_SCALES:
        named = [part for part in made.program.module.modules() if isinstance(part, torch.nn.Linear)]  # type: ignore[attr-defined]
        integers = [part.weight for part in named if _torchao._parts(part.weight)]
        integers[len(integers) // 2].scale.mul_(3)
    return made


def around(module: Any, change: Callable[[Any], Any]) -> None:
    """From now on `change` is done to what the forward pass gives."""
    honest = module.forward

    @functools.wraps(honest)
    def forward(*given: Any, **named: Any) -> Any:
        return change(honest(*given, **named))

    module.forward = forward


def numbers(outputs: Any, change: Callable[[Any], Any]) -> Any:
    """Outputs with each tensor of floating-point numbers changed."""
    for name, value in list(outputs.items()):
        if hasattr(value, "is_floating_point") and value.is_floating_point():
            outputs[name] = change(value)
    return outputs


def spoiled(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    return lambda module: around(module, lambda outputs: numbers(outputs, change))


def raising(module: Any) -> None:
    def complain(outputs: Any) -> Any:
        raise ValueError("planted: this model does not want to")

    around(module, complain)


def dying(module: Any) -> None:
    around(module, lambda outputs: os.kill(os.getpid(), signal.SIGSEGV))


def lying_when(state: str) -> Callable[[Any], None]:
    """Wrong by a hundredth while torch says that it is exporting, or compiling."""

    def plant(module: Any) -> None:
        import torch

        lies = getattr(torch.compiler, state)
        around(module, lambda outputs: numbers(outputs, lambda value: value * 1.01) if lies() else outputs)

    return plant


def tired(module: Any) -> None:
    """From its tenth run on it gives half of what it should."""
    passes = itertools.count()
    around(module, lambda outputs: numbers(outputs, lambda value: value * 0.5) if next(passes) >= 10 else outputs)


def off_by_one(module: Any) -> None:
    """What a cache remembers of the first place is that of the second."""
    import torch
    from transformers import cache_utils

    honest = cache_utils.DynamicLayer.update

    def shifted(layer: Any, keys: Any, values: Any, *given: Any, **named: Any) -> Any:
        found, others = honest(layer, keys, values, *given, **named)
        if keys.shape[-2] == 1 and found.shape[-2] > 2:
            found = torch.cat([found[..., 1:2, :], found[..., 1:, :]], -2)
        return found, others

    cache_utils.DynamicLayer.update = shifted


def forgetful(module: Any) -> None:
    """The last matrix is not saved."""
    honest = module.save_pretrained

    def save(folder: str, **named: Any) -> None:
        state = dict(module.state_dict())
        state.pop([name for name, value in state.items() if value.ndim > 1][-1])
        honest(folder, state_dict=state, **named)

    module.save_pretrained = save


def untied(module: Any) -> None:
    """What is loaded has a head of its own."""
    import torch
    from transformers import PreTrainedModel

    honest = PreTrainedModel.from_pretrained.__func__  # type: ignore[attr-defined]

    def load(kind: Any, *given: Any, **named: Any) -> Any:
        model, told = honest(kind, *given, **named)
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        return model, told

    PreTrainedModel.from_pretrained = classmethod(load)


def scaled(module: Any) -> None:
    """One way of attention scales its queries otherwise, once it has been chosen."""
    from transformers import PreTrainedModel
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    honest, choose, chosen = ALL_ATTENTION_FUNCTIONS["sdpa"], PreTrainedModel.set_attn_implementation, [""]

    def attend(part: Any, query: Any, *given: Any, **named: Any) -> Any:
        return honest(part, query * 1.01 if chosen[0] == "sdpa" else query, *given, **named)

    def choosing(model: Any, implementation: str, **named: Any) -> None:
        chosen[0] = implementation
        choose(model, implementation, **named)

    PreTrainedModel.set_attn_implementation = choosing
    ALL_ATTENTION_FUNCTIONS._local_mapping["sdpa"] = attend


def without_gradient(module: Any) -> None:
    matrices = [value for value in module.parameters() if value.ndim == 2]
    matrices[-1].register_hook(lambda gradient: gradient * 0)


def other_base(module: Any) -> None:
    """Rotary embeddings turn by other angles."""
    found = [buffer for name, buffer in module.named_buffers() if name.endswith("inv_freq")]
    assert found
    for buffer in found:
        buffer.pow_(1.05)


WRONG_SCALES = ("vit/ViTForImageClassification",)
FAULTS: Mapping[str, Callable[[Any], None]] = {
    "bert/BertModel": spoiled(lambda value: value * 1.01),
    "bert/BertForMaskedLM": spoiled(lambda value: value * float("nan")),
    "bert/BertForTokenClassification": raising,
    "bert/BertForQuestionAnswering": spoiled(lambda value: value + 0.01 * value.flip(0)),
    "bert/BertForSequenceClassification": spoiled(lambda value: value * 1.01),
    "bert/BertForNextSentencePrediction": without_gradient,
    "bert/BertForPreTraining": untied,
    "bert/BertForMultipleChoice": tired,
    "bert/BertLMHeadModel": off_by_one,
    "gpt2/GPT2Model": scaled,
    "gpt2/GPT2ForSequenceClassification": forgetful,
    "gpt2/GPT2ForTokenClassification": spoiled(lambda value: value + 0.1 * value.mean(1, keepdim=True)),
    "gpt2/GPT2ForQuestionAnswering": lying_when("is_compiling"),
    "vit/ViTModel": lying_when("is_exporting"),
    "vit/ViTForMaskedImageModeling": dying,
    "llava/LlavaModel": other_base,
}
