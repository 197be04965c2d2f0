"""Small values of the contract for the runner's unit tests."""

from __future__ import annotations

from typing import Any

from archsweep.archs.selection import Selection
from archsweep.contract import (
    Architecture,
    Capabilities,
    Case,
    Evidence,
    Failure,
    Lot,
    Modality,
    Priority,
    Probe,
    Result,
    Stage,
    Standing,
    Status,
    Subject,
)
from archsweep.machine import environment
from archsweep.run.plan import Ground, Options


def subject(model_type: str = "bert", class_name: str = "BertModel", **changes: Any) -> Subject:
    values: dict[str, Any] = {
        "model_type": model_type,
        "class_name": class_name,
        "class_module": "json.decoder",
        "config_class": "json:JSONDecoder",
        "is_base": True,
        "mappings": ("MODEL_MAPPING",),
        "family": model_type,
        "architecture": Architecture.ENCODER_ONLY,
        "role": "encoder",
        "modality": (Modality.TEXT,),
        "category": "text-encoders",
        "tasks": (),
        "priority": Priority.CRITICAL,
        "phase": 1,
        "standing": Standing.STAND_ALONE,
    }
    return Subject(**{**values, **changes})


def case(name: str = "bert/BertModel", platform: str = "cpu", check: str = "forward", **changes: Any) -> Case:
    return Case(subject=name, platform=platform, check=check, **changes)


def ground(name: str = "cpu", *, present: bool = True, **changes: Any) -> Ground:
    evidence = Evidence.HARDWARE if present else Evidence.NONE
    probe = Probe(present=present, evidence=evidence, device="a device", **changes)
    return Ground(name=name, capabilities=Capabilities(), probe=probe, environment=environment(device="a device"))


def options(**changes: Any) -> Options:
    values: dict[str, Any] = {"selection": Selection(), "platforms": ("cpu",), "checks": ("forward", "parity")}
    return Options(**{**values, **changes})


def lot(**changes: Any) -> Lot:
    values: dict[str, Any] = {
        "id": "bert/BertModel:cpu",
        "subject": subject(),
        "platform": "cpu",
        "cases": (case(), case(check="parity")),
        "run": "r1",
        "fingerprint": "f1",
        "evidence": Evidence.HARDWARE,
        "timeout_s": 10.0,
        "memory_bytes": 2**30,
        "folder": "",
        "cache": "",
    }
    return Lot(**{**values, **changes})


def result(status: Status = Status.PASS, *, of: Case | None = None, **changes: Any) -> Result:
    error_class = changes.pop("error_class", None)
    values: dict[str, Any] = {
        "case": of or case(),
        "status": status,
        "stage": Stage.COMPARE,
        "evidence": Evidence.HARDWARE,
        "fingerprint": "f1",
        "run": "r1",
        "finished_at": "2026-11-22T12:00:00.000+00:00",
        "wall_s": 0.5,
        "failure": Failure(error_class=error_class, message="it broke") if error_class else None,
    }
    return Result(**{**values, **changes})
