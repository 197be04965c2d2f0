"""Devices that torch itself runs on: what is not here is absent or predicted, and never a pass."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from archsweep import registry  # noqa: E402
from archsweep.contract import Evidence, Outlook, Status  # noqa: E402
from archsweep.platforms import _operators, _torch, mps, rocm  # noqa: E402


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, x):
        return {"y": torch.nn.functional.scaled_dot_product_attention(self.layer(x), x, x)}


class Decomposing(torch.nn.Module):
    def forward(self, x):
        return {"y": torch.linalg.eigvals(x).real.double()}


class FakeBench:
    cache = None

    def __init__(self, module, **inputs) -> None:
        self._module, self.inputs = module, inputs

    def model(self):
        return self._module


@pytest.mark.parametrize("name", ["cuda", "rocm", "mps"])
def test_a_device_that_is_not_here_says_so(name: str) -> None:
    probe = registry.load("platforms", name).probe()
    if probe.present:
        pytest.skip(f"{name} is here: {probe.device}")
    assert probe.reason
    assert probe.evidence in (Evidence.NONE, Evidence.PREDICTED)


@pytest.mark.parametrize("platform", [mps, rocm])
def test_a_prediction_is_unexecuted_and_likely_where_every_operator_is_registered(platform) -> None:
    verdict = platform.predict(FakeBench(Small().eval(), x=torch.randn(1, 2, 3, 4)))
    assert verdict.status is Status.UNEXECUTED
    assert verdict.outlook is Outlook.LIKELY
    assert verdict.metrics["operators"] > 1


def test_a_prediction_names_what_blocks() -> None:
    verdict = mps.predict(FakeBench(Decomposing(), x=torch.randn(1, 3, 4, 4)))
    assert verdict.status is Status.UNEXECUTED
    assert verdict.outlook is Outlook.BLOCKED
    assert any("linalg_eig" in name for name in verdict.operators)
    assert "float64" in verdict.message


def test_reached_operators_are_those_of_a_real_run() -> None:
    names = {call.operator for call in _operators.reached(Small().eval(), {"x": torch.randn(1, 2, 3, 4)})}
    assert {"aten.addmm", "aten.t"} <= names or "aten.linear" in names
    assert any("scaled_dot_product" in name for name in names)


def test_random_numbers_of_another_device_are_the_cpu_generators() -> None:
    """Under the mode every draw equals the CPU's of the same seed, whatever device it is asked for."""

    def draws():
        torch.manual_seed(3)
        filled = torch.empty(4).normal_()
        return [
            torch.rand(3),
            torch.randn_like(filled),
            filled,
            torch.bernoulli(torch.full((5,), 0.5)),
            torch.randint(9, (3,)),
        ]

    plain = draws()
    with _torch._drawing()():
        others = draws()
    assert all(torch.equal(one, other) for one, other in zip(plain, others, strict=True))
