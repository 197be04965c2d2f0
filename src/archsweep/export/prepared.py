"""What transformers itself does to a model before torch.export sees it: inputs computed beforehand, patches meanwhile.

Where the installed release has none of what is asked for here, there is no such way.
Knows no model and no graph format.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

TOOLS = ("transformers.exporters.utils", "transformers.exporters.exporter_dynamo")
NEEDED = ("precompute_export_inputs", "apply_patches", "reset_model_state")


def known() -> bool:
    """Whether the installed transformers prepares models for torch.export."""
    return _tools() is not None


def inputs(model: torch.nn.Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, and what the model would read values for while it is traced: positions, lengths, places of patches."""
    import torch

    found = dict(given)
    with torch.no_grad():
        _needed()["precompute_export_inputs"](model, found)
    return found


@contextlib.contextmanager
def tracing(model: torch.nn.Module) -> Iterator[None]:
    """While this lasts, what transformers knows to be in a tracer's way is said otherwise."""
    tools = _needed()
    with tools["apply_patches"]("dynamo"), tools["reset_model_state"](model):
        yield


def _needed() -> dict[str, Any]:
    tools = _tools()
    assert tools is not None, "asked for without known()"
    return tools


def _tools() -> dict[str, Any] | None:
    try:
        modules: list[ModuleType] = [importlib.import_module(name) for name in TOOLS]
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("transformers.exporters"):
            raise
        return None
    found = {name: getattr(module, name) for module in modules for name in NEEDED if hasattr(module, name)}
    return found if found.keys() == {*NEEDED} else None
