"""The words of the contract as plain JSON values, and back. Knows dataclasses and enumerations, none by name."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


def encode(value: Any) -> Any:
    """`value` as JSON values: dataclasses become objects, tuples lists, enumerations their text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: encode(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def decode(kind: type[T], value: Any) -> T:
    """The inverse of `encode` for a word of the contract. Raises TypeError, ValueError or KeyError on another shape."""
    return typing.cast(T, _decoder(typing.cast(Any, kind))(value))


@functools.cache
def _decoder(kind: Any) -> Callable[[Any], Any]:
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        inner = {item.name: _decoder(hints[item.name]) for item in dataclasses.fields(kind)}
        return functools.partial(_filled, kind, {name: part for name, part in inner.items() if part is not _same})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        some = next(_decoder(item) for item in arguments if item is not type(None))
        return _same if some is _same else lambda value: None if value is None else some(value)
    if origin is Mapping:
        held = _decoder(arguments[1])
        return _same if held is _same else lambda value: {name: held(entry) for name, entry in value.items()}
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = _decoder(arguments[0])
            return lambda value: tuple(item(entry) for entry in value)
        parts = [_decoder(entry) for entry in arguments]
        return lambda value: tuple(part(entry) for part, entry in zip(parts, value, strict=True))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return _same


def _same(value: Any) -> Any:
    return value


def _filled(kind: Any, parts: Mapping[str, Callable[[Any], Any]], value: Mapping[str, Any]) -> Any:
    """A `kind` of these fields; `parts` decodes those that are not plain JSON values."""
    fields = dict(value)
    for name, part in parts.items():
        if name in fields:
            fields[name] = part(fields[name])
    return kind(**fields)
