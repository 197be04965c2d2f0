"""Outputs of any shape become a flat, ordered map."""

from __future__ import annotations

import dataclasses
from collections import namedtuple

import handmade
import torch

from archsweep.archs import eager, outputs


def test_nested_containers_give_paths_in_order():
    pair = namedtuple("pair", "left right")

    @dataclasses.dataclass
    class Record:
        inner: torch.Tensor
        count: int = 3

    class Holder:
        def __init__(self):
            self.state, self._hidden, self.myself = torch.ones(1), torch.ones(2), self

    one = torch.zeros(1)
    found = outputs.flatten(
        {
            "a": one,
            "none": None,
            "text": "x",
            "b": [one, (one, 5), 0.5],
            "c": pair(one, None),
            "d": Record(one),
            "e": Holder(),
        }
    )
    assert list(found) == ["a", "b.0", "b.1.0", "b.2", "c.left", "d.inner", "e.state"]
    assert list(outputs.flatten(one)) == ["output"]
    assert list(outputs.flatten((one, one))) == ["0", "1"]
    assert outputs.flatten(None) == {}


def test_caches_and_recurrent_states_are_outputs():
    paths = {
        name: list(eager.run(handmade.by_name(name).build(), handmade.by_name(name).feed()))
        for name in ("bart", "mamba")
    }
    assert "past_key_values.self_attention_cache.layers.0.keys" in paths["bart"]
    assert "past_key_values.cross_attention_cache.layers.1.values" in paths["bart"]
    assert any("recurrent" in path or "ssm" in path for path in paths["mamba"]), paths["mamba"]


def test_digest_sees_every_bit_every_shape_and_every_path():
    value = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    other = value.clone()
    other.view(-1).view(torch.int32)[5] ^= 1
    digests = [outputs.digest(item) for item in ({"a": value}, {"a": other}, {"a": value.reshape(2, 8)}, {"b": value})]
    assert len(set(digests)) == 4
    assert outputs.digest({"a": value.T.contiguous().T}) == digests[0]
    assert outputs.digest({"a": torch.tensor(True), "b": torch.empty(0)}) != outputs.digest({"a": torch.tensor(False)})


def test_a_run_leaves_model_and_inputs_as_they_were_and_says_whether_it_drew():
    class Stateful(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(1))
            self.cached = None

        def forward(self, x):
            self.seen += 1
            self.cached = x if self.cached is None else self.cached
            x += torch.rand(1)
            return x + self.seen

    model, fed, drawn = Stateful(), torch.zeros(2), eager.Drawn()
    state = torch.get_rng_state()
    first = eager.run(model, {"x": fed}, drawn)
    second = eager.run(model, {"x": fed})
    assert outputs.digest(first) == outputs.digest(second)
    assert drawn.numbers
    assert torch.equal(fed, torch.zeros(2))
    assert model.seen == 0
    assert model.cached is None
    assert torch.equal(state, torch.get_rng_state())
    eager.run(torch.nn.Linear(2, 2), {"input": fed}, drawn)
    assert not drawn.numbers


def test_recording_hooks_are_not_installed_twice():
    model = handmade.by_name("llama").build()
    fed = {**handmade.by_name("llama").feed(), "output_hidden_states": True}
    first, second = eager.run(model, fed), eager.run(model, fed)
    assert [path for path in first if path.startswith("hidden_states")] == [f"hidden_states.{i}" for i in range(3)]
    assert outputs.digest(first) == outputs.digest(second)
