"""Every error that a user can meet, with its exit code and its next step; and the endings that a plugin may raise.

Knows nothing of the rest of the program.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

# How allocators say that they have no more: of torch, CUDA, ONNX Runtime, OpenVINO, Dawn and C++. Not QNN's error 1002,
# "Memory allocation related", which it gives graphs that it cannot compile.
_OUT_OF_MEMORY = re.compile(
    r"not enough memory|out of memory|(?:can't|cannot|could not|failed to) allocate memory|DefaultCPUAllocator"
    r"|bad_alloc|ALLOC_FAILED",
    re.IGNORECASE,
)

# What importing a package raises that is absent, broken, or built for other versions of what it imports.
UNLOADABLE = (
    ImportError, OSError, AttributeError, RuntimeError, TypeError, ValueError, LookupError, SyntaxError, AssertionError,
)  # fmt: skip

EXIT_OK, EXIT_FINDINGS, EXIT_USAGE, EXIT_BROKEN, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


class ArchsweepError(Exception):
    """An error with one clear message and the next step. Commands print it and end with `exit_code`."""

    exit_code = EXIT_USAGE

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message


class UnknownName(ArchsweepError):
    """A model, class, category, platform or check that does not exist; names the nearest ones.

    `listing`: the `archsweep list` that shows the known names; "" where they are few enough to be said at once.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], listing: str) -> None:
        known = list(known)
        near = nearest(name, known)
        hint = f"Nearest: {', '.join(near)}. " if near else ""
        every = f"See all with: archsweep list {listing}" if listing else f"There are: {', '.join(known)}."
        super().__init__(f"unknown {kind} {name!r}", f"{hint}{every}")
        self.kind, self.name, self.nearest = kind, name, near


class PluginFault(ArchsweepError):
    """A platform or check of another package that cannot be loaded; names the package."""

    def __init__(self, kind: str, name: str, package: str, reason: str) -> None:
        message = f"the {kind.removesuffix('s')} {name!r} of the package {package!r} does not load: {reason}"
        super().__init__(message, f"Mend or remove it: pip uninstall {package}")


class SettingsError(ArchsweepError):
    """A malformed settings or data file, or a value out of range; names the file and the line where it can."""


class CheckpointFault(ArchsweepError):
    """A folder or a name under which there are no weights that can be loaded."""


class NoCheckpoint(CheckpointFault):
    """A name under which there is no folder, and that the hub and its cache do not have."""


class DatabaseError(ArchsweepError):
    """A database that is locked, read-only, of another version, or not a database."""


class HarnessBroken(ArchsweepError):
    """A platform's harness failed its own sentinels."""

    exit_code = EXIT_BROKEN


class Ending(Exception):
    """Base of the endings that a platform, check or recipe raises inside a worker; not for users.

    `package`: whose fault it is, where that was shown without archsweep; `details`: JSON values for the result.
    """

    package = ""
    details: Mapping[str, Any] = MappingProxyType({})


class Unavailable(Ending):
    """An optional dependency or the device is not here: not tried."""

    def __init__(self, message: str, install: str = "") -> None:
        super().__init__(with_install(message, install))
        self.install = install


class Unsupported(Ending):
    """The platform's own toolchain refuses this model, naming what."""

    def __init__(self, message: str, operators: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.operators = operators


class RuntimeFault(Ending):
    """The platform's own runtime raised while it ran what it had accepted; begins with the runtime's error class."""


class Unexecuted(Ending):
    """The vendor's compiler took the model, and nothing here can run, as the device would, what it made."""


class Inapplicable(Ending):
    """The check does not concern this subject; with the reason."""


class ReferenceFault(Ending):
    """The CPU disagrees with itself, or no reference could be made; never blamed on the platform."""


class NoRecipe(Ending):
    """No tiny configuration and inputs were found within the bounded search; `stage` says what failed last."""

    def __init__(self, message: str, stage: str, error_class: str, attempts: int) -> None:
        super().__init__(message)
        self.stage, self.error_class, self.attempts = stage, error_class, attempts


def with_install(reason: str, install: str) -> str:
    """Why something is not here, and the command that brings it, if there is one."""
    return f"{reason.rstrip('.')}. Install: {install}" if install else reason


def without(error: ImportError) -> str:
    """Why a package that was to be imported is not there: never installed, or installed and not loadable."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    return f"{error.name or 'a package'} does not load: {error}"


def out_of_memory(error: BaseException) -> bool:
    """Whether this is what an allocator raised, or a refusal of a runtime whose words are an allocator's."""
    if isinstance(error, MemoryError):
        return True
    told = isinstance(error, RuntimeError | RuntimeFault) or (isinstance(error, Unsupported) and not error.operators)
    return told and bool(_OUT_OF_MEMORY.search(str(error)))


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The `count` known names most like `name`, best first."""
    return tuple(difflib.get_close_matches(name, list(known), n=count, cutoff=0.5))
