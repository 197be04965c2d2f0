"""The words of archsweep: everything that crosses a process, a plugin or the database.

Standard library only: frozen, keyword-only dataclasses and string enumerations, which `encoding` turns into plain JSON.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

TINY = "tiny"
VERIFYING = ("forward", "parity")  # a (subject, platform) is verified when both checks pass
PLANTING = ("reporting",)  # checks that plant faults into a model, and pass when each is reported
Tensor = Any  # a torch.Tensor; the contract itself never imports torch


class Status(StrEnum):
    """How a case ended. Never merged into one another."""

    PASS = "pass"  # executed on the claimed device, finite, equal to the reference
    FAIL = "fail"  # ran, and is wrong
    ERROR = "error"  # raised
    UNSUPPORTED = "unsupported"  # the platform's own toolchain refuses, naming what
    TIMEOUT = "timeout"
    CRASH = "crash"
    OOM = "oom"
    UNAVAILABLE = "unavailable"  # platform or optional dependency is not here: not tried
    UNEXECUTED = "unexecuted"  # accepted by a compiler, or predicted; not run
    INAPPLICABLE = "inapplicable"  # the check does not concern this subject or platform
    BROKEN = "broken"  # a fault of the harness itself


class Stage(StrEnum):
    """How far a case got. The worker announces each, so that a dead worker still says where."""

    BUILD = "build"
    INPUTS = "inputs"
    REFERENCE = "reference"
    EXPORT = "export"
    COMPILE = "compile"
    RUN = "run"
    COMPARE = "compare"


class Evidence(StrEnum):
    """The ground on which a status stands."""

    HARDWARE = "hardware"
    EMULATOR = "emulator"
    COMPILER = "compiler"
    PREDICTED = "predicted"
    NONE = "none"  # it ended before the platform was reached


class Outlook(StrEnum):
    """What an unexecuted case would probably do."""

    LIKELY = "likely"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Blame(StrEnum):
    """Whose fault a non-pass is. `OURS` unless proven otherwise by machine."""

    OURS = "ours"
    UPSTREAM = "upstream"
    NEVER = "never"  # the API cannot: no machine can prove that yet, so no result says it


class Architecture(StrEnum):
    """Topology, the first of two axes (the other is `Role`)."""

    ENCODER_ONLY = "encoder-only"
    DECODER_ONLY = "decoder-only"
    ENCODER_DECODER = "encoder-decoder"
    DUAL_ENCODER = "dual-encoder"
    CODEC = "codec"
    GENERATOR = "generator"  # feed-forward synthesis: vocoders and the like, neither encoder nor decoder


class Modality(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TIME_SERIES = "time-series"
    PROTEIN = "protein"
    OTHER = "other"


class Priority(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Standing(StrEnum):
    """Whether a model type is used alone, only inside another, or both."""

    STAND_ALONE = "stand-alone"
    SUB_MODEL = "sub-model"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model class under test, under one model type. All derived from transformers at run time."""

    model_type: str
    class_name: str
    class_module: str  # where to import the class from
    config_class: str  # "module:ClassName" of its configuration
    is_base: bool  # the class of MODEL_MAPPING for this type
    mappings: tuple[str, ...]  # auto mappings that hold it; empty: exported, in no mapping
    family: str  # model folder, or the registering package's module
    architecture: Architecture
    role: str
    modality: tuple[Modality, ...]
    category: str
    tasks: tuple[str, ...]
    priority: Priority
    phase: int  # 1 (core) to 6 (all)
    standing: Standing
    checkpoint: str | None = None

    @property
    def id(self) -> str:
        return f"{self.model_type}/{self.class_name}"


_UNSAFE = re.compile(r"[^\w/.-]")


