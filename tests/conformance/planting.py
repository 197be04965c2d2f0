"""Faults planted in platforms that take exported graphs, each in a model type that is named after it.

Imported into workers (--import). A graph is changed after it has been proven right on the CPU, so that what is planted
is the backend's doing as far as archsweep can tell. Knows no platform: whatever asks `export.graph` is served so.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from archsweep import export, registry
from archsweep.contract import Bench, Program

REFUSED = "Det"  # an operator of ONNX that none of the backends takes, nor computes from others


class PlantedConfig(PretrainedConfig):
    hidden_size: int = 16
    vocab_size: int = 32
    num_hidden_layers: int = 1


class PlantedModel(PreTrainedModel):
    base_model_prefix = "model"
    main_input_name = "input_ids"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embedding = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.layer = torch.nn.Linear(config.hidden_size, config.hidden_size)
        self.post_init()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> BaseModelOutput:
        hidden = torch.relu(self.layer(self.embedding(input_ids)))
        if attention_mask is not None:
            hidden = hidden * attention_mask[..., None].to(hidden.dtype)
        return BaseModelOutput(last_hidden_state=hidden)


def wrong_by_one_percent(model: Any) -> None:
    """What the first rectifier gives is 1 % too large."""
    behind(model, "Relu", lambda edge, out: [node(model, "Mul", [edge, fixed(model, 1.01)], out)])


def refused(model: Any) -> None:
    """A node that no backend takes, whose result moves nothing."""
    import onnx

    def added(edge: str, out: str) -> list[Any]:
        return [
            node(model, "Transpose", [edge], "planted.turned", perm=[0, 2, 1]),
            node(model, "MatMul", ["planted.turned", edge], "planted.square"),
            node(model, REFUSED, ["planted.square"], "planted.number"),
            node(model, "ReduceMax", ["planted.number"], "planted.largest", keepdims=0),
            node(model, "Mul", ["planted.largest", fixed(model, 0.0)], "planted.nothing"),
            node(model, "Add", [edge, "planted.nothing"], out),
        ]

    behind(model, "Relu", added)
    onnx.checker.check_model(model)


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def behind(model: Any, operator: str, make: Callable[[str, str], list[Any]]) -> None:
    """Put what `make(edge, out)` gives behind the first node of `operator`."""
    nodes = list(model.graph.node)
    place = next(index for index, item in enumerate(nodes) if item.op_type == operator)
    output = nodes[place].output[0]
    nodes[place].output[0] = "planted.edge"
    nodes[place + 1 : place + 1] = make("planted.edge", output)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def node(model: Any, operator: str, given: list[str], out: str, **attributes: Any) -> Any:
    import onnx

    return onnx.helper.make_node(operator, given, [out], f"{out}.{operator}", **attributes)


def fixed(model: Any, value: float) -> str:
    import onnx

    name = f"planted.{value}"
    model.graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, [], [value]))
    return name


CHANGES: dict[str, Callable[[Any], None]] = {
    "planted_nothing": lambda model: None,
    "planted_wrong": wrong_by_one_percent,
    "planted_refused": refused,
    "planted_crash_compiling": die,
    "planted_crash_running": lambda model: None,
}


def _register(model_type: str) -> None:
    title = "".join(part.capitalize() for part in model_type.split("_"))
    config = type(f"{title}Config", (PlantedConfig,), {"model_type": model_type, "__module__": __name__})
    model = type(f"{title}Model", (PlantedModel,), {"config_class": config, "__module__": __name__})
    globals()[config.__name__], globals()[model.__name__] = config, model
    AutoConfig.register(model_type, config)
    AutoModel.register(config, model)


def _plant_in_graphs() -> None:
    import onnx

    honest = export.graph

    def planted(bench: Bench, *given: Any, **named: Any) -> export.Graph:
        graph = honest(bench, *given, **named)
        change = CHANGES.get(bench.subject.model_type)
        if change is None:
            return graph
        model = onnx.load(str(graph.file))
        change(model)
        target = Path(os.environ["TMPDIR"]) / f"{bench.subject.model_type}.{os.getpid()}.onnx"
        onnx.save(model, str(target))
        return dataclasses.replace(graph, file=target)

    export.graph = planted


def _plant_in_programs() -> None:
    """Every platform's program of the type that is to crash while it runs."""

    class Crashing:
        def __init__(self, program: Program) -> None:
            self._program, self.run = program, die

        def __getattr__(self, name: str) -> Any:
            return getattr(self._program, name)

    for name in registry.names("platforms"):
        platform = registry.load("platforms", name)

        def planted(bench: Bench, honest: Callable[[Bench], Program] = platform.compile) -> Any:
            program = honest(bench)
            crashes = bench.subject.model_type == "planted_crash_running" and hasattr(
                registry.load("platforms", bench.case.platform), "package"
            )
            return Crashing(program) if crashes else program

        platform.compile = planted


for _name in CHANGES:
    _register(_name)
_plant_in_graphs()
_plant_in_programs()
