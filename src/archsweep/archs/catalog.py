"""The universe of subjects: what the installed transformers, imported modules and entry points offer.

`load` answers from disk and imports neither torch nor transformers; `scan` asks transformers, in this process.
"""

from __future__ import annotations

from dataclasses import dataclass

from archsweep.contract import Subject


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something mapped that cannot be imported or read. Its subject, if it has one, stays in the universe."""

    model_type: str
    class_name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All subjects, in a fixed order, and what went wrong while they were read."""

    transformers_version: str
    subjects: tuple[Subject, ...]
    faults: tuple[Fault, ...] = ()
