"""The forward check: finite, steady, and of the shapes that the configuration promises."""

from __future__ import annotations

from types import SimpleNamespace

import handmade
import pytest
import torch

from archsweep.archs import eager, reference
from archsweep.checks import forward
from archsweep.contract import Capabilities, Status
from archsweep.errors import ReferenceFault

SUBJECT = SimpleNamespace(id="any/Model", mappings=())


class Bench:
    """Just what the check asks for, around one module."""

    def __init__(self, make_model, inputs, mappings=()):
        self.subject = SimpleNamespace(id="any/Model", mappings=mappings)
        self.capabilities = Capabilities(module=True)
        self.inputs = inputs
        self.make_model = make_model
        self.program = SimpleNamespace(module=make_model(), run=lambda fed: eager.run(self.program.module, fed))
        self.stages = []
        self.announce = self.stages.append

    @property
    def reference(self):
        return reference.obtain(self.subject, "", self.make_model, self.inputs)


class Given(torch.nn.Module):
    def __init__(self, function, config=None):
        super().__init__()
        self.function, self.config = function, config

    def forward(self, x):
        return self.function(x)


def _run(function, config=None, mappings=(), x=None):
    x = torch.ones(2, 3) if x is None else x
    return forward.run(Bench(lambda: Given(function, config), {"x": x}, mappings))


@pytest.mark.parametrize("made", handmade.everything(), ids=lambda made: made.name)
def test_right_models_pass(made):
    verdict = forward.run(Bench(made.build, made.feed()))
    assert verdict.status is Status.PASS, verdict.message
    assert verdict.metrics["seeded"] == (made.name in ("vits", "vit_mae"))


@pytest.mark.parametrize(
    ("value", "part"), [(torch.nan, "1 of 6 elements are not finite"), (torch.inf, "1 of 6 elements are not finite")]
)
def test_what_is_not_finite_fails(value, part):
    def spoil(x):
        spoiled = x.clone()
        spoiled[1, 1] = value
        return {"y": spoiled if x.dtype == torch.float32 else x}

    verdict = _run(spoil)
    assert verdict.status is Status.FAIL
    assert f"y: {part}" in verdict.message


def test_masked_logits_may_be_infinite_where_the_reference_has_them():
    assert _run(lambda x: {"y": x.masked_fill(torch.eye(2, 3) > 0, -torch.inf)}).status is Status.PASS


def test_a_run_that_differs_from_the_first_fails():
    calls = []

    def unsteady(x):
        calls.append(1)
        return {"y": x + len(calls) * 1e-6}

    verdict = _run(unsteady)
    assert verdict.status is Status.FAIL
    assert "y: a second run under the same seed differs" in verdict.details["faults"]


def test_random_numbers_are_allowed_under_the_seed_and_counted():
    verdict = _run(lambda x: {"y": x + torch.randn(2, 3).to(x)})
    assert verdict.status is Status.PASS
    assert verdict.metrics["seeded"] == 1


def test_no_output_is_no_pass():
    assert _run(lambda x: {}).status is Status.FAIL
    assert _run(lambda x: {"y": x[:, :0]}).status is Status.FAIL


@pytest.mark.parametrize(
    ("function", "mappings", "part"),
    [
        (lambda x: {"logits": x[:1, :2]}, (), "1 rows for a batch of 2"),
        (lambda x: {"last_hidden_state": x[:, None, :2].repeat(1, 7, 7)}, (), "no width of the configuration"),
        (lambda x: {"logits": x}, ("SEQUENCE_CLASSIFICATION",), "promised (2, 5)"),
        (lambda x: {"logits": x}, ("TOKEN_CLASSIFICATION",), "promised 5"),
        (lambda x: {"logits": x}, ("CAUSAL_LM",), "no vocabulary"),
    ],
)
def test_broken_promises(function, mappings, part):
    verdict = _run(function, SimpleNamespace(num_labels=5, to_dict=lambda: {"vocab_size": 96}), mappings)
    assert verdict.status is Status.FAIL
    assert part in verdict.message


def test_without_a_reference_running_is_still_judged():
    bench = Bench(lambda: Given(lambda x: {"y": (x + 1e8 - 1e8) + x.sin()}), {"x": torch.linspace(0.1, 1, 6)})
    with pytest.raises(ReferenceFault):
        _ = bench.reference
    assert forward.run(bench).status is Status.PASS
