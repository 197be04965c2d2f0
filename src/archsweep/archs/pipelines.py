"""Runs transformers' pipelines end to end on a module, and keeps what went into and came out of it. Judges nothing.

A pipeline runs the same way in float64: its processing stays as it is, and only what lies between `preprocess` and
`postprocess`, where the model is, sees no smaller floating dtype.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections import UserDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, float64, generation, outputs
from archsweep.archs.raw import material
from archsweep.archs.raw.components import SEEING, Components, borrowed
from archsweep.errors import Inapplicable, Unavailable

if TYPE_CHECKING:
    import torch

STEPS = 8  # tokens that a generating pipeline may add
GREEDY = {"max_new_tokens": STEPS, "do_sample": False, "num_beams": 1}
COMPONENTS = ("tokenizer", "image_processor", "feature_extractor", "video_processor", "processor")
NO_OPERATORS = "Couldn't load custom C++ ops"  # as torchvision says it
HELD = ("past_key_values", "cache", "encoder_outputs")  # what a pass is handed of an earlier one


@dataclass(frozen=True, kw_only=True)
class Call:
    """One pass of the model: the tensors that it was given and that it gave, by path, on the CPU."""

    given: Mapping[str, torch.Tensor]
    made: Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one call of a pipeline came to: the model's passes in order, and the answer."""

    calls: tuple[Call, ...]
    answer: Any
    prefix: str = ""  # what the pipeline writes before a text
    handed: Mapping[str, torch.Tensor] = field(default_factory=dict)  # to a generation, which makes its passes' inputs


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A task, and all that its pipeline has beside the model."""

    task: str
    components: Mapping[str, Any]
    generates: bool
    accepted: frozenset[str]  # names of inputs that the model takes
    provided: frozenset[str]  # names of inputs that the components make
    everyone: bool  # transformers draws the task from every base class
    borrowed: tuple[str, ...]  # components that belong to a kin of the model type
    never: tuple[int, ...] = ()  # tokens that stand for an image or a sound: generated ones would have none to show
    options: Mapping[str, Any] = field(default_factory=dict)  # what else the pipeline is called with
    facts: Mapping[str, Any] = field(default_factory=dict)  # what raw material is made by


def known() -> tuple[str, ...]:
    """The tasks for which transformers has a pipeline."""
    from transformers.pipelines import PIPELINE_REGISTRY

    found: tuple[str, ...] = tuple(PIPELINE_REGISTRY.get_supported_tasks())
    return found


def prepared(task: str, components: Components) -> Asked:
    """What the pipeline of `task` needs for this model. Raises Inapplicable where the model type lacks a part that the
    pipeline cannot do without, ImportError for a package that is not here, and what classes raise that are built."""
    from transformers import AutoModel
    from transformers.pipelines import PIPELINE_REGISTRY, _resolve_impl

    from archsweep.archs.inputs.facts import signature

    if task not in material.PARTS:
        raise Inapplicable(f"{task}: no raw material is known for this task")
    targeted = PIPELINE_REGISTRY.check_task(task)[1]
    kind = _resolve_impl(targeted["impl"])
    found: dict[str, Any] = {}
    for name in reversed(COMPONENTS):  # a processor first: it decides what its tokenizer writes
        wanted = getattr(kind, f"_load_{name}", None)
        if wanted is False:
            continue
        made = components.get(name, needed=bool(wanted))
        if made is not None:
            found[name] = made
        elif wanted:
            raise Inapplicable(f"{task}: its pipeline wants a {name}, and the model type has none")
    _readable(task, kind, components, found)
    generates = getattr(kind, "_pipeline_calls_generate", False) and components.model.can_generate()
    return Asked(
        task=task, components=found, generates=generates, everyone=AutoModel in targeted["pt"],
        borrowed=tuple(name for name in found if name != "tokenizer" and borrowed(name, components.model_type)),
        accepted=frozenset(signature(type(components.model))),
        provided=frozenset(name for part in found.values() for name in getattr(part, "model_input_names", ())),
        never=components.standing() if generates and "processor" in found else (),
        facts=dict(_facts(components, found)),
    )  # fmt: skip


def _readable(task: str, kind: Any, components: Components, found: Mapping[str, Any]) -> None:
    """Raises Inapplicable where the pipeline does nothing but what the class, or its processor, cannot do."""
    source = inspect.getsource(kind._forward)
    alone = "self.model.generate(" in source and "self.model(" not in source
    if alone and not components.model.can_generate():
        raise Inapplicable(f"{task}: its pipeline does nothing but generate, and the class cannot")
    parts = found["processor"].get_attributes() if "processor" in found else ()
    if parts and material.IMAGE in material.PARTS[task] and not {"feature_extractor", *SEEING}.intersection(parts):
        raise Inapplicable(f"{task}: its pipeline hands images on, and the processor has {', '.join(parts)} alone")


def _facts(components: Components, found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    parts = found["processor"].get_attributes() if "processor" in found else ()
    yield from components.facts_of_images(parts).items()
    if "tokenizer" in found:
        yield "mask_token", found["tokenizer"].mask_token
    heard = found.get("feature_extractor") or getattr(found.get("processor"), "feature_extractor", None)
    if heard is not None:
        yield "rate", heard.sampling_rate
    if "processor" in found:
        yield "image_token", components.image_text()


def made(asked: Asked, module: torch.nn.Module) -> Any:
    """The pipeline on a module, where the module is."""
    from transformers import pipeline

    device = next(module.parameters()).device
    return pipeline(asked.task, model=module, device=device, **asked.components, **(GREEDY if asked.generates else {}))


def ran(asked: Asked, module: torch.nn.Module, draws: Mapping[str, int], *, exact: bool = False) -> Ran:
    """One call of the pipeline on a module; `exact`: on one that was converted to float64, within that."""
    import torch

    given, options = material.asked(asked.task, draws, asked.facts)
    options |= asked.options
    pipe = made(asked, module)
    if exact:
        honest = pipe._forward

        def wide(model_inputs: Any, **parameters: Any) -> Any:
            with float64.widened():
                return honest(_wide(model_inputs), **parameters)

        pipe._forward = wide
    with (
        torch.no_grad(), eager.preserved(module), eager.seeded(), generation.told(module, asked.never),
        _watched(module) as calls,
    ):  # fmt: skip
        handed = _handed(module) if asked.generates else {}
        answer = _answered(pipe, given, options)
    return Ran(calls=tuple(calls), answer=answer, handed=handed, prefix=pipe._preprocess_params.get("prefix") or "")


def _handed(module: Any) -> dict[str, torch.Tensor]:
    """What the model's generation will be handed by name; what watches it goes when the model is put back."""
    kept: dict[str, torch.Tensor] = {}
    honest = module.generate

    def watched(*given: Any, **named: Any) -> Any:
        kept.update(_kept(named))
        return honest(*given, **named)

    module.generate = watched
    return kept


