"""What tests of the depth checks share: a case of a real architecture on the CPU, everything real but the process."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsweep import settings
from archsweep.archs import catalog, importing
from archsweep.contract import Case, Evidence, Lot, Result, Subject
from archsweep.encoding import encode
from archsweep.platforms import _torch
from archsweep.run import worker

importing.warm()  # before whoever imports this imports transformers: torchvision may need its bridge


def subjects() -> dict[str, Subject]:
    """Every class of the installed transformers, by id."""
    return {item.id: item for item in catalog.load(cache=settings.cache_root()).subjects}


def ended(folder: Path, subject: Subject, check: str, **case: Any) -> Result:
    """How one check of one class ends on the CPU."""
    return lot(folder, subject, (check,), **case)[0]


def lot(folder: Path, subject: Subject, checks: tuple[str, ...], **case: Any) -> list[Result]:
    """How several checks of one class end, one after another in one worker."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = tuple(Case(subject=subject.id, platform="cpu", check=check, **case) for check in checks)
    described = Lot(
        id="one", subject=subject, platform="cpu", cases=asked, run="r1", fingerprint="f",
        evidence=Evidence.HARDWARE, timeout_s=300, memory_bytes=2**33, folder=str(folder), cache="",
    )  # fmt: skip
    (folder / worker.LOT_FILE).write_text(json.dumps(encode(described)))
    worker.work(folder)
    found = worker.read_results(folder)
    return [found[index] for index in sorted(found)]


def kind_of(subject: Subject) -> Any:
    """The class itself."""
    return getattr(importlib.import_module(subject.class_module), subject.class_name)


def plant(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """From now on `change` is done to every module that the platform's programs run, and to no reference's."""
    honest = _torch.compile_eager

    def planted(*given: Any) -> Any:
        program: Any = honest(*given)
        change(program.module)
        return program

    monkeypatch.setattr(_torch, "compile_eager", planted)


def shift_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on what a cache remembers of the first place is that of the second."""
    from transformers import cache_utils

    honest = cache_utils.DynamicLayer.update

    def shifted(layer: Any, keys: Any, values: Any, *given: Any, **named: Any) -> Any:
        import torch

        found, others = honest(layer, keys, values, *given, **named)
        if keys.shape[-2] == 1 and found.shape[-2] > 2:
            found = torch.cat([found[..., 1:2, :], found[..., 1:, :]], -2)
        return found, others

    monkeypatch.setattr(cache_utils.DynamicLayer, "update", shifted)
