"""Does a model survive its own file? What save_pretrained writes, from_pretrained reads, bit for bit."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager
from archsweep.contract import Bench, Stage, Status, Subject, Verdict
from archsweep.errors import ReferenceFault

if TYPE_CHECKING:
    import torch

question = "Do weights that save_pretrained wrote as safetensors load without a missing key, and give the same bits?"
needs = ("module",)

NAMED = 6  # keys that a message names


def applies(subject: Subject) -> str | None:
    return None


def run(bench: Bench) -> Verdict:
    import torch

    with contextlib.suppress(ReferenceFault):  # weights on which the CPU agrees with itself, for the whole lot
        bench.reference  # noqa: B018
    inputs, program = bench.inputs, bench.program
    with eager.seeded():
        expected = program.run(inputs)
    module: Any = program.module  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        module.save_pretrained(folder)
        files = sorted(path.name for path in Path(folder).iterdir())
        loaded, told = _loaded(type(module), folder, getattr(torch, bench.case.dtype))
    again = bench.compiled(_in_own_memory(loaded.eval()))
    with eager.seeded():
        found = again.run(bench.inputs)
    bench.announce(Stage.COMPARE)
    faults = [
        *_unsafe(files),
        *_keys(told),
        *_untied(module, loaded),
        *_changed(module, loaded),
        *_unequal(expected, found),
    ]
    details = {"files": files, "faults": faults, "ties": len(ties(module))}
    status = Status.FAIL if faults else Status.PASS
    return Verdict(status=status, message="; ".join(faults), details=details)


def _loaded(kind: Any, folder: str, dtype: torch.dtype) -> tuple[Any, Mapping[str, Any]]:
    """The model as its class reads it from a folder, and what transformers tells about the weights of the files.

    A class with a `from_pretrained` of its own need not know how to tell: then it reads alone, and transformers' is
    asked beside it.
    """
    from transformers import PreTrainedModel

    telling = getattr(PreTrainedModel.from_pretrained, "__func__")  # noqa: B009 (mypy knows no method's function)
    asked = {"dtype": dtype, "local_files_only": True}
    loaded, told = telling(kind, folder, **asked, output_loading_info=True)
    if getattr(kind.from_pretrained, "__func__", telling) is not telling:
        loaded = kind.from_pretrained(folder, **asked)
    return loaded, told


def _in_own_memory(module: torch.nn.Module) -> torch.nn.Module:
    """`module` with copies of its tensors: in a file that is mapped they lie on other boundaries than torch's own
    memory has, and vector kernels sum in another order there."""
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.clone()
    return module


def _unsafe(files: list[str]) -> Iterator[str]:
    if not any(name.endswith(".safetensors") for name in files):
        yield f"no safetensors file was written, only {', '.join(files)}"


def _keys(told: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if found := told.get(kind):
            yield f"{kind.replace('_', ' ')}: {_short(map(str, found))}"


def _short(names: Any) -> str:
    found = sorted(names)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{', '.join(found[:NAMED])}{more}"


def ties(module: torch.nn.Module) -> set[frozenset[str]]:
    """The groups of parameter names that share one tensor."""
    groups: dict[int, set[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), set()).add(name)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def _untied(before: torch.nn.Module, after: torch.nn.Module) -> Iterator[str]:
    lost, new = ties(before) - ties(after), ties(after) - ties(before)
    if lost:
        yield f"no longer tied: {_short(' = '.join(sorted(names)) for names in lost)}"
    if new:
        yield f"tied only after loading: {_short(' = '.join(sorted(names)) for names in new)}"


def _changed(before: torch.nn.Module, after: torch.nn.Module) -> Iterator[str]:
    """Parameters and persistent buffers that are not what was saved."""
    import torch

    saved, loaded = before.state_dict(), after.state_dict()
    changed = [
        name
        for name, value in saved.items()
        if name not in loaded
        or loaded[name].dtype != value.dtype
        or not torch.equal(value.nan_to_num(), loaded[name].to(value.device).nan_to_num())
    ]
    if changed:
        yield f"not the weights that were saved: {_short(changed)}"


def _unequal(expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> Iterator[str]:
    import torch

    if list(expected) != list(found):
        yield f"other outputs: {_short(set(expected) ^ set(found)) or 'in another order'}"
    wrong = [
        path
        for path, value in expected.items()
        if path in found
        and (value.shape != found[path].shape or not torch.equal(value.nan_to_num(), found[path].nan_to_num()))
    ]
    if wrong:
        yield f"outputs are not bit-equal: {_short(wrong)}"
