"""What a model would meet on a device that is not here: its operators, looked up in torch's own dispatch table.

Knows devices by their dispatch keys alone. A registered operator is no promise that this dtype and shape work: what
comes out is a prediction, and never a pass.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.contract import Bench, Outlook, Status, Verdict

if TYPE_CHECKING:
    import torch

COMPOSITE = ("CompositeExplicitAutograd", "CompositeImplicitAutograd", "CompositeExplicitAutogradNonFunctional")
EVERYWHERE = "*"  # in place of a key: composed of other operators, so at home on every device


class Support(StrEnum):
    """What the dispatch table says of an operator on a device."""

    NATIVE = "native"
    COMPOSITE = "composite"
    FALLBACK = "fallback"  # registered, but only to run on the CPU
    MISSING = "missing"
    UNKNOWN = "unknown"  # not in the table: an operator of another library


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of an operator: its name, and dtypes and shapes of its tensors (arguments first, then results)."""

    operator: str
    dtypes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Device:
    """How a device is looked up. `limits` say in words what a call may not be there; sources stand beside them."""

    key: str
    translated: Mapping[str, str] = field(default_factory=dict)  # the CPU's own operators -> what runs there instead
    fallback: frozenset[str] = frozenset()  # registered to run on the CPU
    limits: tuple[Callable[[Call], str | None], ...] = ()


def predict(bench: Bench, device: Device) -> Verdict:
    """Unexecuted, with an outlook: a real run on the CPU says which operators are reached."""
    calls = reached(bench.model(), bench.inputs)
    found = table(bench.cache)
    support = {name: look_up(name, device, found) for name in sorted({call.operator for call in calls})}
    blocking = [name for name, kind in support.items() if kind in (Support.MISSING, Support.FALLBACK)]
    unknown = [name for name, kind in support.items() if kind is Support.UNKNOWN]
    broken = sorted({said for call in calls for limit in device.limits if (said := limit(call))})
    outlook = Outlook.BLOCKED if blocking or broken else Outlook.UNKNOWN if unknown else Outlook.LIKELY
    reasons = [
        *(f"{name}: {support[name]}" for name in blocking),
        *broken,
        *(f"{name}: unknown to the table" for name in unknown),
    ]
    message = "; ".join(reasons) or f"all {len(support)} operators are registered for {device.key}"
    return Verdict(
        status=Status.UNEXECUTED,
        outlook=outlook,
        message=message,
        metrics={"operators": float(len(support)), "calls": float(len(calls))},
        details={"blocking": blocking, "limits": broken, "unknown": unknown},
        operators=tuple(blocking),
    )


def reached(model: torch.nn.Module, inputs: Mapping[str, Any]) -> list[Call]:
    """Every different call that one forward pass makes below autograd, in order of its first appearance."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    from archsweep.archs import eager

    seen: dict[Call, None] = {}

    class Recording(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            tensors = [item for item in torch.utils._pytree.tree_leaves((args, kwargs, result)) if _is_tensor(item)]
            call = Call(
                operator=str(func).removesuffix(".default"),
                dtypes=tuple(str(item.dtype).removeprefix("torch.") for item in tensors),
                shapes=tuple(tuple(item.shape) for item in tensors),
            )
            seen.setdefault(call, None)
            return result

    with Recording():
        eager.run(model, inputs)
    return list(seen)


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def look_up(operator: str, device: Device, found: Mapping[str, Iterable[str]]) -> Support:
    """Support of `operator` (`aten.add.Tensor`, `aten.bmm`) on the device, by the dispatch table `found`."""
    library, _, name = operator.partition(".")
    name = device.translated.get(name, name)
    if library != "aten" or name not in found:
        return Support.UNKNOWN
    keys = set(found[name])
    if device.key in keys:
        return Support.NATIVE
    if name in device.fallback:
        return Support.FALLBACK
    return Support.COMPOSITE if EVERYWHERE in keys else Support.MISSING


def table(cache: Path | None) -> dict[str, list[str]]:
    """Dispatch keys of every operator of the installed torch, out of `cache` if they were read before."""
    import torch

    file = cache / "operators" / f"{torch.__version__}.json" if cache else None
    if file is not None and file.exists():
        kept: dict[str, list[str]] = json.loads(file.read_text())
        return kept
    made = read(_functions())
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(json.dumps(made))
        draft.replace(file)
    return made


def read(functions: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Keys by operator: its own, else those of the structured operator that it delegates to; none at all: composite."""
    entries = {str(item["func"]).partition("(")[0]: item for item in functions}
    found: dict[str, list[str]] = {}
    for name, item in entries.items():
        own = _keys(item)
        delegate = entries.get(str(item.get("structured_delegate", "")))
        if delegate is not None:
            own = own | _keys(delegate)
        if "dispatch" not in item and delegate is None:
            own = own | {EVERYWHERE}
        found[name] = sorted(own)
        for other in str(item.get("autogen", "")).split(","):
            if other.strip():
                found.setdefault(other.strip(), [EVERYWHERE])
    return found


def _keys(item: Mapping[str, Any]) -> set[str]:
    named = {key.strip() for joined in item.get("dispatch", {}) for key in joined.split(",")}
    if named.intersection(COMPOSITE):
        named.add(EVERYWHERE)
    if "ufunc_inner_loop" in item:
        named |= {"CPU", "CUDA", "MPS"}
    return named


@functools.cache
def _functions() -> list[dict[str, Any]]:
    """torch's own list of operators, which its wheels carry. Takes a second."""
    from importlib import resources

    import yaml

    text = (resources.files("torchgen") / "packaged/ATen/native/native_functions.yaml").read_text()
    loaded: list[dict[str, Any]] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded
