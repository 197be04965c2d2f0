"""A model as the list of tensor operations that one run of it performs: no views, no writes, no Python in between.

What a tracer cannot follow (vectorised masks, autograd functions, writes into slices, complex numbers) is gone by then.
Everything that Python decided from values is baked in; the second inputs show where that matters. Knows no ONNX.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.archs import eager
from archsweep.export import lowering, pairs, positions

if TYPE_CHECKING:
    import torch

DRAWS = frozenset({
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal_functional", "uniform",
    "exponential", "random", "geometric", "log_normal", "cauchy",
})  # fmt: skip


def flatten(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> torch.nn.Module:
    """A module of the operations that `module` performs on `arguments`, each said as `lowering` says it."""
    import torch
    from torch.func import functionalize
    from torch.fx.experimental.proxy_tensor import make_fx

    def recorded(function: Callable[..., Any]) -> Any:
        before = torch.backends.mkldnn.set_flags(False)[0]  # its fused layers have no other name
        try:
            with _uncompiled(), _described_once():
                return make_fx(function, tracing_mode="real", _error_on_data_dependent_ops=False)(*arguments)
        finally:
            torch.backends.mkldnn.set_flags(before)

    program = recorded(module)
    writes = any(_writes(node.target) for node in program.graph.nodes)
    if writes:
        raw = _lifted(program)
        program = recorded(functionalize(raw, remove="mutations"))
    program.graph.eliminate_dead_code()

    fixed = _fixed(program)
    made = next(node for node in program.graph.nodes if node.op == "output").all_input_nodes
    constant = [node for node in made if node.name in fixed]  # a tracer wants each output to depend on something

    class Flat(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.program = program

            for node in constant:
                self.register_buffer(node.name, fixed.pop(node.name))

        def forward(self, *given: torch.Tensor) -> Any:
            held = {node.name: getattr(self, node.name).clone() for node in constant}
            return _interpreter()(self.program, {**fixed, **held}).run(*given)

    return Flat().eval()


def _uncompiled() -> contextlib.AbstractContextManager[None]:
    """Within, what torch.compile has made is followed as it was written, if anything was compiled at all."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is None:
        return contextlib.nullcontext()
    patched: contextlib.AbstractContextManager[None] = dynamo.config.patch(error_on_nested_fx_trace=False)
    return patched


def _described_once() -> contextlib.AbstractContextManager[Any]:
    """Within, one mode describes all that is recorded: else torch makes one for each tensor, with a stack of calls."""
    from torch._guards import TracingContext, tracing
    from torch._subclasses.fake_tensor import FakeTensorMode

    held: contextlib.AbstractContextManager[Any] = tracing(TracingContext(FakeTensorMode(allow_fallback_kernels=True)))
    return held


def _fixed(program: Any) -> dict[str, Any]:
    """Values of the operations that depend neither on an input nor on a weight, by the name of their node.

    Random numbers are among them: drawn in the order, and under the seed, of every other pass.
    """
    import torch

    found: dict[str, Any] = {}
    interpreter = _interpreter()(program, {})
    with eager.seeded():
        for node in program.graph.nodes:
            given = {item: found.get(item.name) for item in node.all_input_nodes}
            if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
                constant = _by_shape(node.target)
                given = {item: _zeros(item.meta["val"]) for item in given} if constant else given
            elif node.op == "get_attr":
                constant = not isinstance(getattr(program, node.target, None), torch.nn.Parameter)
            else:
                constant = node.op == "call_function" and all(item.name in found for item in given)
            if constant:
                interpreter.env = given
                found[node.name] = interpreter.run_node(node)
    return found


def _zeros(like: Any) -> torch.Tensor:
    """In the same order in memory, in which numbers are drawn."""
    import torch

    return torch.empty_strided(tuple(like.shape), like.stride(), dtype=like.dtype).zero_()


def _by_shape(target: Any) -> bool:
    """Whether what is drawn depends on shapes alone: no values say how likely what is."""
    name, overload = target._schema.name.removeprefix("aten::"), target._schema.overload_name
    return name in DRAWS or (name, overload) in {("bernoulli", "p"), ("normal", "float_float")}


def _lifted(program: Any) -> Any:
    """Constants as copies: what is written into must be the program's own."""
    import torch

    for node in list(program.graph.nodes):
        if node.op == "get_attr" and not isinstance(getattr(program, node.target, None), torch.nn.Parameter):
            with program.graph.inserting_after(node):
                copy = program.graph.call_function(torch.ops.aten.lift_fresh_copy.default, (node,))
            node.replace_all_uses_with(copy, lambda user, own=copy: user is not own)
    program.recompile()
    return program


def _writes(target: Any) -> bool:
    schema = getattr(target, "_schema", None)
    return bool(schema is not None and schema.is_mutable)


def _interpreter() -> Any:
    import torch

    table = lowering.table()

    class Saying(torch.fx.Interpreter):  # type: ignore[misc]
        def __init__(self, program: Any, fixed: Mapping[str, Any]) -> None:
            super().__init__(program)
            self._fixed = fixed

        def run_node(self, node: Any) -> Any:
            self._node = node
            return self._fixed[node.name] if node.name in self._fixed else super().run_node(node)

        def get_attr(self, target: Any, args: Any, kwargs: Any) -> Any:
            value = super().get_attr(target, args, kwargs)
            return pairs.Pair.of(value) if isinstance(value, torch.Tensor) and value.is_complex() else value

        def call_function(self, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
            name = target._schema.name.removeprefix("aten::") if hasattr(target, "_schema") else ""
            if any(isinstance(item, pairs.Pair) for item in (*args, *kwargs.values())) or name in pairs.MAKE:
                return pairs.with_pairs(name, target, args, kwargs)
            if name == "as_strided":
                return lowering.as_strided(self._node.args[0].meta["tensor_meta"].stride, *args, **kwargs)
            if name == "index_put" and all(item.name in self._fixed for item in self._node.args[1] if item is not None):
                return lowering.put_at(*args, **kwargs)
            if name == "nonzero" or (name == "index" and any(positions.is_mask(item) for item in args[1])):
                return positions.SAID[name](self._node.meta["tensor_meta"].shape, *args)
            said = table.get(name)
            return said(*args, **kwargs) if said is not None else target(*args, **kwargs)

    return Saying
