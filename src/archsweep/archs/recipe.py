"""How to make a tiny model and its inputs for a subject: found by an ordered search, bounded by attempts.

The search tries the moves of `shrink` in their order, and for each the layouts of `inputs` that the signature implies,
then what error messages teach, then alternatives; dropping a modality comes last of all. The first attempt whose
forward pass runs and is finite is the recipe. It is bounded by attempts and never by seconds: the same on every machine.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archsweep.archs import inputs as archs_inputs
from archsweep.archs import lively, overrides, shrink
from archsweep.archs.inputs import repair
from archsweep.archs.shrink import tree
from archsweep.contract import Stage, Subject
from archsweep.errors import NoRecipe

MOST_PARAMETERS = 5_000_000
TOO_MANY = 60_000_000
REPAIRS = 6
MOST_ATTEMPTS = 80
ALTERNATIVES: tuple[dict[str, Any], ...] = (
    {},
    {"all": True},
    {"wave": "channel"},
    {"wave": "mel"},
    {"time_first": True},
    {"layout": "images"},
    {"layout": "video"},
    {"layout": "patches"},
    {"drop": ("attention_mask",)},
    {"image_sizes": False},
)
LAST = (
    {"drop": ("pixel_values_videos", "video_grid_thw")},
    {"drop": ("pixel_values", "image_grid_thw")},
    {"drop": ("input_features", "input_features_mask")},
    {"drop": ("input_values",)},
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Enough to make model and inputs again, as JSON values."""

    config: Mapping[str, Any]
    hints: Mapping[str, Any]
    seed: int
    candidate: str
    attempts: int
    parameters: int
    fed: tuple[str, ...] = ()
    weak: bool = False  # a modality had to be dropped
    notes: Mapping[str, Any] = field(default_factory=dict)


class TooLarge(Exception):
    """The model under construction has more parameters than any recipe may have."""


def find(
    subject: Subject, *, rules_alone: bool = False, announce: Callable[[Stage], None] = lambda stage: None
) -> Recipe:
    """The first recipe of the search. Raises NoRecipe with the most telling failure."""
    attempts, last, best = 0, None, None
    special = overrides.for_subject(subject, rules_alone)
    default = default_config(subject)
    smallest: Recipe | None = None
    for weak in (False, True):
        for move, node in shrink.candidates(default):
            if attempts >= MOST_ATTEMPTS * (2 if weak else 1):
                break
            announce(Stage.BUILD)
            edits = overrides.merged(tree.edits_of(node), special.config)
            attempts += 1
            try:
                model = construct(subject, edits)
            except ENDINGS as error:
                last = last or (Stage.BUILD, error)
                continue
            announce(Stage.INPUTS)
            outcome = _search_inputs(subject, model, weak, special.inputs)
            attempts += outcome.attempts
            if outcome.hints is None:
                best = best or (Stage.INPUTS, outcome.error)
                continue
            found = Recipe(
                config=edits, hints=outcome.hints, seed=0, candidate=move.name, attempts=attempts,
                parameters=sum(item.numel() for item in model.parameters()), fed=outcome.fed, weak=weak,
            )  # fmt: skip
            if found.parameters <= MOST_PARAMETERS:
                return found
            smallest = smallest if smallest and smallest.parameters <= found.parameters else found
        if smallest:
            return smallest
    stage, error = best or last or (Stage.BUILD, RuntimeError("no candidate"))
    raise NoRecipe(f"{type(error).__name__}: {error}", stage, type(error).__name__, attempts) from error


ENDINGS = (Exception,)


@dataclass(frozen=True)
class _Outcome:
    hints: dict[str, Any] | None
    fed: tuple[str, ...]
    attempts: int
    error: BaseException | None


def _search_inputs(subject: Subject, model: Any, weak: bool, stated: Mapping[str, Any]) -> _Outcome:
    attempts, first = 0, None
    for start in LAST if weak else ALTERNATIVES:
        hints: dict[str, Any] | None = {**start, **stated}
        for _ in range(REPAIRS):
            assert hints is not None
            attempts += 1
            fed: tuple[str, ...] = ()
            try:
                made = archs_inputs.draw(subject, model, hints)
                fed = tuple(made)
                forward(model, made)
            except ENDINGS as error:
                first = first or error
                hints = repair.repaired(
                    f"{type(error).__name__}: {error}", hints, fed or tuple(archs_inputs.signature(type(model)))
                )
                if hints is None:
                    break
                continue
            return _Outcome(hints, archs_inputs.modalities(made), attempts, None)
    return _Outcome(None, (), attempts, first)


def forward(model: Any, made: Mapping[str, Any]) -> Any:
    """One forward pass without gradients or cache; raises if any floating output is NaN."""
    import torch

    arguments = {name: value.clone() for name, value in made.items()}
    if "use_cache" in archs_inputs.signature(type(model)):
        arguments["use_cache"] = False
    with torch.no_grad():
        return model(**arguments)


@functools.cache
def model_class(subject: Subject) -> Any:
    """The subject's class. Raises what importing raises."""
    return getattr(importlib.import_module(subject.class_module), subject.class_name)


def default_config(subject: Subject) -> Any:
    """The configuration that the subject's class expects, with its defaults."""
    module, name = subject.config_class.split(":")
    made = getattr(importlib.import_module(module), name)()
    wanted = getattr(model_class(subject), "config_class", None)
    if wanted is None or isinstance(made, wanted):
        return made
    for value in vars(made).values():
        if isinstance(value, wanted):
            return value
    return made


def construct(subject: Subject, edits: Mapping[str, Any]) -> Any:
    """The model in eval mode, in float32, with transformers' own initialisation. Raises TooLarge before it allocates."""
    import torch
    from torch.nn.modules import module as hooks

    count = 0

    def guard(owner: Any, name: str, parameter: Any) -> None:
        nonlocal count
        count += parameter.numel() if parameter is not None else 0
        if count > TOO_MANY:
            raise TooLarge(f"more than {TOO_MANY:,} parameters")

    config = tree.build(tree.read(default_config(subject)), edits)
    torch.manual_seed(0)
    handle = hooks.register_module_parameter_registration_hook(guard)
    try:
        return model_class(subject)(config).eval()
    finally:
        handle.remove()


def make_model(subject: Subject, recipe: Recipe) -> Any:
    """The recipe's model: eval mode, float32, lively weights; bit for bit the same each time, on every machine."""
    model = construct(subject, recipe.config)
    lively.enliven(model, subject.id, recipe.seed)
    return model


def make_inputs(subject: Subject, recipe: Recipe, model: Any) -> dict[str, Any]:
    """The recipe's inputs by parameter name. `model` is only asked for its configuration and its feature counts."""
    return archs_inputs.draw(subject, model, recipe.hints, recipe.seed)
