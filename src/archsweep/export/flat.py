"""A model as the list of tensor operations that one run of it performs: no views, no writes, no Python in between.

What a tracer cannot follow (vectorised masks, autograd functions, writes into slices, complex numbers) is gone by then.
Everything that Python decided from values is baked in; the second inputs show where that matters. Knows no ONNX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from archsweep.export import lowering, pairs

if TYPE_CHECKING:
    import torch


def flatten(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> torch.nn.Module:
    """A module of the operations that `module` performs on `arguments`, each said as `lowering` says it."""
    import torch
    from torch.func import functionalize
    from torch.fx.experimental.proxy_tensor import make_fx

    def recorded(function: Callable[..., Any]) -> Any:
        before = torch.backends.mkldnn.set_flags(False)[0]  # its fused layers have no other name
        try:
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

    class Flat(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.program = program

        def forward(self, *given: torch.Tensor) -> Any:
            return _interpreter()(self.program, fixed).run(*given)

    return Flat().eval()


def _fixed(program: Any) -> dict[str, Any]:
    """Values of the operations that depend neither on an input nor on a weight, by the name of their node."""
    import torch

    found: dict[str, Any] = {}
    interpreter = _interpreter()(program, {})
    for node in program.graph.nodes:
        drawn = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        if node.op == "get_attr":
            constant = not isinstance(getattr(program, node.target, None), torch.nn.Parameter)
        else:
            constant = node.op == "call_function" and all(item.name in found for item in node.all_input_nodes)
        if constant and not drawn:
            interpreter.env = {item: found[item.name] for item in node.all_input_nodes}
            found[node.name] = interpreter.run_node(node)
    return found


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
            said = table.get(name)
            return said(*args, **kwargs) if said is not None else target(*args, **kwargs)

    return Saying
