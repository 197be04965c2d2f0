"""What a model's outputs should be: float64 on the CPU, held against float32 on the CPU. Knows no platform.

The two passes differ in nothing but the width of their numbers. How far they lie apart is the model's own conditioning,
`Reference.bound`, which the tolerance is derived from. If they lie apart further than rounding can explain, the CPU
disagrees with itself: ReferenceFault, and no platform is blamed for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, float64, lively, outputs
from archsweep.contract import Reference, Subject
from archsweep.errors import ReferenceFault

if TYPE_CHECKING:
    import torch

RULES = 2  # raise when this file or float64 changes what a reference holds
CAP = 1e-3  # relative L2 between float32 and float64 above which the CPU disagrees with itself
NEAR_ZERO = 1e-5  # root mean square below which an output is rounding noise around zero
HUGE = 1e30  # fill values and infinities: part of a mask, not of the numbers


def obtain(
    subject: Subject,
    recipe_json: Mapping[str, Any] | str,
    make_model: Callable[[], torch.nn.Module],
    inputs: Mapping[str, torch.Tensor],
    cache: Path | None = None,
) -> Reference:
    """The subject's reference, out of `cache` if a whole entry is there, else computed and kept there.

    `make_model` gives a float32 model in eval mode; it is called once (again only for a substitute), and what it gives
    first is left as it was. Raises ReferenceFault.
    """
    model = make_model()
    key = _key(subject, recipe_json, model, inputs)
    entry = cache / "references" / key[:2] / f"{key}.safetensors" if cache else None
    kept = _load(entry, key) if entry else None
    if kept is not None:
        return kept
    made = _compute(subject, key, make_model, model, inputs)
    if entry:
        try:
            _save(entry, made)
        except OSError as error:  # a cache that takes nothing costs time, and no result
            warnings.warn(f"the reference is not kept: {error}", stacklevel=2)
    return made


def _compute(
    subject: Subject,
    key: str,
    make_model: Callable[[], torch.nn.Module],
    model: torch.nn.Module,
    inputs: Mapping[str, torch.Tensor],
) -> Reference:
    drawn = eager.Drawn()
    single = eager.run(model, inputs, drawn)
    substitute = None
    try:
        with float64.converted(model) as wide:
            exact = float64.run(wide, inputs)
    except float64.REFUSALS as refusal:
        exact, substitute = _substitute(make_model, inputs, refusal)
    bound = {path: error for path, (error, _) in disagreements(subject, exact, single).items()}
    return Reference(
        key=key, outputs=exact, outputs32=single, bound=bound, substitute=substitute, seeded=bool(drawn.numbers)
    )


def _substitute(
    make_model: Callable[[], torch.nn.Module], inputs: Mapping[str, torch.Tensor], refusal: Exception
) -> tuple[dict[str, torch.Tensor], str]:
    """Another second opinion for a class that refuses float64: written-out attention, first float64, then float32."""
    import torch

    reason = f"{type(refusal).__name__}: {str(refusal).splitlines()[0] if str(refusal) else ''}"[:300]
    with contextlib.suppress(*float64.REFUSALS):
        exact = float64.run(float64.convert(written_out(make_model())), inputs)
        return exact, f"float64 with eager attention and experts ({reason})"
    before = torch.backends.mkldnn.set_flags(False)[0]
    try:
        other = eager.run(written_out(make_model()), inputs)
    except float64.REFUSALS:
        other = eager.run(make_model(), inputs)
    finally:
        torch.backends.mkldnn.set_flags(before)
    exact = {path: item.double() if item.dtype == torch.float32 else item for path, item in other.items()}
    return exact, f"float32 with eager attention and without oneDNN ({reason})"


def written_out(model: torch.nn.Module) -> torch.nn.Module:
    """`model` with the attention and the experts that are written in plain operators, where it has a choice."""
    for choose in ("set_attn_implementation", "set_experts_implementation"):
        with contextlib.suppress(*float64.REFUSALS):
            getattr(model, choose)("eager")
    return model


def disagreements(
    subject: Subject,
    exact: Mapping[str, torch.Tensor],
    single: Mapping[str, torch.Tensor],
    near_zero: float = NEAR_ZERO,
) -> dict[str, tuple[float, float]]:
    """Per floating output the relative L2 distance and the largest relative to the root mean square, or to `near_zero`
    where that is larger.

    Raises ReferenceFault where the two passes differ in paths, in shapes, in what is finite, or by more than `CAP`.
    """
    import torch

    if list(exact) != list(single):
        only = sorted(set(exact) ^ set(single))
        raise ReferenceFault(
            f"{subject.id}: float32 and float64 return different outputs: {', '.join(only) or 'order'}"
        )
    found: dict[str, tuple[float, float]] = {}
    for path, value in exact.items():
        narrow = single[path]
        if value.shape != narrow.shape:
            shapes = f"{tuple(narrow.shape)} in float32, {tuple(value.shape)} in float64"
            raise ReferenceFault(f"{subject.id}: output {path} is {shapes}")
        if not (value.is_floating_point() or value.is_complex()) or not value.numel():
            continue
        if torch.isnan(narrow).any() or torch.isnan(value).any():
            which = "float32" if torch.isnan(narrow).any() else "float64"
            raise ReferenceFault(f"{subject.id}: output {path} holds NaN in {which} on the CPU")
        found[path] = relative(value, narrow, near_zero)
        if not found[path][0] <= CAP:
            far = f"float32 and float64 differ by {found[path][0]:.2g} (relative L2; at most {CAP:g})"
            raise ReferenceFault(f"{subject.id}: output {path}: {far}")
    return found


def relative(exact: torch.Tensor, other: torch.Tensor, near_zero: float = NEAR_ZERO) -> tuple[float, float]:
    """Relative L2 distance, and the largest distance over the root mean square; masked positions must be the same."""
    import torch

    wide = torch.complex128 if exact.is_complex() else torch.float64
    exact, other = exact.to(wide).reshape(-1), other.to(wide).reshape(-1)
    masked = (exact.abs() >= HUGE) | (other.abs() >= HUGE)
    if masked.any():
        a, b = exact[masked], other[masked]
        if not bool(((a.abs() >= HUGE) & (b.abs() >= HUGE) & (a.sign() == b.sign())).all()):
            return math.inf, math.inf
        exact, other = exact[~masked], other[~masked]
    if not exact.numel():
        return 0.0, 0.0
    distance = (exact - other).abs()
    scale = max(float(exact.abs().square().mean().sqrt()), near_zero)
    return float(distance.square().mean().sqrt()) / scale, float(distance.max()) / scale


def _key(subject: Subject, recipe: Mapping[str, Any] | str, model: torch.nn.Module, inputs: Mapping[str, Any]) -> str:
    import torch
    import transformers

    weights = outputs.digest({**dict(model.named_parameters()), **dict(model.named_buffers())})
    config = recipe if isinstance(recipe, str) else json.dumps(recipe, sort_keys=True, default=str)
    parts = {
        "subject": subject.id,
        "config": config,
        "weights": weights,
        "inputs": outputs.digest(outputs.flatten(inputs)),
        "seed": eager.SEED,
        "versions": [torch.__version__, transformers.__version__],
        "rules": [RULES, lively.RULES],
        "cap": CAP,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _save(entry: Path, made: Reference) -> None:
    """Write whole or not at all: several workers may make the same reference at once."""
    from safetensors.torch import save

    tensors = {path: (_plain(value)) for path, value in _sections(made)}
    facts = {
        "key": made.key,
        "bound": dict(made.bound),
        "substitute": made.substitute,
        "seeded": made.seeded,
        "paths": list(made.outputs),
        "complex": [path for path, value in _sections(made) if value.is_complex()],
    }
    text = json.dumps(facts, sort_keys=True)
    entry.parent.mkdir(parents=True, exist_ok=True)
    whole = save(tensors, metadata={"facts": text, "checksum": _checksum(text, tensors)})
    draft = entry.with_suffix(f".{os.getpid()}.draft")
    draft.write_bytes(whole)
    draft.replace(entry)


def _load(entry: Path, key: str) -> Reference | None:
    """The kept reference; None if there is none, or if it is cut off, changed or another's."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        if not entry.exists():
            return None
        with safe_open(str(entry), framework="pt") as held:
            metadata = held.metadata() or {}
            tensors = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118 (not a mapping)
        text = metadata["facts"]
        facts = json.loads(text)
    except (SafetensorError, OSError, KeyError, ValueError):
        return None
    if facts["key"] != key or metadata.get("checksum") != _checksum(text, tensors):
        return None
    whole = {name: torch.view_as_complex(item) if name in facts["complex"] else item for name, item in tensors.items()}
    return Reference(
        key=key,
        outputs={path: whole[f"64/{path}"] for path in facts["paths"]},
        outputs32={path: whole[f"32/{path}"] for path in facts["paths"]},
        bound=facts["bound"],
        substitute=facts["substitute"],
        seeded=facts["seeded"],
    )


def _sections(made: Reference) -> Iterator[tuple[str, torch.Tensor]]:
    yield from ((f"64/{path}", value) for path, value in made.outputs.items())
    yield from ((f"32/{path}", value) for path, value in made.outputs32.items())


def _plain(value: torch.Tensor) -> torch.Tensor:
    import torch

    return (torch.view_as_real(value) if value.is_complex() else value).contiguous()


def _checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    return hashlib.sha256(f"{text}|{outputs.digest(dict(sorted(tensors.items())))}".encode()).hexdigest()
