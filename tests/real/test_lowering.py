"""Each operation that is said with others gives torch's own numbers."""

import copy

import pytest
import torch

from archsweep.export import flat, pairs


def same(function, *arguments):
    """`function` flattened gives what it gives itself; and no operation of the table is left in it."""
    module = Called(function)
    arguments = tuple(item.clone() for item in arguments)
    with torch.no_grad():
        found = flat.flatten(copy.deepcopy(module), arguments)(*arguments)
        torch.testing.assert_close(found, function(*arguments), rtol=2e-5, atol=2e-5)


class Called(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *given):
        return self.function(*given)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(3)


def rotary(value, angle):
    turned = torch.view_as_complex(value.reshape(2, 5, 4, 2)) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).flatten(2)


def written(value):
    value = value.clone()
    value[:, 1:3] = value[:, 3:5] * 2
    value[0] += 1
    value[:, ::2] = 0.5
    return value


FUNCTIONS = {
    "rotary embedding": (rotary, (torch.rand(2, 5, 8), torch.rand(2, 5, 4))),
    "writes": (written, (torch.rand(3, 6),)),
    "mask": (
        lambda value, mask, rows: value.masked_scatter(mask[..., None], rows),
        (torch.rand(2, 4, 3), torch.rand(2, 4) > 0.5, torch.rand(8, 3)),
    ),
    "overlapping windows": (lambda value: value.transpose(0, 1).as_strided((3, 4), (2, 1)), (torch.rand(3, 4),)),
    "unfold": (lambda value: value.unfold(1, 4, 2), (torch.rand(2, 9),)),
    "grid": (
        lambda value, grid: torch.nn.functional.grid_sample(value, grid, align_corners=False),
        (torch.rand(2, 3, 5, 6), torch.rand(2, 4, 4, 2) * 2.6 - 1.3),
    ),
    "grid, nearest": (
        lambda value, grid: torch.nn.functional.grid_sample(value, grid, mode="nearest", align_corners=True),
        (torch.rand(2, 3, 5, 6), torch.rand(2, 4, 4, 2) * 2 - 1),
    ),
    "grid, bicubic": (
        lambda value, grid: torch.nn.functional.grid_sample(
            value, grid, mode="bicubic", padding_mode="border", align_corners=False
        ),
        (torch.rand(2, 3, 5, 6), torch.rand(2, 4, 4, 2) * 2.6 - 1.3),
    ),
    "grid, bicubic in zeros": (
        lambda value, grid: torch.nn.functional.grid_sample(value, grid, mode="bicubic", align_corners=True),
        (torch.rand(2, 3, 5, 6), torch.rand(2, 4, 4, 2) * 2.6 - 1.3),
    ),
    "bilinear": (
        lambda value: torch.nn.functional.interpolate(value, (3, 5), mode="bilinear", antialias=True),
        (torch.rand(2, 3, 7, 9),),
    ),
    "bicubic": (
        lambda value: torch.nn.functional.interpolate(value, (11, 5), mode="bicubic", antialias=True),
        (torch.rand(2, 3, 7, 9),),
    ),
    "grouped attention": (
        lambda q, k, v: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
        (torch.rand(2, 4, 5, 8), torch.rand(2, 2, 5, 8), torch.rand(2, 2, 5, 8)),
    ),
    "spectrum": (lambda value: torch.fft.rfft(value).abs(), (torch.rand(2, 9),)),
    "there and back": (lambda value: torch.fft.irfft(torch.fft.rfft(value), n=8), (torch.rand(2, 8),)),
    "there and back, odd": (lambda value: torch.fft.irfft(torch.fft.rfft(value), n=9), (torch.rand(2, 9),)),
    "expm1": (torch.expm1, (torch.linspace(-5, 5, 40),)),
    "isin": (lambda value: torch.isin(value, torch.tensor([1, 4])), (torch.arange(6),)),
    "distance": (torch.cdist, (torch.rand(2, 5, 3), torch.rand(2, 4, 3))),
    "group norm": (lambda value: torch.nn.functional.group_norm(value, 2), (torch.rand(2, 4, 5),)),
    "root mean square": (lambda value: torch.nn.functional.rms_norm(value, (5,)), (torch.rand(2, 5),)),
    "sums of bags": (
        lambda table, places, weights: torch.nn.functional.embedding_bag(
            places, table, torch.tensor([0, 2, 2]), mode="sum", per_sample_weights=weights
        ),
        (torch.rand(6, 3), torch.tensor([1, 5, 0, 2, 2]), torch.rand(5)),
    ),
    "means of bags": (
        lambda table, places: torch.nn.functional.embedding_bag(places, table, torch.tensor([0, 2, 2])),
        (torch.rand(6, 3), torch.tensor([1, 5, 0, 2, 2])),
    ),
    "largest so far": (lambda value: torch.cummax(value, 1)[0], (torch.rand(2, 7),)),
    "smallest so far, of integers": (lambda value: torch.cummin(value, 0)[0], (torch.randint(0, 9, (7, 2)),)),
    "asinh": (torch.asinh, (torch.linspace(-5, 5, 41),)),
    "log of the sigmoid": (torch.nn.functional.logsigmoid, (torch.linspace(-5, 5, 41),)),
    "a constant beside": (lambda value: (value * 2, torch.arange(4) + 1), (torch.rand(3),)),
    "filled with a boolean": (
        lambda value: torch.full_like(value, True, dtype=torch.bool) & (value > 0.5),
        (torch.rand(5),),
    ),
    "rows put at places": (
        lambda value, rows: value.index_put((torch.tensor([3, 1]), torch.tensor([0, 2])), rows),
        (torch.rand(4, 3), torch.rand(2)),
    ),
    "interpolated": (
        lambda value: torch.nn.functional.interpolate(value, scale_factor=2.0, mode="bilinear", align_corners=False),
        (torch.rand(2, 3, 4, 5),),
    ),
    "largest of windows": (lambda value: torch.nn.functional.max_pool2d(value, 3, 2, 1), (torch.rand(2, 3, 7, 9),)),
    "enlarged": (
        lambda value: torch.nn.functional.interpolate(value, scale_factor=2.0, mode="nearest"),
        (torch.rand(2, 3, 4, 5),),
    ),
    "chosen booleans": (lambda value: torch.where(value > 0.3, value > 0.7, value < 0.1), (torch.rand(9),)),
    "mean of a small image": (
        lambda value: torch.nn.functional.avg_pool2d(value, 9, ceil_mode=True),
        (torch.rand(2, 3, 4, 5),),
    ),
    "means of windows": (lambda value: torch.nn.functional.avg_pool2d(value, 3, 2, 1), (torch.rand(2, 3, 7, 9),)),
    "spectrum of two dimensions": (lambda value: torch.fft.fftn(value, dim=(1, 2)).real, (torch.rand(2, 5, 6),)),
    "spectrum and back": (
        lambda value: torch.fft.ifft(torch.fft.fft(value, norm="ortho"), norm="ortho").real,
        (torch.rand(2, 7),),
    ),
    "means of uneven windows": (
        lambda value: torch.nn.functional.adaptive_avg_pool2d(value, (3, 2)),
        (torch.rand(2, 3, 7, 5),),
    ),
    "vectorised": (torch.vmap(lambda value: value.sum() * 2), (torch.rand(4, 3),)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_numbers(name):
    function, arguments = FUNCTIONS[name]
    same(function, *arguments)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular(upper, unit):
    matrix = torch.eye(7) * 2 + torch.rand(2, 7, 7) / 2
    matrix = matrix.triu() if upper else matrix.tril()
    if unit:
        matrix = matrix - torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1)) + torch.eye(7)
    same(lambda a, b: torch.linalg.solve_triangular(a, b, upper=upper, unitriangular=unit), matrix, torch.rand(2, 7, 3))


def test_batch_norm_in_training():
    same(lambda value: torch.nn.functional.batch_norm(value, None, None, training=True), torch.rand(4, 3, 5))


def test_scatter_without_self():
    index = torch.tensor([[0, 1, 1], [2, 0, 0]])
    for way in ("amax", "amin"):
        same(
            lambda a, b, way=way: a.scatter_reduce(1, index, b, way, include_self=False),
            torch.rand(2, 4),
            torch.rand(2, 3),
        )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_constants_are_found_once():
    module = flat.flatten(Called(lambda value: value + torch.arange(3).cumsum(0)), (torch.rand(3),))
    with torch.no_grad():
        traced = torch.jit.trace(module, (torch.rand(3),), check_trace=False)
    assert "cumsum" not in str(traced.inlined_graph)


def test_no_other_form_names_the_operator():
    with pytest.raises(NotImplementedError, match="aten::solve"):
        pairs.with_pairs("solve", None, (pairs.Pair(1, 2),), {})