@functools.lru_cache(maxsize=1 << 16)
def _slug(text: str) -> str:
    """`text` with the bytes of what a case id may not hold, and of `+`, as +XX: different texts stay different."""
    return _UNSAFE.sub(lambda found: "".join(f"+{byte:02X}" for byte in found[0].encode(errors="surrogatepass")), text)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cell: what is asked of one subject on one platform, in one dtype, with one set of weights and options."""

    subject: str
    platform: str
    check: str
    dtype: str = "float32"
    default_dtype: str = "float32"  # the platform's own; left out of the id when `dtype` equals it
    weights: str = TINY
    options: tuple[tuple[str, str], ...] = ()  # of the platform; those that have their default are left out

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(sorted((str(k), str(v)) for k, v in self.options)))

    @property
    def id(self) -> str:
        """`subject:platform:check`, longer by what differs from the defaults; unique, and readable by pytest's -k."""
        parts = [_slug(self.subject), _slug(self.platform), _slug(self.check)]
        if self.dtype != self.default_dtype or self.weights != TINY or self.options:
            parts.append(_slug(self.dtype))
        if self.weights != TINY or self.options:
            parts.append(_slug(self.weights))
        parts.extend(f"{_slug(key).replace('-', '+2D')}-{_slug(value)}" for key, value in self.options)
        return ":".join(parts)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What went wrong, as far as it is known."""

    error_class: str
    message: str
    traceback: str = ""
    operators: tuple[str, ...] = ()
    package: str = ""  # whose fault it is, where that was shown without archsweep


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the work of a program really ran, as the program itself reports it."""

    device: str  # e.g. "cpu (AMD EPYC)", "NVIDIA H100"
    readable: bool  # False: the platform cannot say; never a pass
    elsewhere: tuple[str, ...] = ()  # operators with floating-point work on another device
    shape_nodes: tuple[str, ...] = ()  # integer and boolean nodes elsewhere: allowed, and listed


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check found. The worker adds when, where and how long, and makes it a `Result`."""

    status: Status
    message: str = ""  # required for everything but a pass
    metrics: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)  # JSON values: worst output, seeds, placement ...
    operators: tuple[str, ...] = ()
    outlook: Outlook | None = None  # of what was not executed


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one case ended. `evidence` has no default on purpose."""

    case: Case
    status: Status
    stage: Stage
    evidence: Evidence
    fingerprint: str  # id of the Environment
    run: str
    finished_at: str  # ISO 8601, UTC
    wall_s: float
    outlook: Outlook | None = None
    message: str = ""
    failure: Failure | None = None
    blame: Blame | None = None
    blame_package: str | None = None
    device: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The fingerprint: what makes two numbers comparable."""

    id: str  # first 12 hex digits of the hash of all other fields
    versions: Mapping[str, str]
    python: str
    system: str
    processor: str
    cores: int
    device: str = ""
    driver: str = ""
    notes: tuple[str, ...] = ()  # e.g. that torchvision ran through a bridge


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A sweep as it begins: the line `run` of a journal."""

    run: str
    started_at: str  # ISO 8601, UTC
    version: str  # of archsweep
    settings: Mapping[str, Any] = field(default_factory=dict)  # JSON values; `selection` makes two runs comparable


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """A sweep that came to its end: the line `end` of a journal."""

    run: str
    finished_at: str  # ISO 8601, UTC
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a platform says about this machine, after computing something real on the device."""

    present: bool
    evidence: Evidence
    device: str = ""
    driver: str = ""
    reason: str = ""  # why it is absent
    install: str = ""  # the command or the step that would bring it
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a platform can be asked. A check that needs more is `inapplicable` there, with the reason."""

    executes: bool = True
    module: bool = False  # the program exposes a torch module
    trains: bool = False
    generates: bool = False
    dtypes: tuple[str, ...] = ("float32",)  # the first is the default
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> values; the first is the default
    quantizes: tuple[str, ...] = ()  # schemes of fewer bits, as aAwW of activations and weights; the first: the default
    fork_safe: bool = True  # False: workers must be spawned once the device context exists
    fresh_after_error: bool = False  # True: an error in `compile` or `run` may spoil the device for the whole process
    lots_per_worker: int = 1  # more, where starting the device takes longer than a lot does


