"""One clean forward pass: fixed random numbers, untouched inputs, a model left as it was. Compares nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import outputs, remembered, sessions

if TYPE_CHECKING:
    import torch

# What a forward pass may raise when it is given another mask, or another input.
RAISED = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError, StopIteration)
SEED = 20261122  # before every forward pass, on every platform


@contextlib.contextmanager
def seeded() -> Iterator[Drawn]:
    """Fix torch's, numpy's and Python's generators; afterwards say whether any was used, and put them back."""
    import random

    import numpy
    import torch

    generator = numpy.random.get_bit_generator()  # type: ignore[attr-defined]
    before = torch.get_rng_state(), generator.state, random.getstate()
    seed()
    start = torch.get_rng_state(), _position(generator.state), random.getstate()
    drawn = Drawn()
    try:
        yield drawn
    finally:
        after = torch.get_rng_state(), _position(generator.state), random.getstate()
        drawn.numbers = not torch.equal(start[0], after[0]) or start[1:] != after[1:]
        torch.set_rng_state(before[0])
        generator.state = before[1]
        random.setstate(before[2])


def seed(number: int = SEED) -> None:
    """Fix torch's, numpy's and Python's generators, for good."""
    import random

    import numpy
    import torch

    torch.default_generator.manual_seed(number)  # torch.manual_seed() takes a hundred times as long
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)
    numpy.random.seed(number)
    random.seed(number)


def _position(state: Mapping[str, Any]) -> tuple[bytes, int]:
    """numpy's Mersenne twister, comparable."""
    return state["state"]["key"].tobytes(), state["state"]["pos"]


class Drawn:
    """Whether a pass drew random numbers."""

    numbers: bool = False


@contextlib.contextmanager
def preserved(model: torch.nn.Module) -> Iterator[None]:
    """Undo what a forward pass leaves in a model: changed buffers, cached masks, remembered positions, hooks."""
    shallow = [
        (module, dict(vars(module)), dict(module._buffers), dict(module._forward_hooks)) for module in model.modules()
    ]
    copies = [(buffer, buffer._version, buffer.clone()) for buffer in model.buffers()]
    containers = [again for module in model.modules() for again in remembered.put_back(module)]
    try:
        yield
    finally:
        for again in containers:
            again()
        for module, attributes, buffers, hooked in shallow:
            held = vars(module)
            held.clear()
            held.update(attributes)
            module._buffers.clear()
            module._buffers.update(buffers)
            module._forward_hooks.clear()
            module._forward_hooks.update(hooked)
        for buffer, version, copy in copies:
            if buffer._version != version:
                buffer.data.copy_(copy)


def run(
    model: torch.nn.Module, inputs: Mapping[str, Any], drawn: Drawn | None = None, *, copy: bool = True
) -> dict[str, torch.Tensor]:
    """Outputs by path of one seeded pass without gradients, as copies; inputs and model are left as they were.

    `drawn`, if given, tells afterwards whether the pass drew random numbers. Without `copy` the model is given the
    inputs themselves, and may write into them.
    """
    import torch

    with torch.no_grad(), preserved(model), seeded() as used:
        result = outputs.flatten(sessions.called(model, copied(inputs) if copy else dict(inputs)))
        result = {path: tensor.clone() for path, tensor in result.items()}
    if drawn is not None:
        drawn.numbers = used.numbers
    return result


def copied(value: Any) -> Any:
    """`value` with every tensor in its mappings and sequences cloned, so that a model may write into its inputs."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(item) for item in value)
    return value


def cast(model: torch.nn.Module, device: torch.device | str, dtype: torch.dtype) -> torch.nn.Module:
    """`model` moved to `device`, its floating tensors in `dtype`, in place.

    Complex buffers (rotary embeddings are sometimes kept so) stay complex: torch's own `Module.to(dtype)` would drop
    their imaginary part.
    """
    import torch

    wide = {torch.float64: torch.complex128}.get(dtype, torch.complex64)

    def moved(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.is_complex():
            return tensor.to(device, wide)
        return tensor.to(device, dtype) if tensor.is_floating_point() else tensor.to(device)

    return model._apply(moved)


def fed_like(module: torch.nn.Module, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`inputs` where the module is, in its dtype."""
    one = next(module.parameters())
    return {name: fed(value, one.device, one.dtype) for name, value in inputs.items()}


def fed(value: Any, device: torch.device | str, dtype: torch.dtype) -> Any:
    """An input on `device`, its floating tensors in `dtype`: what a model that was `cast` so takes."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(device=device, dtype=dtype if value.is_floating_point() else None)
    if isinstance(value, Mapping):
        return {key: fed(item, device, dtype) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fed(item, device, dtype) for item in value)
    return value
