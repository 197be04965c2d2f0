"""OpenVINO for real: what its placement shows, and what it says of devices that are not here."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep import registry
from requiring import absent

platform = registry.load("platforms", "openvino")


@pytest.fixture(scope="module")
def openvino() -> Any:
    probe = platform.probe()
    if not probe.present:
        absent("openvino", probe.reason)
    return platform._runtime()


class Forgetful:
    """The runtime's core; asked what a plugin takes, it leaves out every operation of one type."""

    def __init__(self, core: Any, left_out: str) -> None:
        self._core, self._left_out = core, left_out

    def query_model(self, model: Any, device: str) -> dict[str, str]:
        kinds = {operator.get_friendly_name(): operator.get_type_name() for operator in model.get_ops()}
        found = self._core.query_model(model, device).items()
        return {name: place for name, place in found if kinds.get(name) != self._left_out}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@pytest.mark.parametrize(
    ("left_out", "elsewhere", "shape_nodes"),
    [("nothing", (), ()), ("Constant", (), ()), ("Relu", ("rectified",), ()), ("ShapeOf", (), ("shape",))],
)
def test_an_operation_that_the_plugin_leaves_out_is_elsewhere(
    openvino: Any, left_out: str, elsewhere: tuple[str, ...], shape_nodes: tuple[str, ...]
) -> None:
    import numpy

    operators = openvino.opset13
    given = operators.parameter([2, -1], numpy.float32, name="given")
    rectified = operators.relu(given, name="rectified")
    shape = operators.gather(
        operators.shape_of(rectified, name="shape"), operators.constant([1, 0]), operators.constant(0)
    )
    model = openvino.Model([operators.reshape(operators.sin(rectified), shape, special_zero=False)], [given])
    core = openvino.Core()
    compiled = core.compile_model(model, "CPU")
    placed = platform._placement(Forgetful(core, left_out), model, compiled, "CPU")
    assert placed.readable
    assert placed.device.startswith("openvino CPU")
    assert (placed.elsewhere, placed.shape_nodes) == (elsewhere, shape_nodes)
