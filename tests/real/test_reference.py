"""References: right, kept whole or remade, and honest about a CPU that disagrees with itself."""

from __future__ import annotations

from types import SimpleNamespace

import handmade
import pytest
import torch

from archsweep.archs import reference
from archsweep.errors import ReferenceFault

SUBJECT = SimpleNamespace(id="any/Model")


def _obtain(make_model, inputs, cache=None, recipe="{}"):
    return reference.obtain(SUBJECT, recipe, make_model, inputs, cache)


@pytest.mark.parametrize("made", handmade.everything(), ids=lambda made: made.name)
def test_float32_lies_close_to_true_float64(made):
    held = _obtain(made.build, made.feed())
    assert held.substitute is None
    assert max(held.bound.values()) < 1e-5
    assert all(value.dtype == torch.float64 for value in held.outputs.values() if value.is_floating_point())
    assert held.seeded is (made.name in ("vits", "vit_mae"))


def test_an_entry_is_kept_read_back_and_remade_when_damaged(tmp_path):
    made, builds = handmade.by_name("bart"), []

    def build():
        builds.append(1)
        return made.build()

    first = _obtain(build, made.feed(), tmp_path)
    (entry,) = tmp_path.rglob("*.safetensors")
    whole = entry.read_bytes()
    computed = []
    original = reference._compute
    reference._compute = lambda *given: computed.append(1) or original(*given)
    try:
        again = _obtain(build, made.feed(), tmp_path)
        assert not computed
        assert _same(first, again)
        flipped = bytearray(whole)
        flipped[-9] ^= 4
        for damaged in (whole[:100], whole[:-8], bytes(flipped), b"", b"{}"):
            computed.clear()
            entry.write_bytes(damaged)
            assert _same(first, _obtain(build, made.feed(), tmp_path))
            assert computed
            assert len(entry.read_bytes()) == len(whole)
    finally:
        reference._compute = original
    assert list(tmp_path.rglob("*.safetensors")) == [entry]
    assert not list(tmp_path.rglob("*.draft"))
    assert len(builds) == 7


def _same(one, two):
    assert (one.key, one.bound, one.substitute, one.seeded) == (two.key, two.bound, two.substitute, two.seeded)
    for left, right in ((one.outputs, two.outputs), (one.outputs32, two.outputs32)):
        assert list(left) == list(right)
        assert all(torch.equal(value, right[path]) and value.dtype == right[path].dtype for path, value in left.items())
    return True


def test_the_key_follows_configuration_weights_inputs_and_rules(monkeypatch):
    made = handmade.by_name("vit")
    feed = made.feed()

    def other():
        model = made.build()
        with torch.no_grad():
            model.layernorm.bias[3] += 1e-6
        return model

    moved = {"pixel_values": feed["pixel_values"] * 1.0000001}
    keys = [
        _obtain(made.build, feed).key,
        _obtain(other, feed).key,
        _obtain(made.build, moved).key,
        _obtain(made.build, feed, recipe='{"config": 1}').key,
    ]
    monkeypatch.setattr(reference, "RULES", reference.RULES + 1)
    keys.append(_obtain(made.build, feed).key)
    assert len(set(keys)) == 5


class Given(torch.nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.given = forward

    def forward(self, x):
        return {"y": self.given(x)}


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda x: x * float("nan"), "NaN in float32"),
        (lambda x: (x + 1e8 - 1e8) + x.sin(), "differ by"),
        (lambda x: x[: 2 if x.dtype == torch.float64 else 1], "in float32"),
        (lambda x: x / (1e-60 + 0 * x) if x.dtype == torch.float32 else x, "differ by inf"),
    ],
)
def test_a_cpu_that_disagrees_with_itself_is_named(forward, message):
    with pytest.raises(ReferenceFault, match=message) as caught:
        _obtain(lambda: Given(forward), {"x": torch.linspace(0.1, 1, 6).reshape(3, 2)})
    assert "output y" in str(caught.value)


def test_a_class_that_refuses_float64_gets_a_stated_substitute():
    def narrow_only(x):
        if x.dtype != torch.float32:
            raise RuntimeError("only float32 here")
        return x.sin()

    held = _obtain(lambda: Given(narrow_only), {"x": torch.linspace(0, 1, 6)})
    assert held.substitute.startswith("float32 with eager attention")
    assert "only float32 here" in held.substitute
    assert held.outputs["y"].dtype == torch.float64


def test_noise_around_zero_is_no_disagreement():
    held = _obtain(lambda: Given(lambda x: x / 3 - x / 3.0000000001), {"x": torch.linspace(0.1, 1, 6)})
    assert held.bound["y"] < reference.CAP
