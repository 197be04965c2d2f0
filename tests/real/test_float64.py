"""A float64 pass computes in float64, also where the model's code asks for float32."""

from __future__ import annotations

import handmade
import pytest
import torch

from archsweep.archs import eager, float64


class Caster(torch.nn.Module):
    """Casts to float32 in every way that models do."""

    def __init__(self):
        super().__init__()
        self.table = torch.full((4,), 1 / 3)

    def forward(self, x):
        y = torch.softmax(x, -1, dtype=torch.float32)
        y = y * x.float() + x.to(torch.float32) + x.type(torch.float32) + x.to(dtype=torch.bfloat16)
        y = y + torch.zeros(4, dtype=torch.float32) + torch.arange(4, dtype=torch.float32) + torch.tensor(0.1)
        y = y + x.half() + torch.full_like(x, 0.1, dtype=torch.float32) + self.table + x.new_tensor([0.1])
        y = torch.nn.functional.softmax(y, dim=-1, dtype=torch.float32).to(x.dtype)
        return {"y": y, "z": torch.view_as_real(torch.polar(x.float(), y) * torch.ones(4, dtype=torch.complex64))}


def exact(x):
    """The same in plain float64."""
    third = torch.full((4,), 1 / 3, dtype=torch.float32).double()
    y = torch.softmax(x, -1) * x + 3 * x + torch.arange(4).double() + 0.1 + x + 0.1 + third + 0.1
    return torch.softmax(y, -1)


def test_no_cast_loses_a_digit():
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    found = float64.run(float64.convert(Caster()), {"x": x})
    assert found["y"].dtype == found["z"].dtype == torch.float64
    assert (found["y"] - exact(x.double())).abs().max() < 1e-15
    assert torch.get_default_dtype() == torch.float32


def test_both_widths_see_the_same_random_numbers():
    class Drawer(torch.nn.Module):
        def forward(self, x):
            noise = torch.randn_like(x) + torch.rand(4) + torch.empty(4).normal_() + torch.normal(x, x.abs())
            return noise + torch.bernoulli(torch.full((4,), 0.5)) + torch.randint(0, 9, (4,)) + torch.randn(4).to(x)

    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    drawn = eager.Drawn()
    narrow = eager.run(Drawer(), {"x": x})["output"]
    wide = float64.run(Drawer(), {"x": x}, drawn)["output"]
    assert drawn.numbers
    assert wide.dtype == torch.float64
    assert (narrow - wide).abs().max() < 1e-5


def test_grouped_products_have_a_float64_form():
    rows = torch.randn(8, 16, generator=torch.Generator().manual_seed(1))
    weights = torch.randn(3, 16, 8, generator=torch.Generator().manual_seed(2))
    offsets = torch.tensor([2, 2, 7], dtype=torch.int32)
    if not hasattr(torch, "_grouped_mm"):
        pytest.skip("this torch has no grouped product")

    class Grouped(torch.nn.Module):
        def forward(self, rows, weights):
            return torch._grouped_mm(rows, weights, offs=offsets)

    narrow = eager.run(Grouped(), {"rows": rows, "weights": weights})["output"]
    wide = float64.run(Grouped(), {"rows": rows, "weights": weights})["output"]
    assert wide.dtype == torch.float64
    torch.testing.assert_close(narrow[:7].double(), wide[:7], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["llama", "mixtral", "t5", "qwen2_vl", "mamba", "gpt_oss"])
def test_real_models_agree_far_below_float32(name):
    """Weights moved by 1e-12 move the outputs by as little: a float32 in between would swallow it or jump by 1e-7."""
    made = handmade.by_name(name)
    model = float64.convert(made.build())
    before = float64.run(model, made.feed())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + 1e-12)
    after = float64.run(model, made.feed())
    for path, value in before.items():
        assert not value.is_floating_point() or value.dtype == torch.float64, path
        if value.is_floating_point() and value.numel():
            change = ((value - after[path]).norm() / value.norm()).item()
            assert change < 1e-9, path
    assert any((value - after[path]).norm() > 0 for path, value in before.items() if value.is_floating_point())


def test_masks_absorb_in_float64_what_they_absorb_in_float32():
    class Masked(torch.nn.Module):
        def forward(self, x, mask):
            return {
                "where": torch.softmax(x + torch.where(mask > 0, 0.0, -1e10), -1),
                "filled": torch.softmax(x + torch.zeros(3, 5).masked_fill(mask == 0, -1e9), -1),
                "product": torch.softmax(x + (1.0 - mask) * -10000.0, -1),
                "logits": x.masked_fill(mask == 0, -1e9),
                "integers": torch.full((2,), -100000) + torch.tensor([1, 2]).masked_fill(torch.ones(2) > 0, -20000),
            }

    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(3, 5)
    mask[1], mask[2, 3:] = 0, 0
    narrow, wide = eager.run(Masked(), {"x": x, "mask": mask}), float64.run(Masked(), {"x": x, "mask": mask})
    assert wide["where"][1].tolist() == pytest.approx([0.2] * 5, abs=1e-15)
    for path, value in narrow.items():
        assert (value - wide[path]).abs().max() < 1e-6, path
    assert torch.equal(wide["logits"][1], torch.full((5,), -1e9, dtype=torch.float64))


@pytest.mark.parametrize("name", ["llama", "normed"])
def test_a_model_comes_back_from_float64_bit_for_bit(name):
    """Also plain tensors among its attributes, tied and normed weights, and buffers."""
    model = handmade.by_name(name).build() if name == "llama" else None
    if model is None:
        layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(3, 4, 3))
        model = torch.nn.Sequential(layer, torch.nn.LSTM(4, 4), torch.nn.BatchNorm1d(4)).eval()
    model.table = torch.ones(3)
    before = {path: item.clone() for path, item in model.state_dict().items()}
    identities = [id(item) for item in model.parameters()]
    with float64.converted(model) as wide:
        assert {item.dtype for item in wide.parameters()} == {torch.float64}
        assert wide.table.dtype == torch.float64
    assert model.table.dtype == torch.float32
    assert identities == [id(item) for item in model.parameters()]
    after = model.state_dict()
    assert list(after) == list(before)
    for path, item in before.items():
        assert item.dtype == after[path].dtype and torch.equal(item, after[path]), path
