"""The tolerance rule, in numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from archsweep.archs import comparison


@pytest.mark.parametrize("dtype", comparison.EPSILON)
def test_the_tolerance_grows_with_the_conditioning_between_floor_and_ceiling(dtype):
    found = [comparison.tolerance(10.0**exponent, dtype) for exponent in range(-12, 2)]
    assert all(low <= high for low, high in pairwise(found))
    assert found[0] == comparison.FLOOR[dtype]
    assert found[-1] == comparison.CEILING[dtype]


def test_a_coarser_dtype_is_allowed_more_and_float32_never_a_percent():
    for bound in (1e-8, 1e-6, 1e-4, 1e-2):
        found = [comparison.tolerance(bound, dtype) for dtype in ("float64", "float32", "float16", "bfloat16")]
        assert found == sorted(found)
    assert max(comparison.CEILING[dtype] for dtype in ("float64", "float32")) * comparison.SAFETY < 0.05
    assert comparison.CEILING["float32"] < 0.01


def test_a_well_conditioned_model_is_held_to_one_in_ten_thousand():
    assert comparison.tolerance(3e-7, "float32") == 1e-4
    assert comparison.tolerance(5e-5, "float32") == pytest.approx(4e-4)
