"""What a model would meet on a device that is not here: its operators, looked up in torch's own dispatch table.

Knows devices by their dispatch keys alone. A registered operator is no promise that this dtype and shape work: what
comes out is a prediction, and never a pass.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.contract import Bench, Outlook, Status, Verdict

if TYPE_CHECKING:
    import torch

COMPOSITE = ("CompositeExplicitAutograd", "CompositeImplicitAutograd", "CompositeExplicitAutogradNonFunctional")
WIDE = "float32"  # in which every model runs on the CPU
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
    flags: tuple[bool, ...] = ()  # its arguments that are true or false, in order


@dataclass(frozen=True, kw_only=True)
class Device:
    """How a device is looked up. `limits` say in words what a call may not be there; sources stand beside them."""

    key: str
    translated: Mapping[str, str] = field(default_factory=dict)  # the CPU's own operators -> what runs there instead
    fallback: frozenset[str] = frozenset()  # registered to run on the CPU
    limits: tuple[Callable[[Call], str | None], ...] = ()


def predict(bench: Bench, device: Device) -> Verdict:
    """Unexecuted, with an outlook: a real run on the CPU, in the case's dtype, says which operators are reached."""
    calls, doubt = _calls(bench)
    found = table(bench.cache)
    support = {name: look_up(name, device, found) for name in sorted({call.operator for call in calls})}
    blocking = [name for name, kind in support.items() if kind in (Support.MISSING, Support.FALLBACK)]
    unknown = [name for name, kind in support.items() if kind is Support.UNKNOWN]
    broken = sorted({said for call in calls for limit in device.limits if (said := limit(call))})
    outlook = Outlook.BLOCKED if blocking or broken else Outlook.UNKNOWN if unknown or doubt else Outlook.LIKELY
    reasons = [
        *(f"{name}: {support[name]}" for name in blocking),
        *broken,
        *(f"{name}: unknown to the table" for name in unknown),
        *([doubt] if doubt else []),
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


def _calls(bench: Bench) -> tuple[list[Call], str]:
    """The calls of one pass in the case's dtype; those in float32, and why, where the CPU cannot run that dtype."""
    import torch

    from archsweep.archs import eager

    dtype = bench.case.dtype
    given = {name: eager.fed(value, "cpu", getattr(torch, dtype)) for name, value in bench.inputs.items()}
    try:
        return reached(bench.model(dtype), given), ""
    except eager.RAISED as error:
        if dtype == WIDE:
            raise
        said = f"the CPU does not run it in {dtype} ({type(error).__name__}: {error}): operators are those of {WIDE}"
        return reached(bench.model(WIDE), bench.inputs), " ".join(said.split())


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
                flags=tuple(item for item in args if isinstance(item, bool)),
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
    if file is not None:
        with contextlib.suppress(OSError, ValueError):  # there is none yet, or it is cut off: made anew
            kept: dict[str, list[str]] = json.loads(file.read_text())
            return kept
    made = read(_functions())
    if file is not None:
        draft = file.with_suffix(f".{os.getpid()}.draft")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(made))
            draft.replace(file)
        except OSError as error:
            warnings.warn(f"the table of operators is not kept: {error}", stacklevel=2)
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
