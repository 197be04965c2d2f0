"""Time series with the lags a configuration asks for, and the inputs of decisions. Knows fields, no architectures."""

from __future__ import annotations

from typing import Any

from archsweep.archs.inputs.facts import BATCH, Facts

STATES = 6


def series_inputs(facts: Facts) -> dict[str, Any]:
    """past_values and their company; states, actions, rewards of a trajectory."""
    made: dict[str, Any] = {}
    if facts.wants("past_values"):
        made.update(_past(facts))
    if (facts.wants("states") and facts.required("states")) or facts.has("rewards"):
        made.update(_trajectory(facts))
    return made


def _past(facts: Facts) -> dict[str, Any]:
    import torch

    context = int(facts.find("context_length") or facts.find("patch_length") or 32)
    channels = facts.find("num_input_channels")
    made: dict[str, Any] = {}
    lags = facts.find("lags_sequence")
    length = context + (max(lags) if isinstance(lags, list | tuple) and lags and facts.has("past_time_features") else 0)
    wide = facts.find("input_size")
    if isinstance(channels, int):
        made["past_values"] = facts.normal("past_values", BATCH, length, channels)
    elif isinstance(wide, int) and wide > 1:
        made["past_values"] = facts.normal("past_values", BATCH, length, wide)
    else:
        made["past_values"] = facts.normal("past_values", BATCH, length)
    if facts.wants("past_observed_mask"):
        made["past_observed_mask"] = torch.ones_like(made["past_values"])
    if facts.wants("past_values_padding"):
        made["past_values_padding"] = torch.zeros(BATCH, length, dtype=torch.long)
    if facts.wants("freq"):
        made["freq"] = torch.zeros(BATCH, 1, dtype=torch.long)
    if facts.wants("past_time_features"):
        made.update(_time_features(facts, length))
    return made


def _time_features(facts: Facts, length: int) -> dict[str, Any]:
    import torch

    count = int(facts.find("num_time_features") or 0) + int(facts.find("num_dynamic_real_features") or 0)
    ahead = int(facts.find("prediction_length") or 4)
    wide = facts.find("input_size")
    tail = (wide,) if isinstance(wide, int) and wide > 1 else ()
    made = {
        "past_time_features": facts.normal("past_time_features", BATCH, length, count),
        "future_time_features": facts.normal("future_time_features", BATCH, ahead, count),
        "future_values": facts.normal("future_values", BATCH, ahead, *tail),
    }
    static = int(facts.find("num_static_categorical_features") or 0)
    if static and facts.wants("static_categorical_features"):
        made["static_categorical_features"] = torch.zeros(BATCH, static, dtype=torch.long)
    real = int(facts.find("num_static_real_features") or 0)
    if real and facts.wants("static_real_features"):
        made["static_real_features"] = facts.normal("static_real_features", BATCH, real)
    return made


def _trajectory(facts: Facts) -> dict[str, Any]:
    import torch

    made: dict[str, Any] = {
        "states": facts.normal("states", BATCH, STATES, int(facts.find("state_dim") or 8)),
        "actions": facts.normal("actions", BATCH, STATES, int(facts.find("act_dim") or 4)),
    }
    for name in ("rewards", "returns_to_go"):
        if facts.wants(name):
            made[name] = facts.normal(name, BATCH, STATES, 1)
    if facts.wants("timesteps"):
        made["timesteps"] = torch.arange(STATES).repeat(BATCH, 1)
    if facts.wants("attention_mask"):
        made["attention_mask"] = torch.tensor([[1] * STATES, [0] * 2 + [1] * (STATES - 2)])
    return made
