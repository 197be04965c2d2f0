"""What a head asks for beside its model's inputs, and what its batch looks like. Knows names, never architectures."""

from __future__ import annotations

from typing import Any

from archsweep.archs.inputs.facts import BATCH, Facts


def marks(facts: Facts) -> Any:
    """Two questions to one prompt: where each is read, how many options it has, and of which type it is."""
    import torch

    made = {"marks": torch.tensor([[6, 9]])}
    for name, value in (("num_options", [[2, 2]]), ("question_type_ids", [[0, 1]])):
        if facts.wants(name):
            made[name] = torch.tensor(value)
    return made


def state(facts: Facts) -> Any:
    """What a body that acts feels: a row of numbers for each row of the batch."""
    return facts.normal("state", BATCH, int(facts.find("max_state_dim", "state_dim", "act_dim") or 8))


def reshape_for_head(facts: Facts, made: dict[str, Any]) -> None:
    """A multiple-choice head takes (batch, choices, length): a row's second choice is the other row."""
    import torch

    if not facts.mapped("MULTIPLE_CHOICE"):
        return
    for name, value in list(made.items()):
        if len(value) == BATCH and value.dim() > 1:
            made[name] = torch.stack([value, value.flip(0)], dim=1)
        elif len(value) == BATCH:
            made[name] = value[:1]  # what says something of a row is repeated for every choice of every row
