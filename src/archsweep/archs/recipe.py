"""How to make a tiny model and its inputs for a subject: found by an ordered search, bounded by attempts.

The search tries the moves of `shrink` in their order, and for each the layouts of `inputs` that the signature implies,
then what error messages teach, then alternatives. An input is left out only where an error says that the class refuses
it beside its others (images and videos that share a token, sound or text), where it is a mask that the class takes and
ignores, or as the alternative without a mask; results record what was. The first attempt whose forward pass runs, with
lively weights, and gives no NaN is the recipe. The search is bounded by attempts and never by seconds: it ends alike on
every machine. Knows no platform and no check.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archsweep.archs import defaults, ignored, lively, overrides, shown, shrink
from archsweep.archs import inputs as archs_inputs
from archsweep.archs.inputs import facts, repair
from archsweep.archs.shrink import tree
from archsweep.contract import Stage, Subject
from archsweep.errors import NoRecipe

MOST_PARAMETERS = 5_000_000
TOO_MANY = 60_000_000
LEARNT = 1.2  # by how much more a model may have whose error said that a width must not be so small
REPAIRS = 6
CONFIG_REPAIRS = 6
MOST_ATTEMPTS = 60
STATED = "stated"  # the name of the move that a stated configuration is
OTHER = 5  # the draw of inputs that are held against those of a recipe: none of its own
ALTERNATIVES: tuple[dict[str, Any], ...] = (
    {},
    {"all": True},
    {"wave": "channel"},
    {"wave": "mel"},
    {"time_first": True},
    {"layout": "images"},
    {"layout": "video"},
    {"layout": "patches"},
    {"drop": ("attention_mask", "padding_mask")},
    {"image_sizes": False},
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


class NotFiniteError(Exception):
    """The forward pass ran and gave something that no reference can be made of."""


class TooLargeError(Exception):
    """The model under construction has more parameters than any recipe may have."""


def _faults() -> tuple[type[Exception], ...]:
    """What building or running somebody's model may raise, but for exceptions that are nobody's but its own."""
    odd = (MemoryError, EOFError, BufferError, ReferenceError, StopIteration, Warning)
    return (*defaults.faults(), NotFiniteError, TooLargeError, *odd)


@dataclass
class _Search:
    """The state of one search: how many attempts were made, and what failed first at each stage."""

    subject: Subject
    special: overrides.Override  # what another release's default does not need may only hinder: none, at last
    announce: Callable[[Stage], None]
    attempts: int = 0
    most: int = 0  # parameters that a model may have
    large: bool = False  # a candidate had more
    seed: int = 0  # of the weights: another, gentler draw once a pass overflowed; under 0, one as lively
    made: Mapping[str, Any] = field(default_factory=dict)  # the inputs of the last pass that ran
    outputs: Mapping[str, Any] = field(default_factory=dict)  # and what it gave
    built: tuple[Stage, Exception] | None = None
    fed: tuple[Stage, Exception] | None = None

    def attempt(self, stage: Stage, action: Callable[[], Any]) -> tuple[Any, Exception | None]:
        """What `action` gives, or what it raises: in a search, a candidate's failure is an answer."""
        self.attempts += 1
        self.announce(stage)
        try:
            return action(), None
        except ImportError:
            raise  # a missing optional dependency is no fault of the candidate
        except _faults() as error:
            self.large = self.large or isinstance(error, TooLargeError)
            if stage is Stage.BUILD:
                self.built = self.built or (stage, error)
            elif self.fed is None or (stage is Stage.RUN and self.fed[0] is Stage.INPUTS):
                self.fed = (stage, error)
            return None, error


def find(
    subject: Subject,
    *,
    rules_alone: bool = False,
    stated: Mapping[str, Any] | None = None,
    announce: Callable[[Stage], None] = lambda stage: None,
) -> Recipe:
    """The first recipe of the search; with `stated`, what is not the configuration's default, that of this alone.

    Raises NoRecipe with the first failure at the furthest stage reached.
    """
    search = _Search(subject, overrides.for_subject(subject, rules_alone), announce)
    default = default_config(subject)
    special = [search.special] if search.special is overrides.NONE else [search.special, overrides.NONE]
    for search.special in special:
        search.attempts = 0
        for search.most in (MOST_PARAMETERS, TOO_MANY):
            search.large = False
            for found, model in _candidates(search, default) if stated is None else _of(search, stated):
                keep(subject, found, model)
                return found
            if not search.large:
                break
    stage, error = search.fed or search.built or (Stage.BUILD, NotFiniteError("no candidate"))
    raise NoRecipe(f"{type(error).__name__}: {error}", stage, type(error).__name__, search.attempts) from error


