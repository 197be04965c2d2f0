"""What a class's own loss is counted with: labels that fit its outputs, found by trying a few forms of them.

Which form a class takes is said nowhere; its signature and the shape of its logits leave a handful. The first with
which a pass gives one finite number that depends on a parameter is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, gradients
from archsweep.archs.inputs.facts import signature, stream

if TYPE_CHECKING:
    import torch

IGNORED = -100  # what every loss of transformers leaves out
THINGS = 2  # objects in an image
TARGETS = 3  # of a text that is aligned with sound
NAMES = ("labels", "return_loss", "start_positions", "mask_labels")


def asked(kind: type) -> bool:
    """Whether the class counts a loss of its own when it is given something more."""
    return any(name in signature(kind) for name in NAMES)


def found(
    module: torch.nn.Module, inputs: Mapping[str, Any], outputs: Mapping[str, torch.Tensor]
) -> tuple[dict[str, Any] | None, str]:
    """(what to give beside `inputs`, or None; why not). `outputs` are those of a pass without labels."""
    told = "no form of labels fits its outputs"
    for given in forms(type(module), inputs, outputs):
        try:
            total = gradients.loss(module, {**inputs, **given}, own=True)
        except eager.RAISED as error:
            told = f"{type(error).__name__}: {error}"[:200]
            continue
        if total is not None and bool(total.isfinite()) and bool(total != 0):
            return given, ""
        told = "a pass with labels gives no loss" if total is None else f"the loss is {float(total.detach())}"
    return None, told


def forms(kind: type, inputs: Mapping[str, Any], outputs: Mapping[str, torch.Tensor]) -> Iterator[dict[str, Any]]:
    """The forms of labels that signature and outputs allow, likeliest first."""
    names = signature(kind)
    if "loss" in outputs and outputs["loss"].numel() == 1:
        yield {}
    if "return_loss" in names:
        yield {"return_loss": True}
    draw = _Draw(kind.__qualname__)
    rows = next((len(value) for value in inputs.values() if getattr(value, "ndim", 0)), 1)
    if {"start_positions", "end_positions"} <= names.keys():
        places = next((value.shape[1] for value in outputs.values() if value.ndim == 2), 1)
        yield {name: _shown(draw.whole(name, places, rows), inputs) for name in ("start_positions", "end_positions")}
    image = next((value for name, value in inputs.items() if name.startswith("pixel_values")), None)
    if {"mask_labels", "class_labels"} <= names.keys() and image is not None:
        masks = [draw.whole(f"masks {row}", 2, THINGS, *image.shape[-2:]).float() for row in range(rows)]
        yield {"mask_labels": masks, "class_labels": [draw.whole(f"classes {row}", 2, THINGS) for row in range(rows)]}
    if "labels" in names:
        beside = {"next_sentence_label": draw.whole("next", 2, rows)} if "next_sentence_label" in names else {}
        for labels in _labels(draw, rows, image, inputs, outputs):
            yield {"labels": labels, **beside}


def _labels(
    draw: _Draw, rows: int, image: Any, inputs: Mapping[str, Any], outputs: Mapping[str, torch.Tensor]
) -> Iterator[Any]:
    scores = [value for path, value in outputs.items() if "logits" in path and value.is_floating_point()]
    for logits in scores or [value for value in outputs.values() if value.is_floating_point()][:1]:
        count = logits.shape[-1] if logits.ndim else 1
        if logits.ndim == 3:
            yield _hidden(draw.whole("places", count, *logits.shape[:2]), inputs)
            yield draw.whole("targets", max(2, count - 1), rows, TARGETS) + (count > 2)
        if logits.ndim in (2, 3) and count > 1:
            yield draw.whole("rows", count, rows)
        if logits.ndim == 2:
            yield draw.real("numbers", rows) if count == 1 else draw.whole("several", 2, rows, count).float()
        if logits.ndim == 4 and image is not None:
            yield draw.whole("pixels", max(2, logits.shape[1]), rows, *image.shape[-2:])
        if image is not None and logits.ndim == 3:
            yield [_things(draw, row, max(1, count - 1), image.shape[-2:]) for row in range(rows)]
        if logits.ndim >= 3:
            yield draw.real("values", *logits.shape)


def _hidden(labels: torch.Tensor, inputs: Mapping[str, Any]) -> torch.Tensor:
    """Labels of padded places are left out, as those who train do."""
    mask = next((inputs[name] for name in ("decoder_attention_mask", "attention_mask") if name in inputs), None)
    return labels if mask is None or mask.shape != labels.shape else labels.masked_fill(mask == 0, IGNORED)


def _shown(positions: torch.Tensor, inputs: Mapping[str, Any]) -> torch.Tensor:
    """Positions (rows,) moved to places that the mask shows: no answer lies in padding."""
    import torch

    mask = inputs.get("attention_mask")
    if mask is None or mask.ndim != 2 or len(mask) != len(positions):
        return positions
    shown = [row.nonzero().flatten() for row in mask]
    return torch.stack([places[at % len(places)] for at, places in zip(positions, shown, strict=True)])


def _things(draw: _Draw, row: int, classes: int, size: Any) -> dict[str, torch.Tensor]:
    """Objects as detectors are told of them: classes, boxes (centre, size; parts of the image), masks."""
    boxes = draw.real(f"boxes {row}", THINGS, 4).sigmoid() * 0.3 + 0.2
    masks = draw.whole(f"masks {row}", 2, THINGS, *size).float()
    return {"class_labels": draw.whole(f"classes {row}", classes, THINGS), "boxes": boxes, "masks": masks}


class _Draw:
    """Seeded numbers, each name with a stream of its own."""

    def __init__(self, title: str) -> None:
        self._title = title

    def _generator(self, name: str) -> torch.Generator:
        import torch

        return torch.Generator().manual_seed(stream(self._title, name, 0))

    def whole(self, name: str, below: int, *shape: int) -> torch.Tensor:
        import torch

        return torch.randint(0, below, shape, generator=self._generator(name))

    def real(self, name: str, *shape: int) -> torch.Tensor:
        import torch

        return torch.randn(*shape, generator=self._generator(name))
