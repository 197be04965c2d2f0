"""The options that say which subjects are meant, shared by every verb that takes a selection. Imports nothing heavy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from archsweep.archs.catalog import Catalog

Function = TypeVar("Function", bound=Callable[..., Any])

_LISTS = (
    ("models", "--model", "Model type, as config.json names it."),
    ("families", "--family", "Model family: all types of one folder of transformers."),
    ("classes", "--class", "Model class, or model type/model class."),
    ("categories", "--category", "Category, e.g. text-encoders."),
    ("priorities", "--priority", "critical, high, medium or low."),
    ("phases", "--phase", "Phase of the roadmap: 1 (the four most wanted types) to 6 (all the rest)."),
    ("architectures", "--architecture", "Topology, e.g. encoder-only."),
    ("roles", "--role", "What the class is for, e.g. detector."),
    ("modalities", "--modality", "What goes in, e.g. image."),
    ("tasks", "--task", "Task, e.g. fill-mask."),
)


def split(values: tuple[str, ...], flag: str) -> tuple[str, ...]:
    """`("a,b", "c")` as `("a", "b", "c")`: lists by comma or by repetition; doubles and blanks left out.

    Raises click.UsageError where a flag was given and names nothing: that is a mistake, and does not mean everything.
    """
    found = tuple(dict.fromkeys(name.strip() for value in values for name in value.split(",") if name.strip()))
    if values and not found:
        raise click.UsageError(f"{flag} is empty. Leave it out if you do not want to choose.")
    return found


def selection_options(function: Function) -> Function:
    """Adds the selection flags; the command gets one `selection: Selection` in their place."""

    @functools.wraps(function)
    def wrapped(**options: Any) -> Any:
        from archsweep.archs.selection import Selection

        lists: dict[str, Any] = {field: split(options.pop(field), flag) for field, flag, _ in _LISTS}
        flags = {field: options.pop(field) for field in ("base", "exported", "limit")}
        return function(selection=Selection(**lists, **flags), **options)

    decorated: Any = wrapped
    decorated = click.option(
        "--limit", type=click.IntRange(min=1), metavar="NUMBER", help="At most this many, most wanted first."
    )(decorated)
    decorated = click.option("--exported", is_flag=True, help="Also exported classes that are in no auto mapping.")(
        decorated
    )
    decorated = click.option("--base", is_flag=True, help="Only the base class of each model type.")(decorated)
    for field, flag, text in reversed(_LISTS):
        decorated = click.option(flag, field, multiple=True, metavar="NAME", help=text)(decorated)
    result: Function = decorated
    return result


def universe_options(function: Function) -> Function:
    """Adds --import and --trust-remote-code; the command gets `imports: tuple[str, ...]`, `trust_remote_code: bool`."""

    @functools.wraps(function)
    def wrapped(**options: Any) -> Any:
        return function(imports=split(options.pop("imports"), "--import"), **options)

    decorated: Any = click.option(
        "--trust-remote-code", is_flag=True, help="Allow the Python code of folders given to --import to run."
    )(wrapped)
    decorated = click.option(
        "--import",
        "imports",
        multiple=True,
        metavar="MODULE",
        help="A module (or a local folder with config.json and code) that registers architectures with transformers.",
    )(decorated)
    result: Function = decorated
    return result


def catalog(imports: tuple[str, ...] = (), *, trust_remote_code: bool = False, cache: str | None = None) -> Catalog:
    """The catalog that the options of `universe_options` describe, from the disk cache where it is fresh."""
    from archsweep import settings
    from archsweep.archs.catalog import load

    known = settings.load({"imports": imports, "cache": cache})
    return load(
        cache=known["cache"].value, imports=known["imports"].value, trust_remote_code=trust_remote_code, tell=_tell
    )


def _tell(message: str) -> None:
    click.echo(message, err=True)
