"""The parity check: notices what is wrong, wherever it is, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import handmade
import pytest
import torch

from archsweep.archs import comparison, eager, reference
from archsweep.contract import Reference, Status

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
SUBJECT = SimpleNamespace(id="any/Model")


def _held(outputs, bound=1e-7, outputs32=None):
    wide = {path: value.double() if value.is_floating_point() else value for path, value in outputs.items()}
    bounds = {path: bound for path, value in outputs.items() if value.is_floating_point()}
    return Reference(key="k", outputs=wide, outputs32=outputs32 or outputs, bound=bounds)


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _verdict(value, wrong, dtype="float32", **more):
    return comparison.compare(_held({"a": _noise(4), "y": value}, **more), {"a": _noise(4), "y": wrong}, dtype)


@pytest.mark.parametrize("made", handmade.everything(), ids=lambda made: made.name)
def test_the_cpu_agrees_with_its_reference(made):
    held = reference.obtain(SUBJECT, "", made.build, made.feed())
    verdict = comparison.compare(held, eager.run(made.build(), made.feed()), "float32")
    assert verdict.status is Status.PASS, verdict.message
    assert verdict.metrics["outputs_compared"] == len(held.outputs)


def test_the_worst_output_its_place_and_its_distance_are_reported():
    value = _noise(3, 5)
    wrong = value.clone()
    wrong[1, 2] += 0.5
    verdict = _verdict(value, wrong)
    assert verdict.status is Status.FAIL
    assert verdict.message.startswith("y at [1, 2]: relative error")
    worst = verdict.details["worst"][0]
    assert worst["position"] == [1, 2]
    assert worst["relative"] == pytest.approx(0.5 / float(value.double().norm()), rel=1e-3)
    assert verdict.metrics["worst_relative"] == worst["relative"]


@pytest.mark.parametrize("offset", [0.99, 1.00001, 1.01])
def test_a_small_factor_is_noticed(offset):
    close = abs(offset - 1) < 1e-4
    assert _verdict(_noise(50), _noise(50) * offset).status is (Status.PASS if close else Status.FAIL)


def test_one_wrong_row_in_a_large_output_does_not_hide():
    value = _noise(100_000)
    wrong = value.clone()
    wrong[7] += 0.01  # relative L2 of 3e-5 lies below the tolerance
    assert _verdict(value, wrong).status is Status.FAIL


def test_rounding_of_the_dtype_passes_and_a_coarser_one_does_not():
    value = _noise(1000)
    assert _verdict(value, value.half().float(), "float16").status is Status.PASS
    assert _verdict(value, value.bfloat16().float(), "bfloat16").status is Status.PASS
    assert _verdict(value, value.half().float(), "float32").status is Status.FAIL
    assert _verdict(value, value * 1.2, "bfloat16").status is Status.FAIL


def test_infinities_and_fill_values_must_stand_where_they_stand():
    value = _noise(40)
    value[3], value[5], value[6], value[8] = -torch.inf, torch.finfo(torch.float32).min, torch.inf, -1e9
    assert _verdict(value, value).status is Status.PASS
    for position, other in ((3, 0.0), (3, torch.inf), (5, 1.0), (6, -torch.inf), (4, -torch.inf), (8, 0.0), (9, -1e9)):
        wrong = value.clone()
        wrong[position] = other
        verdict = _verdict(value, wrong)
        assert verdict.status is Status.FAIL, (position, other)
    scaled = torch.where(value.abs() > 1e8, value, value * 1.01)
    assert _verdict(value, scaled).status is Status.FAIL  # the huge values do not drown the rest


def test_nan_is_never_right():
    value = _noise(10)
    wrong = value.clone()
    wrong[4] = torch.nan
    verdict = _verdict(value, wrong)
    assert verdict.status is Status.FAIL
    assert "NaN" in verdict.message
    assert "[4]" in verdict.message


def test_zeros_are_compared_absolutely():
    zeros = torch.zeros(20)
    assert _verdict(zeros, zeros + 1e-10).status is Status.PASS
    assert _verdict(zeros, zeros + 1e-3).status is Status.FAIL


def test_discrete_outputs_are_equal_where_the_cpu_is_sure():
    value = torch.tensor([1, 2, 3, 4])
    unsure = {"a": _noise(4), "y": torch.tensor([1, 2, 3, 9])}
    assert _verdict(value, torch.tensor([1, 2, 3, 9])).status is Status.FAIL
    verdict = _verdict(value, torch.tensor([1, 2, 3, 9]), outputs32=unsure)
    assert verdict.status is Status.PASS
    assert verdict.metrics["undecided"] == 1
    assert _verdict(value, torch.tensor([1, 2, 5, 9]), outputs32=unsure).status is Status.FAIL
    assert _verdict(value > 2, value > 3).status is Status.FAIL


def test_shapes_kinds_and_missing_outputs():
    value = _noise(2, 3)
    assert "shape (3, 2)" in _verdict(value, value.T).message
    assert "dtype" in _verdict(value, value.int()).message
    missing = comparison.compare(_held({"y": value, "z": value}), {"y": value}, "float32")
    assert missing.status is Status.FAIL
    assert "z" in missing.message
    extra = comparison.compare(_held({"y": value}), {"y": value, "z": value}, "float32")
    assert extra.details["extra"] == ["z"]
    assert (extra.status, "lacks" in extra.message, ": z" in extra.message) == (Status.FAIL, True, True)
    assert (
        comparison.compare(_held({"y": value}), {"y": value, "count": torch.tensor(3)}, "float32").status is Status.PASS
    )
    assert comparison.compare(_held({}), {}, "float32").status is Status.FAIL


def test_every_tensor_of_bert_scaled_by_a_tenth_is_noticed_and_defaults_hide_it():
    import mutation_score
    from tiny_subjects import Tiny

    made = handmade.by_name("bert")
    lively = mutation_score.score(Tiny(id="bert", make_model=made.build, make_inputs=made.feed))
    assert lively["score"] == 1
    assert set(lively["inert"]) == {f"encoder.layer.{layer}.attention.self.key.bias" for layer in (0, 1)}
    plain = mutation_score.score(Tiny(id="bert", make_model=lambda: made.build(False), make_inputs=made.feed))
    assert plain["score"] < 0.8


def test_every_input_of_a_text_and_image_model_moves_its_outputs():
    import input_sensitivity
    from tiny_subjects import Tiny

    made = handmade.by_name("clip")
    found = input_sensitivity.sensitivity(Tiny(id="clip", make_model=made.build, make_inputs=made.feed))
    assert found == {"inputs": dict.fromkeys(made.feed(), "moves"), "idle": []}
