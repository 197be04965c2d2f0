"""The bench of one lot: model, inputs, reference and programs, each made when it is first asked for.

Knows no check and no platform by name. What it hands out is fresh: a case cannot spoil the next one's inputs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from archsweep import registry
from archsweep.contract import Case, Evidence, Lot, Placement, Program, Reference, Stage, Tensor, Verdict
from archsweep.encoding import encode
from archsweep.errors import Ending, ReferenceFault
from archsweep.run.sources import Source
from archsweep.run.staged import StagedProgram
from archsweep.settings import DEFAULT_PLATFORM

SECOND = 7  # the draw of the second inputs: no search tries it
SEEDS = 3  # draws of weights and inputs before the CPU is said to disagree with itself


class _Kept:
    """An ending to be raised for each case of a lot: from where it was met first, as an exception raised again and
    again gathers the way of every time."""

    def __init__(self, error: Ending) -> None:
        self._error, self._trace = error, error.__traceback__

    def again(self) -> Ending:
        return self._error.with_traceback(self._trace)


class LotBench:
    """Satisfies contract.Bench for the cases of one lot, one after another."""

    def __init__(self, lot: Lot, platform: ModuleType, source: Source, announce: Callable[..., None]) -> None:
        self.subject, self.case, self._lot = lot.subject, lot.cases[0], lot
        self.capabilities = platform.capabilities
        self.evidence = lot.evidence
        self._predictions: dict[tuple[Any, ...], Verdict] = {}
        self.cache = Path(lot.cache) if lot.cache else None
        self._announce, self._exported, self._graph, self._stage = announce, False, False, Stage.BUILD
        self._refusals: dict[tuple[Any, ...], tuple[_Kept, tuple[tuple[Stage, bool], ...]]] = {}
        self._platform, self._source = platform, source
        self._recipe: Any = None
        self._inputs: Mapping[str, Tensor] | None = None
        self._reference: Reference | None = None
        self._fault: _Kept | None = None
        self._programs: dict[tuple[Any, ...], StagedProgram] = {}
        self._used: list[StagedProgram] = []

    def take(self, case: Case) -> None:
        """Turn to the next case of the lot."""
        self.case, self._used = case, []
        for program in self._programs.values():
            program.begin()

    def announce(self, stage: Stage, graph: bool = False) -> None:
        self._exported, self._stage = self._exported or stage is Stage.EXPORT, stage
        self._graph = graph or (self._graph and stage is not Stage.EXPORT)
        self._announce(stage, graph)

    def option(self, name: str) -> str:
        default: str = self.capabilities.options[name][0]
        return dict(self.case.options).get(name, default)

    @property
    def predicted(self) -> bool:
        """Whether the platform is not here, and only speaks of what it would do."""
        return self.evidence is Evidence.PREDICTED

    def predict(self) -> Verdict:
        """The platform's verdict on the case in hand, made once for the lot's cases that would run one program."""
        key = self._key()
        if key not in self._predictions:
            self._predictions[key] = self._platform.predict(self)
        return self._predictions[key]

    def _key(self) -> tuple[Any, ...]:
        """Equal for cases that run one program."""
        return self.case.dtype, self.case.weights, self.case.options

    def control(self) -> LotBench:
        """A bench for the case in hand, of the same model and inputs, on the platform that references come from."""
        case = dataclasses.replace(self.case, platform=DEFAULT_PLATFORM, options=())
        lot = dataclasses.replace(self._lot, platform=DEFAULT_PLATFORM, cases=(case,), evidence=Evidence.HARDWARE)
        other = LotBench(lot, registry.load("platforms", DEFAULT_PLATFORM), self._source, lambda *told: None)
        other._recipe, other._inputs = self._recipe, self._inputs
        other._reference, other._fault = self._reference, self._fault
        return other

    @property
    def found(self) -> bool:
        """Whether the search for a recipe has succeeded."""
        return self._recipe is not None

    def forwards(self) -> bool:
        """Whether the class has a forward pass. Raises what importing the class raises."""
        from archsweep.archs.inputs.facts import forwards
        from archsweep.archs.recipe import model_class

        return forwards(model_class(self.subject))

    def model(self, dtype: str | None = None) -> Any:
        model = self._source.make_model(self._found_recipe())
        if dtype is None:
            return model
        import torch

        from archsweep.archs import eager

        return eager.cast(model, "cpu", getattr(torch, dtype))

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        recipe = self._found_recipe()
        if self._inputs is None:
            self.announce(Stage.INPUTS)
            self._inputs = self._source.make_inputs(recipe)
        from archsweep.archs.eager import copied

        fresh: Mapping[str, Tensor] = copied(self._inputs)
        return fresh

    @property
    def second_inputs(self) -> Mapping[str, Tensor]:
        return self._source.make_inputs(self._found_recipe(), SECOND)

    @property
    def recipe(self) -> Mapping[str, Any]:
        encoded: Mapping[str, Any] = encode(self._found_recipe())
        return encoded

    @property
    def reference(self) -> Reference:
        if self._fault is not None:
            raise self._fault.again()
        if self._reference is None:
            self._reference = self._obtained()
        return self._reference

    def _obtained(self) -> Reference:
        """The reference of the first of a few seeds on which the CPU agrees with itself.

        A code or a choice of experts near a tie turns between float32 and float64; that is an accident of the draw,
        and another draw has none. Other weights are only drawn while no program has been compiled with these.
        """
        for seed in range(1, SEEDS + 1):
            inputs = self.inputs
            self.announce(Stage.REFERENCE)
            try:
                return self._source.obtain_reference(self._found_recipe(), inputs)
            except ReferenceFault as fault:
                other = None if self._programs or seed == SEEDS else self._source.again(self._found_recipe(), seed)
                if other is None:
                    self._fault = _Kept(fault)
                    raise
                self._recipe, self._inputs = other, None
        raise AssertionError("unreachable: the last seed returns or raises")

    @property
    def program(self) -> Program:
        key = self._key()
        self._found_recipe()
        self.announce(Stage.COMPILE)
        if key in self._refusals:  # what was refused once is refused again, and asking may take long
            kept, way = self._refusals[key]
            for stage, graph in way:
                self.announce(stage, graph)
            raise kept.again()
        if key not in self._programs:
            self._programs[key] = self._compiled(key)
        program = self._programs[key]
        program.again()
        if program not in self._used:
            self._used.append(program)
        return program

    def compiled(self, module: Any = None) -> Program:
        self._begin()
        return self._staged(self._platform.compile(self if module is None else _Instead(self, module)))

    def quantized(self, scheme: str) -> Any:
        self._begin()
        made = self._platform.quantized(self, scheme)
        return dataclasses.replace(made, program=self._staged(made.program))

    def _begin(self) -> None:
        self._found_recipe()
        self.announce(Stage.COMPILE)
        self._exported = self._graph = False

    def _staged(self, program: Program) -> StagedProgram:
        self._used.append(StagedProgram(program, self.announce, self._exported, self._graph))
        return self._used[-1]

    def _compiled(self, key: tuple[Any, ...]) -> StagedProgram:
        self._exported = self._graph = False
        try:
            return StagedProgram(self._platform.compile(self), self.announce, self._exported, self._graph)
        except Ending as error:
            last = (self._stage, self._graph)
            self._refusals[key] = _Kept(error), ((Stage.EXPORT, False), last) if self._exported else (last,)
            raise

    def placements(self) -> tuple[Placement, ...]:
        """Where the programs that the case in hand has used really ran."""
        return tuple(program.placement() for program in self._used)

    def facts(self) -> Mapping[str, Any]:
        """What the first program that the case in hand has used tells of how it was made, if it tells anything."""
        return getattr(self._used[0], "details", {}) if self._used else {}

    def measured(self) -> Mapping[str, float]:
        """What that program measured of its runs, where these are a device's own: an emulator's speed says nothing."""
        if not self._used or self.evidence is not Evidence.HARDWARE:
            return {}
        found: Mapping[str, float] = getattr(self._used[0], "metrics", {})
        return found

    def outputs(self) -> Mapping[str, Tensor] | None:
        """The first outputs of the first program that the case in hand has used."""
        return self._used[0].first if self._used else None

    def _found_recipe(self) -> Any:
        if self._recipe is None:
            self.announce(Stage.BUILD)
            self._recipe = self._source.find(self.announce)
        return self._recipe


class _Instead:
    """A bench whose model is another module."""

    def __init__(self, bench: LotBench, module: Any) -> None:
        self._bench, self._module = bench, module

    def model(self, dtype: str | None = None) -> Any:
        return self._module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bench, name)
