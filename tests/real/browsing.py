"""What tests of the browser platforms share: a real lot in this process, and what may be planted in its graph."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsweep import settings
from archsweep.archs import importing
from archsweep.contract import (
    Architecture,
    Case,
    Evidence,
    Lot,
    Modality,
    Priority,
    Result,
    Standing,
    Subject,
)  # fmt: skip
from archsweep.encoding import encode
from archsweep.errors import Unavailable
from archsweep.platforms import _onnxruntime, _web_parts
from archsweep.run import worker

SUBJECTS = {
    "bert": ("BertModel", Architecture.ENCODER_ONLY, Modality.TEXT),
    "gpt2": ("GPT2Model", Architecture.DECODER_ONLY, Modality.TEXT),
    "vit": ("ViTModel", Architecture.ENCODER_ONLY, Modality.IMAGE),
}


def require(platform: str) -> None:
    """Skip where no browser has been set up, and fail where it must be: ARCHSWEEP_REQUIRE names the platform."""
    try:
        _web_parts.find()
    except Unavailable as error:
        if platform in os.environ.get("ARCHSWEEP_REQUIRE", "").split(","):
            pytest.fail(f"{platform} is required: {error}")
        pytest.skip(f"{platform}: {error}")


def subject(model_type: str) -> Subject:
    name, architecture, modality = SUBJECTS[model_type]
    folder = f"transformers.models.{model_type}"
    return Subject(
        model_type=model_type, class_name=name, class_module=f"{folder}.modeling_{model_type}",
        config_class=f"{folder}.configuration_{model_type}:{name.removesuffix('Model')}Config", is_base=True,
        mappings=("MODEL_MAPPING",), family=model_type, architecture=architecture, role="backbone",
        modality=(modality,), category="text-encoders", tasks=(), priority=Priority.HIGH, phase=1,
        standing=Standing.STAND_ALONE,
    )  # fmt: skip


def endings(folder: Path, platform: str, model_type: str, options: tuple[tuple[str, str], ...] = ()) -> list[Result]:
    """How `forward` and `parity` end, in this process: everything real but the process."""
    chosen = subject(model_type)
    folder.mkdir(parents=True)
    cases = tuple(
        Case(subject=chosen.id, platform=platform, check=check, options=options) for check in ("forward", "parity")
    )
    lot = Lot(
        id="one", subject=chosen, platform=platform, cases=cases, run="r1", fingerprint="f", evidence=Evidence.EMULATOR,
        timeout_s=300, memory_bytes=2**33, folder=str(folder), cache=str(settings.cache_root()),
    )  # fmt: skip
    (folder / worker.LOT_FILE).write_text(json.dumps(encode(lot)))
    importing.warm()
    worker.work(folder)
    found = worker.read_results(folder)
    return [found[index] for index in sorted(found)]


def plant(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    """Every graph is changed by `change` after it has been proven right."""
    import onnx

    honest = _onnxruntime.prepared

    def tampered(*given: Any) -> _onnxruntime.Prepared:
        made = honest(*given)
        model = onnx.load_model_from_string(made.model)
        change(model)
        return dataclasses.replace(made, model=model.SerializeToString())

    monkeypatch.setattr(_onnxruntime, "prepared", tampered)


def insert(model: Any, operator: str, constants: tuple[float, ...] = (), **attributes: float) -> None:
    """A node behind the first matrix product that adds a bias or not."""
    import onnx

    nodes = list(model.graph.node)
    place = next(index for index, node in enumerate(nodes) if node.op_type in ("MatMul", "Gemm", "Conv"))
    output = nodes[place].output[0]
    nodes[place].output[0] = "planted.in"
    names = []
    for number, value in enumerate(constants):
        names.append(f"planted.{number}")
        model.graph.initializer.append(onnx.helper.make_tensor(names[-1], onnx.TensorProto.FLOAT, [], [value]))
    nodes.insert(place + 1, onnx.helper.make_node(operator, ["planted.in", *names], [output], "planted", **attributes))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
