"""Integers that a model's own Python makes by reading values: computed beside the graph, and fed to it.

A tracer bakes such numbers in (where each token stands beside images, say, which follows from the padding). A method's
call is taken out of the graph if the tensors that it is given are inputs themselves, if they and all that it returns
are integers or booleans (of floats it may be given a list, one for each image or video), if it reads values, and if it
returns others on other inputs. So all floating-point work stays in the graph. Whoever deploys such models does the
same. Knows no model and no converter.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager, outputs

if TYPE_CHECKING:
    import torch

TENSOR = "tensor"
READING = ("tolist", "item", "__bool__", "__int__", "__index__", "__float__", "nonzero", "unique")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A method of a module. In `positional`, `named` and `result`, JSON values, {TENSOR: path} stands for a tensor."""

    module: str
    method: str
    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    result: Any


@dataclass
class _Watch:
    """What one pass has called: the calls in order, and the tensors that they returned. `paths`: of its inputs."""

    paths: Mapping[Any, str]
    calls: list[Call] = field(default_factory=list)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    inside: bool = False
    read: bool = False


def found(
    model: torch.nn.Module, first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[tuple[Call, ...], list[dict[str, torch.Tensor]]]:
    """The calls to be taken out of the graph, and the outputs of the model's passes over both inputs."""
    import torch

    wanted, seen = [], []
    for inputs in (first, second):
        fed = eager.copied(dict(inputs))
        watch = _Watch(paths={_place(value): path for path, value in outputs.flatten(fed).items()})
        with _watched(model, watch):
            wanted.append(eager.run(model, fed, copy=False))
        seen.append(watch)
    one, other = seen
    changed = {
        path
        for path, value in one.tensors.items()
        if path in other.tensors and not torch.equal(value, other.tensors[path])
    }
    if one.calls != other.calls:
        return (), wanted
    return tuple(call for call in one.calls if changed & set(_paths(call.result))), wanted


def made(model: torch.nn.Module, calls: tuple[Call, ...], inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """What the calls return for `inputs`, by path."""
    import torch

    tensors = outputs.flatten(dict(inputs))
    made_now: dict[str, torch.Tensor] = {}
    for call in calls:
        method = getattr(model.get_submodule(call.module), call.method)
        positional = [_filled(item, tensors) for item in call.positional]
        with torch.no_grad(), eager.preserved(model):
            result = method(*positional, **{name: _filled(item, tensors) for name, item in call.named.items()})
        made_now.update(zip(_paths(call.result), _tensors(result), strict=True))
    return made_now


@contextlib.contextmanager
def given(model: torch.nn.Module, calls: tuple[Call, ...], tensors: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Within, the calls return `tensors`."""
    with contextlib.ExitStack() as stack:
        for place in dict.fromkeys((call.module, call.method) for call in calls):
            results = iter([_filled(call.result, tensors) for call in calls if (call.module, call.method) == place])
            answer = functools.partial(_next, results)
            stack.enter_context(_replaced(model.get_submodule(place[0]), place[1], answer))
        yield


def _next(results: Iterator[Any], *given: Any, **more: Any) -> Any:
    return next(results)


@contextlib.contextmanager
def _watched(model: torch.nn.Module, watch: _Watch) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for path, module in model.named_modules():
            for name in _methods(module.__class__):
                stack.enter_context(_replaced(module, name, _told(watch, path, name, getattr(module, name))))
        yield


@contextlib.contextmanager
def _replaced(module: torch.nn.Module, name: str, method: Callable[..., Any]) -> Iterator[None]:
    vars(module)[name] = method
    try:
        yield
    finally:
        vars(module).pop(name, None)


@functools.cache
def _methods(kind: type[Any]) -> tuple[str, ...]:
    """Methods that the architecture itself defines."""
    own = [item for item in kind.__mro__ if not item.__module__.startswith(("torch.", "builtins", "abc"))]
    own = [item for item in own if not item.__module__.startswith("transformers.") or ".models." in item.__module__]
    names = {name for item in own for name, value in vars(item).items() if inspect.isfunction(value)}
    return tuple(sorted(name for name in names if name != "forward" and not name.startswith("__")))


def _told(watch: _Watch, path: str, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """`method`, which tells of its calls if they take and give integers alone, and read their values."""

    @functools.wraps(method)  # its signature may be asked for
    def called(*positional: Any, **named: Any) -> Any:
        if watch.inside or not _whole([*positional, *named.values()], rank=1):
            return method(*positional, **named)
        watch.inside, watch.read = True, False
        try:
            with _reading()(watch):
                result = method(*positional, **named)
        finally:
            watch.inside = False
        if watch.read and _whole(result):
            _keep(watch, path, name, positional, named, result)
        return result

    return called


def _keep(
    watch: _Watch, path: str, name: str, positional: tuple[Any, ...], named: Mapping[str, Any], result: Any
) -> None:
    place = ".".join((*([path] if path else ()), name, str(len(watch.calls))))
    numbered = {_place(item): f"{place}.{index}" for index, item in enumerate(_tensors(result))}
    try:
        call = Call(
            module=path, method=name, positional=tuple(_template(item, watch.paths) for item in positional),
            named={key: _template(item, watch.paths) for key, item in named.items()},
            result=_template(result, numbered),
        )  # fmt: skip
    except KeyError:  # a tensor that is no input
        return
    watch.calls.append(call)
    watch.tensors.update({numbered[_place(item)]: item.clone() for item in _tensors(result)})


def _place(value: torch.Tensor) -> tuple[Any, ...]:
    return value.data_ptr(), tuple(value.shape), value.stride(), value.dtype


def _template(value: Any, paths: Mapping[Any, str]) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return {TENSOR: paths[_place(value)]}
    return [_template(item, paths) for item in value] if isinstance(value, list | tuple) else value


def _filled(template: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(template, Mapping):
        return tensors[template[TENSOR]]
    return [_filled(item, tensors) for item in template] if isinstance(template, list | tuple) else template


def _paths(template: Any) -> list[str]:
    if isinstance(template, Mapping):
        return [template[TENSOR]]
    return [path for item in template for path in _paths(item)] if isinstance(template, list | tuple) else []


def _tensors(value: Any) -> list[torch.Tensor]:
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    return [found for item in value for found in _tensors(item)] if isinstance(value, list | tuple) else []


def _whole(value: Any, rank: int = -1) -> bool:
    """Whether there are tensors in it, all of integers or booleans, and beside them only what JSON holds.

    Floats pass in tensors of at most `rank` dimensions.
    """
    import torch

    def fits(item: Any) -> bool:
        if isinstance(item, torch.Tensor):
            return item.dim() <= rank or not (item.is_floating_point() or item.is_complex())
        if isinstance(item, list | tuple):
            return all(fits(inner) for inner in item)
        return item is None or isinstance(item, int | float | str)

    return fits(value) and bool(_tensors(value))


@functools.cache
def _reading() -> Any:
    """A mode that notes whether values were read."""
    import torch
    from torch.overrides import TorchFunctionMode

    readers = {getattr(torch.Tensor, name) for name in READING} | {torch.nonzero, torch.unique}

    class Reading(TorchFunctionMode):  # type: ignore[misc]
        def __init__(self, watch: _Watch) -> None:
            super().__init__()
            self._watch = watch

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self._watch.read = self._watch.read or func in readers
            return func(*args, **(kwargs or {}))

    return Reading