@dataclass(frozen=True, kw_only=True)
class Lot:
    """The cases of one subject on one platform: the unit of work of one worker."""

    id: str
    subject: Subject
    platform: str
    cases: tuple[Case, ...]
    run: str
    fingerprint: str  # id of the platform's Environment
    evidence: Evidence  # the platform's own, for what ends on it
    timeout_s: float  # for each case
    memory_bytes: int  # bound of the worker's resident memory
    folder: str  # shared with the parent: stage announcements, result files, captured output
    cache: str  # root of the content-addressed cache
    rules_alone: bool = False  # ignore overrides.toml and remembered outcomes
    checkpoint: str = ""  # where real weights are: a folder or a hub id; "" for tiny ones, or where none are known
    stated: Mapping[str, Any] | None = None  # the tiny configuration that a test file states: nothing else is tried
    leaves: tuple[str, tuple[str, ...]] | None = None  # a folder for what is found of code without these words


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the outputs should be: made once per subject on the CPU, and read by every platform.

    `outputs` and `outputs32` map an output's path (`logits`, `hidden_states.1`) to a tensor; the first holds float64
    values (`substitute` says which other reference stands in for a class that refuses float64). `bound` is, per
    output, the relative error that this model's own conditioning makes unavoidable in float32.
    """

    key: str
    outputs: Mapping[str, Tensor]
    outputs32: Mapping[str, Tensor]
    bound: Mapping[str, float]
    substitute: str | None = None
    seeded: bool = False  # the forward pass draws random numbers


class Program(Protocol):
    """A compiled model on a platform. It may have `metrics`, what it measured of its runs, and `stepper(inputs)`: a
    function that gives the seconds of one run on the device alone."""

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs by path, on the CPU, in the program's dtype; synchronised."""

    def placement(self) -> Placement: ...  # where it ran; called after `run`


class Bench(Protocol):
    """What the worker hands to a platform and to a check. A check imports nothing of its own layer."""

    subject: Subject
    case: Case
    capabilities: Capabilities
    evidence: Evidence  # the platform's own
    cache: Path | None  # root of the content-addressed cache

    def announce(self, stage: Stage, graph: bool = False) -> None: ...  # `graph`: with one that is right on the CPU
    def option(self, name: str) -> str: ...  # of the platform's, for this case: its default where the case has none
    def model(self, dtype: str | None = None) -> Any: ...  # fresh, in eval mode, tiny and lively, the same weights
    @property
    def inputs(self) -> Mapping[str, Tensor]: ...
    @property
    def second_inputs(self) -> Mapping[str, Tensor]:
        """Other values, padded otherwise, in the same shapes: what an exporter baked into a graph shows on them."""

    @property
    def recipe(self) -> Mapping[str, Any]: ...  # how model and inputs were made, as JSON values: enough to repeat it
    @property
    def reference(self) -> Reference: ...
    @property
    def program(self) -> Program:
        """The case's compiled program; compiled at first use, shared by the lot's cases of one dtype and options."""

    def compiled(self, module: Any = None) -> Program:
        """Another program: of the same model again, or, with the capability `module`, of one that a check has made."""

    def quantized(self, scheme: str) -> Any: ...  # archs.rounding.Quantized: as the platform's quantized() makes it


class Platform(Protocol):
    """A module in `platforms/`, named as the file is. `package`, where it takes graphs: to blame for what it does to
    right ones. `capabilities.options`: what can be chosen (`--option NAME=VALUE`); `compile` asks `bench.option`. Has
    `quantized(bench, scheme)` if `quantizes`, and may have `predict(bench)` (a Verdict), `warm_up()` (before workers
    fork), `trial(parts)` (a browser's lacks), `usage(details)`: (language, lines) of code that runs `model` on `inputs`
    there, as a pass's details say."""

    title: str
    priority: Priority
    capabilities: Capabilities

    def probe(self) -> Probe:
        """Is it here? Computes something real on the device. Never raises."""

    def compile(self, bench: Bench) -> Program: ...


class Check(Protocol):
    """A module in `checks/`. It may have `warm_up()` (before workers fork), be `costly` (asked only by name), and have
    `options` of its own: name -> the field of Capabilities that lists its values, the default first."""

    question: str  # one line, for `archsweep list checks`
    needs: tuple[str, ...]  # names of Capabilities that must be true

    def applies(self, subject: Subject) -> str | None:
        """None, or the reason why this check does not concern the subject."""

    def run(self, bench: Bench) -> Verdict: ...
