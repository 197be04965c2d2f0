"""What a result says of how its model and inputs were made, as JSON values: enough to write the code that makes them.

A configuration is the call that makes it: {CLASS: "module:Name", ARGUMENTS: {...}}, an argument perhaps another such
call. A tensor is told by what it holds where that is short, else by a draw of the same kind and shape. Knows no source
code: who shows a result writes it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs.inputs.facts import stream
from archsweep.contract import Subject
from archsweep.encoding import encode

if TYPE_CHECKING:
    import torch

    from archsweep.archs.recipe import Recipe
    from archsweep.archs.shrink.tree import Call

CLASS, ARGUMENTS, TABLES = "class", "arguments", "tables"
EXPERT = "expert"
MOST = 6_000  # characters, as JSON, of a configuration and of all inputs together: what is longer is left out
EXACT, RUNS, SHORT = 16, 200, 4  # floats that are told one by one; runs of one integer; what is told as a run


def stated(subject: Subject, recipe: Recipe, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`config` and `values` of a recipe; `cut` names what of them is too long to be kept; `experts`, where the
    configuration speaks of some: an exporter has to know."""
    from archsweep.archs import recipe as recipes

    values = {name: value(item, stream(subject.id, name, recipe.seed)) for name, item in inputs.items()}
    told = {"config": configuration(recipes.config_call(subject, recipe)), "values": values}
    kept = {name: item for name, item in told.items() if _fits(item)}
    cut = sorted(told.keys() - kept.keys())
    experts = any(EXPERT in name for name in _names(recipes.default_config(subject).to_dict()))
    return {**kept, **({"cut": cut} if cut else {}), **({"experts": True} if experts else {})}


def _names(value: Any) -> Iterator[str]:
    """Of all fields, also of parts."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _names(item)


def _fits(told: Any) -> bool:
    """Whether it is short, and nothing but JSON: a database takes no other."""
    try:
        return len(json.dumps(told, allow_nan=False)) <= MOST
    except (TypeError, ValueError):
        return False


def configuration(call: Call) -> dict[str, Any]:
    """The call that makes a configuration; `tables` where its parts are handed over as tables."""
    arguments = {
        name: configuration(item) if hasattr(item, "made") else encode(item) for name, item in call.arguments.items()
    }
    told = {CLASS: f"{call.kind.__module__}:{call.kind.__name__}", ARGUMENTS: arguments}
    return {**told, TABLES: True} if call.tables else told


def value(item: Any, seed: int) -> Any:
    """A tensor by itself; lists hold others; of what is neither a tensor nor plain, its type alone."""
    if hasattr(item, "dtype"):
        return tensor(item, seed)
    if isinstance(item, list | tuple):
        return [value(part, seed + number) for number, part in enumerate(item)]
    plain = item is None or isinstance(item, bool | int | float | str)
    return {"plain": item} if plain else {"other": type(item).__name__}


def tensor(item: torch.Tensor, seed: int) -> dict[str, Any]:
    """What makes the tensor again, or, where that would be long, another draw of the same kind and shape."""
    told = {"dtype": str(item.dtype).removeprefix("torch."), "shape": list(item.shape)}
    return {**told, **(_floats(item, seed) if item.is_floating_point() else _whole(item, seed))}


def _floats(item: torch.Tensor, seed: int) -> dict[str, Any]:
    import torch

    flat = item.flatten()
    if flat.numel() and bool((flat == flat[0]).all()):
        return {"fill": float(flat[0])}
    normal = torch.randn(list(item.shape), generator=torch.Generator().manual_seed(seed))
    if torch.equal(normal, item):
        return {"draw": "normal", "seed": seed}
    if flat.numel() <= EXACT:
        return {"items": item.tolist()}
    if torch.equal(normal.sigmoid(), item):
        return {"draw": "sigmoid", "seed": seed}
    drawn = "uniform" if float(flat.min()) >= 0 and float(flat.max()) <= 1 else "normal"
    return {"draw": drawn, "seed": seed}


def _whole(item: torch.Tensor, seed: int) -> dict[str, Any]:
    """`runs`: one number after the other, and [number, count] for many alike."""
    runs = [(key, len(list(group))) for key, group in itertools.groupby(item.flatten().tolist())]
    if len(runs) < 2:
        return {"fill": runs[0][0] if runs else 0}
    if len(runs) > RUNS:
        return {"draw": "integers", "low": int(item.min()), "high": int(item.max()) + 1, "seed": seed}
    told: list[Any] = []
    for key, count in runs:
        told.extend([key] * count if count < SHORT else [[key, count]])
    return {"runs": told}