def _candidates(search: _Search, default: Any) -> Iterator[tuple[Recipe, Any]]:
    """The recipe that each move leads to, with its model."""
    for move, node in shrink.candidates(default):
        for lesson in range(CONFIG_REPAIRS):
            if search.attempts >= MOST_ATTEMPTS:
                return
            most = search.most * (LEARNT if lesson else 1)
            told = shrink.told(node, search.subject.mappings)
            edits = _listed(overrides.merged(tree.edits_of(told), search.special.config))
            model, error = search.attempt(Stage.BUILD, functools.partial(_lively, search, edits, most))
            if error is None:
                hints, error = _search_inputs(search, model, functools.partial(shrink.repaired, node))
                if hints is not None:
                    model = _shown(search, model, edits, hints)
                    yield _recipe(search, model, edits, hints, move.name), model
                    break
                if error is None:  # an input's failure has changed the configuration or the draw
                    continue
            elif shrink.repaired(node, f"{type(error).__name__}: {error}"):
                continue
            break


def _of(search: _Search, stated: Mapping[str, Any]) -> Iterator[tuple[Recipe, Any]]:
    """The recipe with this configuration, with its model, if there is one."""
    for _ in range(CONFIG_REPAIRS):
        model, error = search.attempt(Stage.BUILD, functools.partial(_lively, search, stated, search.most * LEARNT))
        if error is not None:
            return
        hints, error = _search_inputs(search, model, lambda message: False)
        if hints is not None:
            model = _shown(search, model, stated, hints)
            yield _recipe(search, model, stated, hints, STATED), model
        if error is not None or hints is not None:  # neither: the weights were drawn anew
            return


def _shown(search: _Search, model: Any, edits: Mapping[str, Any], hints: Mapping[str, Any]) -> Any:
    """The model, or the same with the weights of another of a few draws that lets see more of what it computes."""
    subject, outputs = search.subject, search.outputs
    if search.seed > 0:
        return model

    def unseen(found: Any, made: Mapping[str, Any], given: Mapping[str, Any]) -> int:
        other = functools.partial(archs_inputs.draw, subject, type(found), found.config, hints, OTHER)
        return shown.hidden(given) + len(shown.swallowed(found, made, other, given))

    least = unseen(model, search.made, outputs)
    calmer = () if shown.hidden(outputs) else (shown.CALMER,)
    for seed in (*calmer, *shown.DRAWS):
        if not least:
            break
        other = construct(subject, edits)
        lively.enliven(other, subject.id, seed)
        made = archs_inputs.draw(subject, type(other), other.config, hints, seed)
        outputs, error = search.attempt(Stage.RUN, functools.partial(forward, other, made))
        now = least if error else unseen(other, made, outputs)
        if now < least:
            least, search.seed, model = now, seed, other
    return model


def _recipe(search: _Search, model: Any, edits: Mapping[str, Any], hints: dict[str, Any], move: str) -> Recipe:
    made = archs_inputs.draw(search.subject, type(model), model.config, hints, search.seed)
    return Recipe(
        config=edits,
        hints=hints,
        seed=search.seed,
        candidate=move,
        attempts=search.attempts,
        parameters=sum(item.numel() for item in model.parameters()),
        fed=archs_inputs.modalities(made, search.subject.modality),
    )


