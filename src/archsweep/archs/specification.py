"""How the tiny model of a class is made and called, as a test file states it: plain values, alike on every machine.

What the search finds may hang on packages that are here by chance. So it is asked where no optional package can be
imported but those that archsweep brings itself (`needless`); where one of these is missing nothing is stated at all,
and where another is wanted, what the rules try first is.
"""

from __future__ import annotations

import importlib.metadata
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archsweep.contract import Architecture, Modality, Subject

if TYPE_CHECKING:
    import torch

    from archsweep.archs.recipe import Recipe

PACKAGE, EXTRA = "archsweep", "models"  # whose optional packages every machine that states anything has
PADDING = "pad_token_id"
LONGEST = 58  # characters of a reason: it stands on one line of a file
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, kw_only=True)
class Specification:
    """`config`: what of the tiny configuration is not the class's default; `inputs`: dtype and shape by name.

    `lacks`: why it was not built, where a package is wanted that archsweep does not bring, or no search succeeds.
    `missing`: the package of archsweep's own that is not here: this says nothing then.
    `died`: so did the process that was asked, which may be this machine's doing.
    """

    subject: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    generates: bool = False
    lacks: str = ""
    missing: str = ""
    died: bool = False


def specified(subject: Subject) -> Specification:
    """What the search finds for a class, or what it tries first; in a process that imports no needless package."""
    from archsweep.archs import defaults, recipe
    from archsweep.errors import Ending

    try:
        return of(subject, recipe.find(subject))
    except ImportError as error:
        missing = wanted(str(error))
        if missing:
            return Specification(subject=subject.id, missing=missing)
        lacks = f"{type(error).__name__}: {error}"
    except Ending as error:
        lacks = str(error)
    except AttributeError as error:  # a class that its module does not have
        lacks = f"AttributeError: {error}"
    try:
        config = recipe.first_attempt(subject).config
    except defaults.faults():
        config = {}
    return Specification(subject=subject.id, config=config, lacks=textwrap.shorten(lacks, LONGEST, placeholder=" …"))


def of(subject: Subject, found: Recipe) -> Specification:
    """What a recipe says of its class; cheap where it has just been found, as the model of the search is at hand."""
    from archsweep.archs.recipe import kept_model, make_inputs

    model = kept_model(subject, found)
    return Specification(
        subject=subject.id, config={**_padding(subject, model.config), **found.config}, generates=_generates(model),
        inputs={name: described(value) for name, value in make_inputs(subject, found).items()},
    )  # fmt: skip


def _padding(subject: Subject, config: Any) -> dict[str, int]:
    """The padding token of a decoder, also where it is the default: whoever pads a batch of texts has to know it."""
    token = getattr(config, PADDING, None)
    decodes = subject.architecture is Architecture.DECODER_ONLY and Modality.TEXT in subject.modality
    return {PADDING: token} if decodes and isinstance(token, int) else {}


def described(value: Any) -> str:
    """`int64 (2, 10)` for a tensor; for what is none, its type."""
    if hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return type(value).__name__


def _generates(model: torch.nn.Module) -> bool:
    can = getattr(model, "can_generate", None)
    return bool(can and can())


def needless(optional: Iterable[str]) -> tuple[str, ...]:
    """Of the names of optional packages, those that archsweep and its models do not want, not even through others."""
    wanted, waiting = set[str](), [f"{PACKAGE}[{EXTRA}]"]
    while waiting:
        name, _, extra = waiting.pop().partition("[")
        key = f"{_plain(name)}[{extra}"
        if key in wanted:
            continue
        wanted |= {key, _plain(name)}
        try:
            stated = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        waiting += [found for line in stated if (found := _applying(line, extra.rstrip("]")))]
    provided = importlib.metadata.packages_distributions()
    return tuple(sorted(name for name in optional if not {_plain(name), *map(_plain, provided.get(name, ()))} & wanted))


def _applying(requirement: str, extra: str) -> str:
    """The name, with its extras, of a requirement that holds here, for this extra; else nothing."""
    from packaging.requirements import Requirement

    read = Requirement(requirement)
    if read.marker is not None and not read.marker.evaluate({"extra": extra}):
        return ""
    return f"{read.name}[{','.join(sorted(read.extras))}]" if read.extras else read.name


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(message: str) -> str:
    """The package of archsweep's own models that an ImportError speaks of; nothing where it speaks of another."""
    own = {
        _plain(found[0])
        for line in importlib.metadata.requires(PACKAGE) or ()
        if f"extra == '{EXTRA}'" in line.replace('"', "'") and (found := _NAME.match(line))
    }
    return next((name for name in sorted(own) if name in _plain(message)), "")