def _answered(pipe: Any, given: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """What the pipeline answers. Raises Unavailable where torchvision is not built for the torch that is here."""
    try:
        return pipe(*given, **options)
    except RuntimeError as error:
        if NO_OPERATORS not in str(error):
            raise
        raise Unavailable(
            "torchvision is here without its own operators, of which the pipeline wants one",
            "pip install --force-reinstall torchvision",
        ) from error


def _wide(value: Any) -> Any:
    """`value` in float64, what processors return still of its class: pipelines ask for it."""
    if isinstance(value, UserDict):
        found = copy.copy(value)
        found.data = _wide(value.data)
        return found
    if type(value) is dict:
        return {name: _wide(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_wide, value))
    return float64.widen(value)


def exactly(asked: Asked, module: torch.nn.Module, draws: Mapping[str, int]) -> Ran:
    """The same in float64; raises one of float64.REFUSALS where the model refuses."""
    with float64.converted(module) as wide:
        return ran(asked, wide, draws, exact=True)


def direct(asked: Asked, draws: Mapping[str, int], prefix: str = "") -> dict[str, torch.Tensor]:
    """What the pipeline's one processor makes of the raw material by itself, a text with `prefix` before it; empty
    where there is more to it."""
    import torch

    if asked.task not in SIMPLE:
        return {}
    (raw,), _ = material.asked(asked.task, draws, asked.facts)
    name, heard = SIMPLE[asked.task]
    options = {"sampling_rate": asked.facts["rate"]} if heard else {}
    encoded = asked.components[name](f"{prefix}{raw}" if prefix else raw, return_tensors="pt", **options)
    return {name: value for name, value in encoded.items() if isinstance(value, torch.Tensor)}


# Tasks whose pipeline hands what one processor makes to the model: which one, and whether it is told a rate.
SIMPLE: Mapping[str, tuple[str, bool]] = {
    "audio-classification": ("feature_extractor", True),
    "depth-estimation": ("image_processor", False),
    "feature-extraction": ("tokenizer", False),
    "fill-mask": ("tokenizer", False),
    "image-classification": ("image_processor", False),
    "image-feature-extraction": ("image_processor", False),
    "object-detection": ("image_processor", False),
    "text-classification": ("tokenizer", False),
    "text-generation": ("tokenizer", False),
    "token-classification": ("tokenizer", False),
}


@contextlib.contextmanager
def _watched(module: torch.nn.Module) -> Iterator[list[Call]]:
    """The outermost passes of the model and of the models within it, while this lasts."""
    from transformers import PreTrainedModel

    calls: list[Call] = []
    depth: list[dict[str, torch.Tensor]] = []

    def before(part: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        names = list(inspect.signature(inspect.unwrap(part.forward)).parameters)
        depth.append({} if depth else _kept({**dict(zip(names, given, strict=False)), **named}))

    def after(part: Any, given: Any, named: Any, result: Any) -> None:
        tensors = depth.pop()
        if not depth:
            calls.append(Call(given=tensors, made=_kept(result)))

    parts = [part for part in module.modules() if isinstance(part, PreTrainedModel)]
    handles = [part.register_forward_pre_hook(before, with_kwargs=True) for part in parts]
    handles += [part.register_forward_hook(after, with_kwargs=True) for part in parts]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _kept(value: Any) -> dict[str, torch.Tensor]:
    found = outputs.flatten(value)
    return {
        path: tensor.detach().to("cpu", copy=True)
        for path, tensor in found.items()
        if not any(word in path for word in HELD)
    }
