"""Where a lot's model, inputs and reference come from: tiny ones by the rules of archs, or real weights."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from archsweep.contract import Lot, Reference, Stage, Tensor
from archsweep.encoding import encode
from archsweep.errors import CheckpointFault, Inapplicable, Unavailable

NAMED = 3  # weights that a message names


class Source(Protocol):
    """Where a lot's model, inputs and reference come from."""

    def find(self, announce: Callable[[Stage], None]) -> Any: ...
    def again(self, recipe: Any, seed: int) -> Any:
        """The recipe with other weights and inputs; None where there are no others."""
        ...

    def make_model(self, recipe: Any) -> Any: ...
    def make_inputs(self, recipe: Any, draw: int | None = None) -> Mapping[str, Tensor]:
        """The recipe's inputs; with `draw` other ones for the same model."""
        ...

    def obtain_reference(self, recipe: Any, inputs: Mapping[str, Tensor]) -> Reference: ...


class ArchitectureSource:
    """Tiny models by the rules of archs."""

    def __init__(self, lot: Lot) -> None:
        self._lot, self._subject = lot, lot.subject

    def find(self, announce: Callable[[Stage], None]) -> Any:
        from archsweep.archs import recipe, specification_cache

        lot = self._lot
        found = recipe.find(lot.subject, rules_alone=lot.rules_alone, stated=lot.stated, announce=announce)
        if lot.leaves is not None and lot.stated is None and not lot.rules_alone:
            place, words = lot.leaves
            specification_cache.leave(Path(place), lot.subject, found, words)
        return found

    def again(self, recipe: Any, seed: int) -> Any:
        from archsweep.archs.recipe import again

        return again(recipe, seed)

    def make_model(self, recipe: Any) -> Any:
        from archsweep.archs.recipe import make_model

        return make_model(self._subject, recipe)

    def make_inputs(self, recipe: Any, draw: int | None = None) -> Mapping[str, Tensor]:
        from archsweep.archs.recipe import again, make_inputs

        return make_inputs(self._subject, recipe if draw is None else again(recipe, draw))

    def obtain_reference(self, recipe: Any, inputs: Mapping[str, Tensor]) -> Reference:
        from archsweep.archs.recipe import keep
        from archsweep.archs.reference import obtain

        cache, built = Path(self._lot.cache) if self._lot.cache else None, []

        def make_model() -> Any:
            built.append(self.make_model(recipe))
            return built[-1]

        reference = obtain(self._subject, encode(recipe), make_model, inputs, cache)
        keep(self._subject, recipe, built[0])
        return reference


class CheckpointSource:
    """Real weights, and what their own tokenizer and processors make of raw text, images and sound.

    Weights that are neither here nor to be had end every case as `unavailable`; those of another class, whose own
    parameters would be drawn at random, as `inapplicable`.
    """

    def __init__(self, lot: Lot) -> None:
        self._lot, self._lacks = lot, ""

    @functools.cached_property
    def _folder(self) -> Path:
        from archsweep.archs import weights

        if not self._lot.checkpoint:
            raise Unavailable(f"no checkpoint of model type {self._lot.subject.model_type} is known")
        if Path(self._lot.checkpoint).is_absolute():
            return Path(self._lot.checkpoint)
        try:
            return weights.locate(self._lot.checkpoint).folder
        except CheckpointFault as error:
            raise Unavailable(str(error)) from error

    def find(self, announce: Callable[[Stage], None]) -> Any:
        model = self.make_model({})
        announce(Stage.INPUTS)
        made = self._made(0)[1]
        parameters = sum(value.numel() for value in model.parameters())
        return {
            "candidate": self._lot.cases[0].weights,
            "snapshot": self._folder.name,
            "parameters": parameters,
            "attempts": 1,
            "processed": list(made),
        }

    def again(self, recipe: Any, seed: int) -> Any:
        return None

    def make_model(self, recipe: Any) -> Any:
        from archsweep.archs.recipe import model_class

        if self._lacks:
            raise Inapplicable(self._lacks)
        safe = any(self._folder.glob("*.safetensors"))  # pickles alone have been allowed, or this lot would not be
        kind: Any = model_class(self._lot.subject)
        model, told = kind.from_pretrained(
            str(self._folder), local_files_only=True, use_safetensors=safe, dtype="float32", output_loading_info=True
        )
        if lacking := sorted(told.get("missing_keys", ())):
            some = ", ".join(lacking[:NAMED]) + (f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else "")
            self._lacks = f"the checkpoint has no weights for a part of {kind.__name__}: {some}"
            raise Inapplicable(self._lacks)
        return model.eval()

    def make_inputs(self, recipe: Any, draw: int | None = None) -> Mapping[str, Tensor]:
        return self._made(draw or 0)[0]

    def _made(self, draw: int) -> tuple[Mapping[str, Tensor], tuple[str, ...]]:
        from archsweep.archs import processed
        from archsweep.archs.recipe import model_class

        kind = model_class(self._lot.subject)
        config = kind.config_class.from_pretrained(str(self._folder), local_files_only=True)
        found: tuple[Mapping[str, Tensor], tuple[str, ...]] = processed.made(
            self._lot.subject, kind, config, self._folder, draw
        )
        return found

    def obtain_reference(self, recipe: Any, inputs: Mapping[str, Tensor]) -> Reference:
        from archsweep.archs.reference import obtain

        cache = Path(self._lot.cache) if self._lot.cache else None
        return obtain(self._lot.subject, recipe, lambda: self.make_model(recipe), inputs, cache)
