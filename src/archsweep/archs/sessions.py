"""Objects that a forward pass takes and writes to, kept as plain data and built anew for every pass.

The data of a session is a mapping: arguments of its class by name, `calls` as (method, arguments) in order, `held`,
attributes with what is to be put into them, and `turns`, another argument of forward with its values: one session goes
through all of them in order, for what it remembers of one turn shows in the next. Knows no architecture; which data a
session needs is for `inputs`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Mapping
from typing import Any

from archsweep.archs import outputs

CALLS, HELD, TURNS = "calls", "held", "turns"


@functools.cache
def classes(kind: type) -> dict[str, type]:
    """Parameters of forward that want an object of a class of the model's own module, which a video makes."""
    forward = inspect.unwrap(kind.forward)  # type: ignore[attr-defined]
    found: dict[str, type] = {}
    for name, item in inspect.signature(forward).parameters.items():
        stated = item.annotation
        if isinstance(stated, str):
            stated = vars(sys.modules[forward.__module__]).get(stated)
        if (
            inspect.isclass(stated)
            and stated.__module__ == forward.__module__
            and "video" in inspect.signature(stated).parameters
        ):
            found[name] = stated
    return found


def assembled(model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`inputs` with fresh objects for the data of sessions."""
    if not any(isinstance(value, Mapping) for value in inputs.values()):
        return dict(inputs)
    wanted = classes(model.__class__)
    return {
        name: _built(wanted[name], value) if name in wanted and isinstance(value, Mapping) else value
        for name, value in inputs.items()
    }


def called(model: Any, inputs: Mapping[str, Any], **switches: Any) -> Any:
    """What the model gives for these inputs; every turn's tensors by path where a session goes through several."""
    given = assembled(model, inputs)
    turns = [value[TURNS] for value in inputs.values() if isinstance(value, Mapping) and TURNS in value]
    if not turns:
        return model(**given, **switches)
    ((name, values),) = turns[0].items()
    found: dict[str, Any] = {}
    for turn, value in enumerate(values):
        made = outputs.flatten(model(**given, **{name: value}, **switches))
        found |= {f"{turn}.{path}": tensor.clone() for path, tensor in made.items()}  # the next turn may write to it
    return found


def _built(kind: type, data: Mapping[str, Any]) -> Any:
    arguments = {name: value for name, value in data.items() if name not in (CALLS, HELD, TURNS)}
    video = data["video"]
    accepted = inspect.signature(kind).parameters
    arguments |= {name: video.device for name in accepted if name.endswith("_device")}
    if "dtype" in accepted:
        arguments["dtype"] = video.dtype
    made = kind(**arguments)
    for method, given in data.get(CALLS, ()):
        getattr(made, method)(**given)
    for name, values in data.get(HELD, {}).items():
        held = getattr(made, name)
        if isinstance(held, list):
            held.extend(values)
        else:
            held.update(values)
    return made
