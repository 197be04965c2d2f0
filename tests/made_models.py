"""Rows of one model type made up for tests of its page."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def subject(class_name: str = "BertModel", **other: Any) -> Row:
    known: Row = {
        "model_type": "bert", "class_name": class_name, "class_module": "transformers.models.bert.modeling_bert",
        "config_class": "transformers.models.bert.configuration_bert:BertConfig", "is_base": True,
        "mappings": ["MODEL"], "family": "bert", "architecture": "encoder-only", "role": "encoder",
        "modality": ["text"], "category": "text-encoders", "tasks": ["feature-extraction"], "priority": "critical",
        "phase": 1, "standing": "both", "checkpoint": None, "transformers_version": "5.23.0",
    }  # fmt: skip
    return known | other


def cell(platform: str = "a", check: str = "forward", **other: Any) -> Row:
    name, model = other.get("class_name", "BertModel"), other.get("model_type", "bert")
    more = ":".join(str(other[key]) for key in ("dtype", "options") if key in other)
    known: Row = {
        "case": f"{model}/{name}:{platform}:{check}{more and ':' + more}", "model_type": model, "class_name": name,
        "is_base": name == "BertModel", "category": "text-encoders", "platform": platform, "check": check,
        "dtype": "float32", "default_dtype": "float32", "weights": "tiny", "options": "{}", "status": "pass",
        "outlook": None, "stage": "compare", "evidence": "hardware", "error_class": None, "operators": [],
        "blame": None, "blame_package": None, "message": "", "wall_s": 0.25, "device": "Example", "fingerprint": "f1",
        "transformers_version": "5.23.0", "run": "r1", "finished_at": "2026-11-22T10:00:01Z",
        "architecture": "encoder-only", "priority": "critical", "details": {}, "metrics": {},
    }  # fmt: skip
    return known | other


def recipe(**other: Any) -> Row:
    """Details of a pass, with what they say of the recipe."""
    told = {"candidate": "even", "parameters": 108, "seed": 0, "fed": ["text"], "called": {"x": "int64 (2, 3)"},
            "dropped": [], "ignored": []}  # fmt: skip
    return {"recipe": told | other, "shapes": {"last_hidden_state": [2, 3, 4]}}


def turn(at: str = "2026-11-22T10:00:01Z", **other: Any) -> Row:
    known: Row = {
        "case": "bert/BertModel:a:forward", "model_type": "bert", "class_name": "BertModel", "platform": "a",
        "check": "forward", "before": None, "status": "pass", "stage": "compare", "error_class": None, "message": "",
        "evidence": "hardware", "run": "r1", "finished_at": at, "transformers_version": "5.23.0", "fingerprint": "f1",
    }  # fmt: skip
    return known | other