def _listed(value: Any) -> Any:
    """`value` with lists for tuples, as a configuration file would give it."""
    if isinstance(value, Mapping):
        return {name: _listed(item) for name, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _lively(search: _Search, edits: Mapping[str, Any], most: float) -> Any:
    model = construct(search.subject, edits, most)
    lively.enliven(model, search.subject.id, search.seed)
    return model


def _search_inputs(
    search: _Search, model: Any, learn: Callable[[str], bool]
) -> tuple[dict[str, Any] | None, Exception | None]:
    """Hints whose inputs the model takes; or None and the first error, no error if `learn` took a lesson from one or
    the weights are to be drawn anew.

    `learn` is asked once the plain inputs, mended as far as their errors teach, have failed: a lesson about the
    configuration is worth more than the alternatives.
    """
    subject, first = search.subject, None
    for start in ALTERNATIVES:
        hints: dict[str, Any] | None = {**start, **search.special.inputs}
        messages = []
        for _ in range(REPAIRS):
            assert hints is not None
            made, error = search.attempt(
                Stage.INPUTS,
                functools.partial(
                    archs_inputs.draw, subject, type(model), model.config, hints, search.seed, model=model
                ),
            )
            if error is None:
                outputs, error = search.attempt(Stage.RUN, functools.partial(forward, model, made))
            grown = shown.grown(outputs) if error is None else isinstance(error, NotFiniteError) and "NaN" in str(error)
            if grown and not search.seed:
                search.seed = 1
                return None, None
            if error is None:
                search.made, search.outputs, unread = made, outputs, ignored.masks(model, made, outputs)
                return {**hints, "ignored": unread} if unread else hints, None
            first = first or error
            messages.append(f"{type(error).__name__}: {error}")
            known = tuple(made or facts.signature(type(model)))
            hints = repair.repaired(messages[-1], hints, known)
            if hints is None:
                break
        if not start and any(learn(message) for message in messages):
            return None, None
        if search.attempts >= MOST_ATTEMPTS * 2:
            break
    return None, first


def forward(model: Any, made: Mapping[str, Any]) -> Mapping[str, Any]:
    """The outputs of one forward pass. Raises NotFiniteError if there is no tensor, or a NaN."""
    from archsweep.archs import eager

    outputs = eager.run(model, made)
    if not outputs:
        raise NotFiniteError("the forward pass gives no tensor")
    for path, value in outputs.items():
        if value.is_floating_point() and bool(value.isnan().any()):
            raise NotFiniteError(f"output {path} holds NaN")
    return outputs


@functools.cache
def model_class(subject: Subject) -> Any:
    """The subject's class. Raises what importing raises."""
    return getattr(importlib.import_module(subject.class_module), subject.class_name)


@functools.lru_cache(maxsize=2)
def default_config(subject: Subject) -> Any:
    """The configuration that the subject's class expects, with its defaults. Shared: read it, never change it."""
    module, name = subject.config_class.split(":")
    made = defaults.default(getattr(importlib.import_module(module), name))
    wanted = getattr(model_class(subject), "config_class", None)
    if wanted is None or isinstance(made, wanted):
        return made
    inside = next((value for value in vars(made).values() if isinstance(value, wanted)), None)
    return inside or _around(wanted, made)


def _around(wanted: Any, inner: Any) -> Any:
    """A `wanted` configuration around `inner`, where its only part may be of any class; else `inner`."""
    names = defaults.named(wanted)
    part = defaults.part_of(wanted, names[0]) if len(names) == 1 else None
    if part is not None and type(part).__module__ != wanted.__module__:
        with contextlib.suppress(*defaults.faults()):
            return defaults.made(wanted, {names[0]: inner})
    return inner


@functools.lru_cache(maxsize=2)
def _default_tree(subject: Subject) -> tree.Node:
    return tree.read(default_config(subject))


def construct(subject: Subject, edits: Mapping[str, Any], most: float = TOO_MANY) -> Any:
    """The model in eval mode, in float32, with transformers' own initialisation.

    Raises TooLargeError before it allocates more than `most` parameters.
    """
    import torch
    from torch.nn.modules import module as hooks

    count = 0

    def guard(owner: Any, name: str, parameter: Any) -> None:
        nonlocal count
        count += parameter.numel() if parameter is not None else 0
        if count > most:
            raise TooLargeError(f"more than {most:,} parameters")

    config = tree.build(_default_tree(subject), edits)
    torch.default_generator.manual_seed(0)
    handle = hooks.register_module_parameter_registration_hook(guard)
    try:
        return model_class(subject)(config).eval()
    finally:
        handle.remove()


_FOUND: dict[str, Any] = {}  # one model at most, handed out once


def keep(subject: Subject, recipe: Recipe, model: Any) -> None:
    """Hand out `model`, untouched since it was made, as the recipe's next one: building it again takes as long."""
    _FOUND.clear()
    _FOUND[subject.id] = (recipe, model)


def make_model(subject: Subject, recipe: Recipe) -> Any:
    """The recipe's model: eval mode, float32, lively weights; bit for bit the same each time, on every machine."""
    kept, model = _FOUND.pop(subject.id, (None, None))
    if model is not None and kept == recipe:
        return model
    model = construct(subject, recipe.config)
    lively.enliven(model, subject.id, recipe.seed)
    return model


def kept_model(subject: Subject, recipe: Recipe) -> Any:
    """The recipe's model to look at, which `make_model` hands out afterwards: whoever looks leaves it as it is."""
    model = make_model(subject, recipe)
    keep(subject, recipe, model)
    return model


def first_attempt(subject: Subject, *, rules_alone: bool = False) -> Recipe:
    """What the search tries first: the recipe that shows the failure where the search finds none."""
    special = overrides.for_subject(subject, rules_alone)
    move, node = next(shrink.candidates(default_config(subject)))
    edits = _listed(overrides.merged(tree.edits_of(shrink.told(node, subject.mappings)), special.config))
    return Recipe(config=edits, hints=dict(special.inputs), seed=0, candidate=move.name, attempts=0, parameters=0)


def config_call(subject: Subject, recipe: Recipe) -> tree.Call:
    """The recipe's configuration as the call that makes it."""
    return tree.fitting(_default_tree(subject), recipe.config)


def make_inputs(subject: Subject, recipe: Recipe) -> dict[str, Any]:
    """The recipe's inputs by parameter name; needs no model."""
    kept, model = _FOUND.get(subject.id, (None, None))
    config = model.config if kept == recipe else config_call(subject, recipe).made()
    return archs_inputs.draw(subject, model_class(subject), config, recipe.hints, recipe.seed)


def again(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with other weights and inputs."""
    return replace(recipe, seed=seed)
