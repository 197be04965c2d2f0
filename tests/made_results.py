"""Results made up for tests of the store and of the views."""

from __future__ import annotations

from typing import Any

from archsweep.contract import (
    Architecture,
    Case,
    Environment,
    Evidence,
    Failure,
    Modality,
    Outlook,
    Priority,
    Result,
    RunRecord,
    Stage,
    Standing,
    Status,
    Subject,
)


def environment(name: str = "f1", transformers: str = "5.23.0", **other: Any) -> Environment:
    known: dict[str, Any] = {"python": "3.11.7", "system": "Linux 6.1", "processor": "Example CPU", "cores": 2}
    return Environment(id=name, versions={"transformers": transformers, "torch": "2.13.0"}, **(known | other))


def subject(name: str = "bert/BertModel", category: str = "text-encoders", *, base: bool = True) -> Subject:
    model_type, _, class_name = name.rpartition("/")
    return Subject(
        model_type=model_type,
        class_name=class_name,
        class_module=f"transformers.models.{model_type}",
        config_class=f"transformers:{class_name}Config",
        is_base=base,
        mappings=("MODEL_MAPPING",),
        family=model_type,
        architecture=Architecture.ENCODER_ONLY,
        role="text encoder",
        modality=(Modality.TEXT,),
        category=category,
        tasks=("fill-mask", "feature-extraction"),
        priority=Priority.CRITICAL,
        phase=1,
        standing=Standing.STAND_ALONE,
    )


def run(name: str = "r1", started: str = "2026-11-22T10:00:00Z", selection: Any = "base") -> RunRecord:
    return RunRecord(run=name, started_at=started, version="0.1", settings={"selection": selection})


def result(
    name: str = "bert/BertModel",
    check: str = "parity",
    status: str = "pass",
    *,
    platform: str = "cpu",
    run: str = "r1",
    fingerprint: str = "f1",
    at: str = "2026-11-22T10:00:01.500000Z",
    evidence: str = "hardware",
    **other: Any,
) -> Result:
    case = {key: other.pop(key) for key in ("dtype", "weights", "options") if key in other}
    failure = Failure(error_class="ValueError", message="wrong", traceback="Traceback ...", operators=("aten::add",))
    if "outlook" in other:
        other["outlook"] = Outlook(other["outlook"])
    known: dict[str, Any] = {
        "stage": Stage.COMPARE,
        "wall_s": 0.25,
        "device": "Example CPU",
        "message": "" if status == "pass" else f"it ended {status}",
        "failure": failure if status in ("error", "crash") else None,
        "metrics": {"worst_relative": 3e-7, "outputs": 2.0},
        "details": {"worst_output": "last_hidden_state"},
    }
    return Result(
        case=Case(subject=name, platform=platform, check=check, **case),
        status=Status(status),
        evidence=Evidence(evidence),
        fingerprint=fingerprint,
        run=run,
        finished_at=at,
        **(known | other),
    )
