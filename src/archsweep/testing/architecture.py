"""The data of a generated test file: how tiny models of a model type are made, called, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archsweep.contract import VERIFYING

OWN = frozenset({"tasks", "config", "inputs", "checks", "lacks"})


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One model type, as a test file states it.

    `config`: values of the tiny configuration that are not the default's, tables for the configurations within it;
    `inputs`: dtype and shape by name, as in `"int64 (2, 10)"`; `checks`: what is asked of every class. A class in
    `classes` may add to `config` and `checks`, have other `inputs`, and say what it `lacks` to be built.
    """

    model_type: str
    classes: Mapping[str, Mapping[str, Any]]
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    checks: Sequence[str] = VERIFYING
    architecture: str = ""
    role: str = ""
    category: str = ""
    modality: Sequence[str] = ()
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        for name, own in self.classes.items():
            if unknown := sorted(set(own) - OWN):
                raise TypeError(
                    f"{self.model_type}/{name} states {', '.join(unknown)}; a class has {', '.join(sorted(OWN))}"
                )

    def subject(self, class_name: str) -> str:
        """The id of a class's subject."""
        return f"{self.model_type}/{class_name}"

    def asked(self, class_name: str) -> tuple[str, ...]:
        """The checks that are asked of a class."""
        return tuple(dict.fromkeys((*self.checks, *self.classes[class_name].get("checks", ()))))

    def stated(self, class_name: str) -> Mapping[str, Any] | None:
        """The tiny configuration of a class; None where it could not be built, so that it is searched for."""
        from archsweep.archs.overrides import merged

        own = self.classes[class_name]
        return None if own.get("lacks") else merged(self.config, own.get("config", {}))

    def called(self, class_name: str) -> Mapping[str, str]:
        """The inputs of a class; none where it could not be built."""
        own = self.classes[class_name]
        found: Mapping[str, str] = own.get("inputs", {} if own.get("lacks") else self.inputs)
        return found
