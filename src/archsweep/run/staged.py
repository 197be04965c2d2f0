"""Programs as a bench hands them out: they announce when they run, and remember what came out first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archsweep.contract import Placement, Program, Stage, Tensor


class StagedProgram:
    """A platform's program that announces when it runs, and remembers its first outputs.

    They answer the first run of each later case too, if that one gives the same inputs under the same seed: a run may
    take long in an emulator. Every other run computes, so that a case which runs it twice compares two runs.
    """

    def __init__(
        self, program: Program, announce: Callable[..., None], exported: bool, graph: bool = False
    ) -> None:  # `graph`: it was made of an exported graph that is right on the CPU
        self._program, self._announce, self._exported, self._graph = program, announce, exported, graph
        self._given = ""
        self._ran = False  # in the case in hand
        self.first: Mapping[str, Tensor] | None = None

    def begin(self) -> None:
        """A new case has begun."""
        self._ran = False

    def again(self) -> None:
        """Announce the way that it came, for a case that finds it made."""
        if self._exported:
            self._announce(Stage.EXPORT)
        self._announce(Stage.COMPILE, self._graph)

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        from archsweep.archs.eager import copied

        self._announce(Stage.RUN)
        given = _identity(inputs)
        known = self.first is not None and not self._ran and given == self._given
        self._ran = True
        if known:
            remembered: Mapping[str, Tensor] = copied(self.first)
            return remembered
        outputs = self._program.run(inputs)
        if self.first is None:
            self.first, self._given = copied(outputs), given
        return outputs

    def placement(self) -> Placement:
        return self._program.placement()

    def __getattr__(self, name: str) -> Any:
        """What a capability promises beyond the contract, e.g. `module`."""
        return getattr(self._program, name)


def _identity(inputs: Mapping[str, Any]) -> str:
    """Equal for equal tensors under the same state of the generator of random numbers."""
    import torch

    from archsweep.archs.outputs import digest, flatten

    return digest({**flatten(inputs), "generator": torch.get_rng_state()})
