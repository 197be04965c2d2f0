"""How a case ended: from an exception or a dead process to status, stage, evidence and failure.

Knows exceptions by what they are, never which model or platform raised them.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import signal
import traceback
from collections.abc import Mapping
from typing import Any

from archsweep import errors, machine, registry
from archsweep.contract import Blame, Case, Evidence, Failure, Lot, Outlook, Result, Stage, Status

MESSAGE_LIMIT = 500
TRACEBACK_LIMIT = 20_000
PROVABLE = frozenset({Status.FAIL, Status.ERROR, Status.UNSUPPORTED, Status.CRASH})
FAULTS = PROVABLE | {Status.TIMEOUT, Status.OOM}
FROM_OUTSIDE = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"})  # by the kernel for want of memory, or by a person
ON_PLATFORM = frozenset({Stage.COMPILE, Stage.RUN, Stage.COMPARE})  # a graph is made before any backend is reached

_PIP = re.compile(r"pip3? install[^\S\n]+(?:-\S+\s+)*['\"]?([^\s'\"`]+)")
_REQUIRED = re.compile(r"requires the (\S+) library but it was not found|^(\w+) is required for ")
_PLACES = re.compile(r'File "[^"\n]*/(?:site-packages|dist-packages|src)/')  # where packages lie on this machine
_OWN = ("transformers", "torch", "archsweep")


def result(
    lot: Lot,
    case: Case,
    status: Status,
    stage: Stage,
    *,
    reached: bool,
    graph: bool = False,
    wall_s: float,
    message: str = "",
    failure: Failure | None = None,
    device: str = "",
    metrics: Mapping[str, float] | None = None,
    details: Mapping[str, Any] | None = None,
    outlook: Outlook | None = None,
) -> Result:
    """A Result of this lot; its evidence is the platform's only if the case has `reached` it.

    What was not executed there, although it is there, stands on its compiler's word.
    `graph`: it reached it with an exported graph that is right on the CPU.
    """
    blame, package = _blame(lot.platform, status, stage, graph, failure)
    grounded = reached and stage in ON_PLATFORM and status not in (Status.UNAVAILABLE, Status.INAPPLICABLE)
    compiled = status is Status.UNEXECUTED and lot.evidence is not Evidence.PREDICTED
    evidence = Evidence.COMPILER if compiled else lot.evidence
    return Result(
        case=case,
        status=status,
        stage=stage,
        evidence=evidence if grounded else Evidence.NONE,
        fingerprint=lot.fingerprint,
        run=lot.run,
        finished_at=now(),
        wall_s=round(wall_s, 6),
        message=shorten(message),
        failure=failure,
        blame=blame,
        blame_package=package,
        device=device,
        metrics=metrics or {},
        details=details or {},
        outlook=outlook or (Outlook.LIKELY if compiled else None),
    )


def _blame(
    platform: str, status: Status, stage: Stage, graph: bool, failure: Failure | None
) -> tuple[Blame | None, str | None]:
    """Whose fault it is. The platform's package is to blame for what it does to a graph that is right on the CPU.

    An error is the package's only where the platform says that its runtime raised it, a death only where no other
    process can have sent the signal. Where the ending itself names a package, the same was shown without archsweep.
    """
    if status not in FAULTS:
        return None, None
    if failure is not None and failure.package:
        return Blame.UPSTREAM, failure.package
    proven = graph and stage in (Stage.COMPILE, Stage.RUN, Stage.COMPARE) and status in PROVABLE
    if status is Status.ERROR:
        proven = proven and failure is not None and failure.error_class == errors.RuntimeFault.__name__
    if status is Status.CRASH:
        proven = proven and not (failure is not None and failure.error_class in FROM_OUTSIDE)
    package = getattr(registry.load("platforms", platform), "package", None) if proven else None
    return (Blame.UPSTREAM, package) if package else (Blame.OURS, None)


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def shorten(message: str, limit: int = MESSAGE_LIMIT) -> str:
    """The message on one line, at most `limit` characters."""
    line = machine.without_folders(" ".join(message.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def classify(error: BaseException, stage: Stage) -> tuple[Status, Stage, Failure]:
    """What an exception means, and at which stage; `stage` is the one announced last."""
    status, error_class = Status.ERROR, type(error).__name__
    operators: tuple[str, ...] = ()
    message = str(error) or error_class
    missing = _missing_package(error)
    if errors.out_of_memory(error):
        status = Status.OOM
    elif isinstance(error, errors.Unavailable):
        status = Status.UNAVAILABLE
    elif isinstance(error, errors.Unsupported):
        status, operators = Status.UNSUPPORTED, error.operators
    elif isinstance(error, errors.Unexecuted):
        status = Status.UNEXECUTED
    elif isinstance(error, errors.Inapplicable):
        status = Status.INAPPLICABLE
    elif isinstance(error, errors.ReferenceFault):
        stage = Stage.REFERENCE
    elif isinstance(error, errors.NoRecipe):
        stage, error_class = Stage(error.stage), error.error_class
        if missing:
            status, message = Status.UNAVAILABLE, errors.with_install(shorten(message), f"pip install {missing}")
    elif missing:
        status, message = Status.UNAVAILABLE, errors.with_install(shorten(message), f"pip install {missing}")
    text = machine.without_folders(_PLACES.sub('File "', "".join(traceback.format_exception(error))))
    failure = Failure(
        error_class=error_class, message=shorten(message), traceback=text[-TRACEBACK_LIMIT:], operators=operators,
        package=error.package if isinstance(error, errors.Ending) else "",
    )  # fmt: skip
    return status, stage, failure


def _missing_package(error: BaseException | None) -> str | None:
    """The package whose absence the error, or what caused it, is about; None if it is about something else."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ImportError):
            named = _PIP.search(str(error)) or _REQUIRED.search(str(error))
            if named:
                return str(named[named.lastindex or 1]).rstrip(".")
            if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] not in _OWN:
                return error.name.partition(".")[0]
        error = error.__cause__ or (error.__context__ if isinstance(error, ImportError) else None)
    return None


def death(wait_status: int) -> tuple[str, str]:
    """(error class, message) for a worker that ended without a result; `wait_status` as os.waitpid gives it."""
    code = os.waitstatus_to_exitcode(wait_status)
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return name, f"the worker was killed by {name}"
    return f"exit {code}", f"the worker ended itself with exit code {code}"


def repeated(earlier: Result, case: Case) -> Result:
    """The same ending for another case of the lot, which shares what failed."""
    return dataclasses.replace(earlier, case=case, finished_at=now(), wall_s=0.0)
