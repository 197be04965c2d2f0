"""What varies a case beside subject, platform and check: its dtype and the options of both. Pure."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archsweep.contract import Capabilities
from archsweep.errors import SettingsError, UnknownName, nearest

Chosen = tuple[tuple[str, str], ...]  # option and value


def parse(texts: Iterable[str]) -> Chosen:
    """Options out of `KEY=VALUE` texts. Raises SettingsError."""
    found = []
    for text in texts:
        key, separator, value = (part.strip() for part in text.partition("="))
        if not (key and separator and value):
            raise SettingsError(f"--option {text}: must be KEY=VALUE", "See what there is: archsweep list platforms")
        found.append((key, value))
    return tuple(dict.fromkeys(found))


def widened(able: Capabilities, *checks: Any) -> Capabilities:
    """What can be asked of a platform by these checks: its own options, and theirs with the values that it has."""
    own = {name: getattr(able, field) for check in checks for name, field in getattr(check, "options", {}).items()}
    return dataclasses.replace(
        able, options={**able.options, **{name: values for name, values in own.items() if values}}
    )


def check(dtypes: Iterable[str], chosen: Chosen, wanted: Sequence[str], known: Mapping[str, Capabilities]) -> None:
    """Raises UnknownName or SettingsError for a dtype that no platform has, or an option that no wanted one takes.

    `known` holds every platform there is; `wanted` names those that the run may take. A platform that lacks a dtype
    ends its cases `inapplicable`; one that does not declare an option runs without it.
    """
    for dtype in dtypes:
        every = {name for able in known.values() for name in able.dtypes}
        if dtype not in every:
            raise UnknownName("dtype", dtype, sorted(every), "platforms")
    for key, value in chosen:
        takers = [name for name in wanted if key in known[name].options]
        if not takers:
            raise _no_such_option(key, wanted, known)
        for name in takers:
            values = known[name].options[key]
            if value not in values:
                near = nearest(value, values)
                hint = f"Nearest: {', '.join(near)}. " if near else ""
                raise SettingsError(f"{name} has no {key} {value!r}", f"{hint}There are: {', '.join(values)}.")


def _no_such_option(key: str, wanted: Sequence[str], known: Mapping[str, Capabilities]) -> SettingsError:
    own = sorted({option for name in wanted for option in known[name].options})
    owners = [name for name, able in known.items() if key in able.options]
    near = nearest(key, own)
    if owners:
        hint = f"It is an option of: {', '.join(owners)}."
    elif near:
        hint = f"Nearest: {', '.join(near)}."
    else:
        hint = f"There are: {', '.join(own)}." if own else "There are none."
    return SettingsError(f"no option {key!r} on {', '.join(wanted)}", hint)


def variants(dtypes: Sequence[str], chosen: Chosen, able: Capabilities) -> tuple[tuple[str, Chosen], ...]:
    """Each dtype with each combination of the chosen options that the platform takes; its defaults are left out."""
    values: dict[str, list[str]] = {}
    for key, value in chosen:
        if key in able.options:
            values.setdefault(key, []).append(value)
    combined = [
        tuple((key, value) for key, value in zip(values, row, strict=True) if value != able.options[key][0])
        for row in itertools.product(*values.values())
    ]
    return tuple(dict.fromkeys(itertools.product(dtypes or able.dtypes[:1], combined)))
