"""Which cases the tests of a file are: its classes, on the platforms and with the checks that pytest was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archsweep import registry
from archsweep.contract import TINY, Case
from archsweep.testing.architecture import Architecture


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line of pytest asks for. `weights`: what cases call them; `subject`: of real ones, its id."""

    platforms: tuple[str, ...]
    checks: tuple[str, ...] = ()  # none: those that the file states
    weights: str = TINY
    subject: str = ""
    folder: str = ""  # of real weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Planned:
    """One test: a case of one class, and where its data stands."""

    case: Case
    architecture: Architecture
    class_name: str

    @property
    def lot(self) -> str:
        """Cases with the same one are run by one worker, which builds model and inputs once."""
        return f"{self.case.subject}:{self.case.platform}"


def planned(architectures: Sequence[Architecture], asked: Asked) -> Iterator[Planned]:
    """The cases in the order in which they are run: those of one lot side by side."""
    for architecture in architectures:
        for class_name in architecture.classes:
            subject = architecture.subject(class_name)
            if asked.subject and asked.subject != subject:
                continue
            for platform in asked.platforms:
                default = registry.load("platforms", platform).capabilities.dtypes[0]
                for check in asked.checks or architecture.asked(class_name):
                    case = Case(
                        subject=subject, platform=platform, check=check, dtype=default, default_dtype=default,
                        weights=asked.weights,
                    )  # fmt: skip
                    yield Planned(case=case, architecture=architecture, class_name=class_name)
