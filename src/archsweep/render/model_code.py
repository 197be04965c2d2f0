"""The code that makes a tiny model and its inputs, in plain torch and transformers, as a result states both."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from archsweep.analysis.model_page import Made
from archsweep.archs.statement import ARGUMENTS, CLASS, TABLES
from archsweep.render import tensors
from archsweep.render.literals import STEP, WIDTH, literal

LINE = 100  # characters of the lines of inputs
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def building(made: Made) -> str:
    """Lines that end with `model` and `inputs`; only a comment where the result does not state them."""
    try:
        return _lines(made)
    except (KeyError, TypeError, ValueError, AttributeError):  # what another program wrote may have any shape
        return "# The result states the configuration in a way that is not understood.\n"


def configuration(made: Made) -> str:
    """The configuration alone, as one call; "" where the result does not state it."""
    try:
        return "" if made.config is None else _call(made.config, 0, 0)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def _lines(made: Made) -> str:
    if made.config is None:
        return f"# {_why(made, 'config')}\n"
    imports: dict[str, set[str]] = {}
    for module, name in [(_checked(made.class_module), _checked(made.class_name)), *_classes(made.config)]:
        imports.setdefault(module, set()).add(name)
    used = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(imports.items())]
    lines = ["import torch", *used, ""]
    lines += [f"config = {_call(made.config, 0, len('config = '))}", "torch.manual_seed(0)"]
    lines += [f"model = {made.class_name}(config).eval()"]
    lines += _inputs(made)
    return "\n".join([*lines, ""])


def _why(made: Made, what: str) -> str:
    cut = "it is too long to be kept" if what in made.cut else "it is older than that"
    return f"The result does not state its {'configuration' if what == 'config' else 'inputs'}: {cut}."


def _inputs(made: Made) -> Iterator[str]:
    if made.values is None:
        yield f"# {_why(made, 'values')}"
        yield from (f"# - {given.name}: {given.stated}" for given in made.inputs if given.name.isidentifier())
        return
    yield "inputs = {"
    for name, told in made.values.items():
        yield from textwrap.wrap(
            f"{literal(name)}: {_value(told)},", LINE, initial_indent=STEP, subsequent_indent=STEP * 2,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    yield "}"


def _value(told: Any) -> str:
    if isinstance(told, list):
        return f"[{', '.join(map(_value, told))}]"
    if "plain" in told:
        return literal(told["plain"])
    if "other" in told:
        raise ValueError(told["other"])
    return tensors.expression(told)


def _classes(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    module, _, name = told[CLASS].partition(":")
    yield _checked(module), _checked(name)
    for value in told[ARGUMENTS].values():
        if _is_call(value):
            yield from _classes(value)


def _checked(name: str) -> str:
    """A name that stands in the code as it is. Raises ValueError for what is none."""
    if not _DOTTED.fullmatch(name) or any(map(keyword.iskeyword, name.split("."))):
        raise ValueError(name)
    return name


def _is_call(value: Any) -> bool:
    return isinstance(value, Mapping) and {CLASS, ARGUMENTS} <= value.keys() <= {CLASS, ARGUMENTS, TABLES}


def _call(told: Mapping[str, Any], indent: int, before: int) -> str:
    """The call, on one line where it fits, else an argument a line."""
    name = _checked(told[CLASS].partition(":")[2])
    table = ".to_dict()" if told.get(TABLES) else ""
    parts = list(told[ARGUMENTS].items())
    flat = f"{name}({', '.join(f'{_checked(key)}={_flat(value, table)}' for key, value in parts)})"
    if len(flat) + before < WIDTH or not parts:
        return flat
    inner, lines = STEP * (indent + 1), []
    for key, value in parts:
        lead = f"{inner}{key}="
        write = _call if _is_call(value) else literal
        lines.append(f"{lead}{write(value, indent + 1, len(lead))}{table * _is_call(value)},")
    return "\n".join([f"{name}(", *lines, f"{STEP * indent})"])


def _flat(value: Any, table: str) -> str:
    if not _is_call(value):
        return literal(value, 0, -1_000_000)
    inner = ", ".join(f"{_checked(key)}={_flat(item, '')}" for key, item in value[ARGUMENTS].items())
    return f"{_checked(value[CLASS].partition(':')[2])}({inner}){table}"
