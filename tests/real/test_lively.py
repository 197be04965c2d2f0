"""Lively weights: alive in every tensor, the same everywhere, tied once, derived tables untouched."""

from __future__ import annotations

import hashlib

import handmade
import pytest


def _weights(model):
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


@pytest.mark.parametrize("made", handmade.everything(), ids=lambda made: made.name)
def test_no_parameter_is_left_constant_or_zero(made):
    model = made.build()
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name
        assert parameter.abs().max() > 0.01, name
        if parameter.numel() > 1:
            assert parameter.std() > 0.01, name


def test_the_same_key_gives_the_same_bits_and_another_key_or_seed_does_not():
    import torch

    from archsweep.archs.lively import enliven

    one, two = handmade.by_name("bert").build(), handmade.by_name("bert").build()
    assert all(torch.equal(value, _weights(two)[name]) for name, value in _weights(one).items())
    for key, seed in (("bert", 1), ("other", 0)):
        enliven(two, key, seed)
        assert not torch.equal(one.embeddings.word_embeddings.weight, two.embeddings.word_embeddings.weight)


def test_a_tensor_is_drawn_from_its_name_alone():
    import torch

    from archsweep.archs.lively import enliven

    small = torch.nn.ModuleDict({"b": torch.nn.Linear(8, 8)})
    large = torch.nn.ModuleDict({"a": torch.nn.Linear(8, 8), "b": torch.nn.Linear(8, 8)})
    enliven(small, "key")
    enliven(large, "key")
    assert torch.equal(small["b"].weight, large["b"].weight)
    assert not torch.equal(large["a"].weight, large["b"].weight)


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (0, "559873e8601580b2057c997634911ae5f9a090b663f55e455b243dd3bbca6811"),
        (7, "f3d44f234573295c5d521743d751f392200657afa94689ec4c426ba0c115a803"),
    ],
)
def test_the_stream_never_changes(seed, digest):
    """Other machines and other versions must draw the same bits, or kept references and figures mean nothing."""
    import torch

    from archsweep.archs.lively import enliven

    layer = torch.nn.Sequential(torch.nn.Linear(64, 4), torch.nn.LayerNorm(4))
    with torch.no_grad():
        layer[0].bias.zero_()
    enliven(layer, "golden", seed)
    content = b"".join(value.detach().numpy().tobytes() for value in layer.parameters())
    assert hashlib.sha256(content).hexdigest() == digest


def test_tied_weights_stay_tied_and_are_drawn_as_an_embedding():
    import torch

    model = handmade.by_name("gpt2").build()
    assert model.lm_head.weight is model.transformer.wte.weight
    torch.testing.assert_close(model.lm_head.weight.std(), torch.tensor(1.0), atol=0.05, rtol=0)


def test_gates_and_layer_scales_wake_up_and_keep_their_sign():
    import torch

    from archsweep.archs.lively import enliven

    model = torch.nn.Module()
    model.scale = torch.nn.Parameter(1e-6 * torch.ones(16))
    model.negative = torch.nn.Parameter(-1e-6 * torch.ones(16))
    model.gate = torch.nn.Parameter(torch.zeros(1))
    model.norm = torch.nn.LayerNorm(16)
    model.decay = torch.nn.Parameter(torch.arange(1.0, 17.0).log().repeat(4, 1))
    before = model.decay.detach().clone()
    enliven(model, "key")
    assert (model.scale >= 0.4).all()
    assert (model.negative <= -0.4).all()
    assert model.gate.abs() >= 0.4
    assert (model.norm.weight > 0.5).all()
    assert model.norm.bias.std() > 0.1
    assert (model.decay >= before * 0.89).all()
    assert (model.decay <= before * 1.11).all()
    assert not torch.equal(model.decay, before)


def test_statistics_are_drawn_and_derived_tables_are_not():
    import torch

    resnet = handmade.by_name("resnet").build()
    variances = [value for name, value in resnet.named_buffers() if name.endswith("running_var")]
    assert variances
    assert all((value > 0.5).all() and (value != 1).all() for value in variances)
    plain, lively = (handmade.by_name("llama").build(lively=flag) for flag in (False, True))
    assert torch.equal(plain.model.rotary_emb.inv_freq, lively.model.rotary_emb.inv_freq)
    whisper, drawn = (handmade.by_name("whisper").build(lively=flag) for flag in (False, True))
    assert torch.equal(whisper.encoder.embed_positions.weight, drawn.encoder.embed_positions.weight)


def test_ignoring_the_mask_shows():
    """What default weights hide: see DESIGN rule 5."""
    from archsweep.archs import eager
    from archsweep.archs.reference import relative

    made, moved = handmade.by_name("bert"), {}
    for lively in (False, True):
        model, inputs = made.build(lively), made.feed()
        right = eager.run(model, inputs)["last_hidden_state"]
        wrong = eager.run(model, {"input_ids": inputs["input_ids"]})["last_hidden_state"]
        moved[lively] = relative(right, wrong)[0]
    assert moved[True] > 0.05
    assert moved[True] > 5 * moved[False]


def test_a_frozen_norm_that_starts_shut_is_opened():
    import torch

    from archsweep.archs.lively import enliven

    norm = torch.nn.Module()
    for name, value in (("weight", 0.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
        norm.register_buffer(name, torch.full((16,), value))
    enliven(norm, "key")
    assert norm.weight.abs().min() > 0.3


@pytest.mark.parametrize(("activation", "passed_on"), [("swish", True), ("relu", False)])
def test_a_batch_norm_makes_up_for_activations_that_halve_small_signals(activation, passed_on):
    import types

    import torch

    from archsweep.archs.lively import enliven

    model = torch.nn.Sequential(torch.nn.BatchNorm2d(16))
    model.config = types.SimpleNamespace(hidden_act=activation)
    enliven(model, "key")
    assert bool((model[0].running_var < 0.1).all()) is passed_on
    enliven(model, "key", 1)
    gentler = float(model[0].running_var.mean())
    assert 0.2 < gentler < 0.3 if passed_on else 0.8 < gentler < 1.2, "a stack that overflowed is still passed on to"
