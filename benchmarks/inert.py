"""Which parameter tensors does no output depend on? Over all base types, with a proof for each.

One backward pass per type singles out the tensors that outputs may not depend on: those without a gradient worth the
name. Each of them is then judged by the proofs of `mutation_score`, in float64. A tensor with a gradient is not inert;
so this lists the same tensors as `mutation_score`, in a hundredth of its time, and can look at every type.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mutation_score
import tiny_subjects
from mutation_score import CANCELS, UNREAD, Nameless

if TYPE_CHECKING:
    import torch

    from archsweep.contract import Reference, Subject
    from tiny_subjects import Tiny

SMALL = 1e-3  # gradient times tensor, under which the gradient proves nothing; outputs weigh about one


def judged(subject: Subject) -> dict[str, Any]:
    """`tensors`, and `inert`: those that no output depends on, with the reason."""
    from archsweep.archs import reference

    found = tiny_subjects.tiny(subject)
    inputs = found.make_inputs()
    held = reference.obtain(Nameless(found.id), "", found.make_model, inputs, None)  # type: ignore[arg-type]
    model = found.make_model()
    names = suspects(model, inputs)
    inert = dict.fromkeys(unread(found, inputs, names, held), UNREAD)
    left = [name for name in names if name not in inert]
    proven = mutation_score._inert(found, inputs, left, held) if left else {}
    inert |= {name: reason for name, reason in proven.items() if reason in (UNREAD, CANCELS)}
    return {"tensors": len(list(model.parameters())), "suspects": len(names), "inert": inert}


def suspects(model: torch.nn.Module, inputs: Mapping[str, Any]) -> list[str]:
    """Parameters whose gradient does not show that an output depends on them; all where there is no gradient at all."""
    import torch

    from archsweep.archs import eager

    parameters = dict(model.named_parameters())
    for item in parameters.values():
        item.requires_grad_(item.is_floating_point())
    generator = torch.Generator().manual_seed(3)
    weighed = []
    with torch.enable_grad(), eager.preserved(model), eager.seeded():
        for value in _attached(model, inputs):
            plain = torch.where(value.abs() < 1e4, value, torch.zeros_like(value))
            scale = max(float(plain.detach().abs().mean()), 1e-6) * value.numel() ** 0.5
            weighed.append((plain * torch.randn(value.shape, generator=generator)).sum() / scale)
        if weighed:
            torch.stack(weighed).sum().backward()
    felt = {
        name: float(item.grad.norm() * item.detach().norm()) if item.grad is not None else 0.0
        for name, item in parameters.items()
    }
    return [name for name, size in felt.items() if not SMALL < size < float("inf")]


def unread(subject: Tiny, inputs: Mapping[str, Any], names: list[str], held: Reference) -> list[str]:
    """Those of `names` that no output reads, in groups: NaN in all of a group leaves every output the same."""
    import torch

    from archsweep.archs import float64
    from archsweep.archs.reference import written_out

    if not names or (held.substitute and held.substitute.startswith("float32")):
        return []
    model = float64.convert(subject.make_model())
    if held.substitute:
        written_out(model)
    parameters = dict(model.named_parameters())

    def spared(group: list[str]) -> list[str]:
        before = {name: parameters[name].detach().clone() for name in group}
        try:
            with torch.no_grad():
                for name in group:
                    parameters[name].fill_(float("nan"))
            same = mutation_score._same(held.outputs, float64.run(model, inputs))
        except float64.REFUSALS:
            same = False
        with torch.no_grad():
            for name, value in before.items():
                parameters[name].copy_(value)
        if same or len(group) == 1:
            return group if same else []
        half = len(group) // 2
        return [*spared(group[:half]), *spared(group[half:])]

    return spared(names)


def _attached(model: torch.nn.Module, inputs: Mapping[str, Any]) -> list[torch.Tensor]:
    """The floating outputs of one pass, still attached to their graph."""
    from archsweep.archs import eager, sessions
    from archsweep.archs import outputs as module

    detached = module.flatten
    attached = functools.partial(detached, attached=True)
    module.flatten = attached
    try:
        found = attached(sessions.called(model, eager.copied(inputs)))
    except eager.RAISED:
        return []
    finally:
        module.flatten = detached
    return [value for value in found.values() if value.is_floating_point() and value.requires_grad]


def summary(results: Mapping[str, dict[str, Any]], worst: int) -> dict[str, Any]:
    """One object: the share of inert tensors is the figure."""
    found = {name: result for name, result in results.items() if "inert" in result}
    tensors = sum(result["tensors"] for result in found.values())
    reasons = [reason for result in found.values() for reason in result["inert"].values()]
    order = sorted(found, key=lambda name: -len(found[name]["inert"]))
    return {
        "figure": len(reasons) / tensors if tensors else 0.0,
        "unit": "share of parameter tensors proven inert",
        "baseline": 0.05,
        "ratio": len(reasons) / tensors / 0.05 if tensors else 0.0,
        "types": len(found),
        "tensors": tensors,
        "inert": len(reasons),
        "by_reason": {reason: reasons.count(reason) for reason in (UNREAD, CANCELS)},
        "worst": {name: len(found[name]["inert"]) for name in order[:worst]},
        "listed": {name: found[name]["inert"] for name in order if found[name]["inert"]},
        "errors": {name: result["error"] for name, result in results.items() if "error" in result},
    }


def main() -> None:
    flags = tiny_subjects.options(__doc__ or "").parse_args()
    import torch

    torch.inference_mode = lambda mode=True: torch.enable_grad()  # transformers, imported later, would drop gradients
    subjects = tiny_subjects.chosen(flags.models, flags.sample, Path.home() / ".cache" / "archsweep")
    figures = summary(tiny_subjects.measure(subjects, judged, flags.jobs, flags.limit_s), flags.worst)
    figures["ran"] = {"subjects": len(subjects), "models": flags.models, "sample": flags.sample}
    print(json.dumps(figures) if flags.json else json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
