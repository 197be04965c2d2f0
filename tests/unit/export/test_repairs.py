"""Every repair of graphs: it changes what it is for, the numbers stay on the CPU provider, and it says why."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from archsweep.export import repairs
from archsweep.export.repairs import _edges, transposes_of_few_dimensions

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
np = pytest.importorskip("numpy")

NAMES = [item.name for item in pkgutil.iter_modules(repairs.__path__) if not item.name.startswith("_")]
RANDOM = np.random.default_rng(0)
VALUES = RANDOM.standard_normal((2, 3, 4, 4)).astype("float32")
TIES = np.round(VALUES)
LOW = np.where(RANDOM.random((2, 1, 4, 4)) < 0.5, -np.inf, 0).astype("float32")
LOW[1, 0, 2] = -np.inf


def model(nodes: list[Any], given: dict[str, Any], constants: dict[str, Any]) -> Any:
    helper = onnx.helper
    kinds = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in given.items()}
    inputs = [helper.make_tensor_value_info(name, kinds[name], value.shape) for name, value in given.items()]
    fixed = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("y", 1, None)], fixed)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return onnx.shape_inference.infer_shapes(made)


def run(file: Path, given: dict[str, Any]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # its passes can be wrong
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return session.run(None, given)[0]


def node(*parts: Any, **attributes: Any) -> Any:
    return onnx.helper.make_node(*parts, **attributes)


WIDE = VALUES.reshape(2, 3, 2, 2, 2, 2)
TOLERANCES = {"sines_by_polynomial": 5e-7, "convolutions_of_whole_fours": 5e-6}  # absolute, where not exact
INDICES = RANDOM.integers(0, 8, (2, 1, 3, 2))
SAMPLES: dict[str, list[tuple[list[Any], dict[str, Any], dict[str, Any]]]] = {
    "doubles_as_floats": [
        (
            [node("Cast", ["x"], ["d"], to=11), node("Mul", ["d", "two"], ["e"]), node("Cast", ["e"], ["y"], to=1)],
            {"x": VALUES},
            {"two": np.array(2.0)},
        )
    ],
    "reciprocal_as_division": [([node("Exp", ["x"], ["e"]), node("Reciprocal", ["e"], ["y"])], {"x": VALUES}, {})],
    "masked_rows_by_maximum": [
        (
            [
                node("Add", ["x", "low"], ["z"]),
                node("Softmax", ["z"], ["p"], axis=-1),
                node("IsNaN", ["p"], ["n"]),
                node("Where", ["n", "zero", "p"], ["y"]),
            ],
            {"x": VALUES, "low": LOW},
            {"zero": np.zeros((), "float32")},
        )
    ],
    "gather_by_flat_indices": [
        ([node("Gather", ["x", "i"], ["y"], axis=0)], {"x": VALUES.reshape(8, 12)}, {"i": INDICES}),
        ([node("Gather", ["x", "i"], ["y"], axis=1)], {"x": VALUES.reshape(3, 8, 4), "i": INDICES}, {}),
    ],
    "concatenation_of_something": [
        (
            [
                node("Slice", ["x", "start", "end", "axes"], ["nothing"]),
                node("Concat", ["x", "nothing"], ["y"], axis=3),
            ],
            {"x": VALUES},
            {"start": np.array([4]), "end": np.array([99]), "axes": np.array([3])},
        )
    ],
    "einsum_as_product": [
        (
            [node("Einsum", ["x", "z"], ["y"], equation="BHNK,BGHK->BHNG")],
            {"x": VALUES, "z": RANDOM.standard_normal((2, 5, 3, 4)).astype("float32")},
            {},
        ),
        ([node("Einsum", ["x", "z"], ["y"], equation="...si, ...id -> ...sd")], {"x": VALUES, "z": VALUES}, {}),
    ],
    "masked_rows_as_selection": [
        (
            [
                node("Expand", ["mask", "form"], ["m"]),
                node("NonZero", ["m"], ["places"]),
                node("Transpose", ["places"], ["t"], perm=[1, 0]),
                node("Shape", ["t"], ["s"]),
                node("Gather", ["s", "zero"], ["n"], axis=0),
                node("Reshape", ["source", "flat"], ["f"]),
                node("Slice", ["f", "zero", "n", "zero"], ["part"]),
                node("ScatterND", ["x", "t", "part"], ["y"]),
            ],
            {
                "x": VALUES.reshape(2, 12, 4),
                "mask": RANDOM.random((2, 12, 1)) < 0.5,
                "source": RANDOM.standard_normal((3, 8, 4)).astype("float32"),
            },
            {"form": np.array([2, 12, 4]), "zero": np.array([0]), "flat": np.array([-1])},
        )
    ],
    "casts_by_int32": [
        ([node("Shape", ["x"], ["n"]), node("Cast", ["n"], ["y"], to=1)], {"x": VALUES}, {}),
        (
            [node("Cast", ["x"], ["i"], to=7), node("Greater", ["i", "one"], ["b"]), node("Cast", ["b"], ["y"], to=1)],
            {"x": 9 * VALUES},
            {"one": np.ones((), "int64")},
        ),
    ],
    "division_without_rest": [
        (
            [
                node("Cast", ["x"], ["i"], to=7),
                node("ReduceSum", ["i", "axes"], ["s"], keepdims=0),
                node("Div", ["s", "two"], ["q"]),
                node("Cast", ["q"], ["y"], to=1),
            ],
            {"x": 9 * VALUES},
            {"axes": np.array([1]), "two": np.array(2)},
        )
    ],
    "nan_by_comparison": [
        (
            [node("Log", ["x"], ["n"]), node("IsNaN", ["n"], ["b"]), node("Cast", ["b"], ["y"], to=1)],
            {"x": VALUES},
            {},
        )
    ],
    "convolutions_of_two_dimensions": [
        (
            [node("Conv", ["x", "w", "b"], ["y"], strides=[3, 2, 2], pads=[0, 1, 0, 0, 0, 1])],
            {"x": np.round(9 * VALUES).reshape(2, 1, 3, 4, 4)},
            {"w": RANDOM.integers(-9, 9, (5, 1, 3, 2, 2)).astype("float32"), "b": np.ones(5, "float32")},
        )
    ],
    "largest_by_maxima": [
        ([node("TopK", ["x", "two"], ["y", "i"])], {"x": TIES}, {"two": np.array([2])}),
        (
            [node("TopK", ["x", "two"], ["v", "i"]), node("Cast", ["i"], ["y"], to=1)],
            {"x": TIES},
            {"two": np.array([2])},
        ),
        ([node("TopK", ["x", "two"], ["y", "j"], axis=1, largest=0)], {"x": TIES}, {"two": np.array([2])}),
    ],
    "gather_elements_by_flat_indices": [
        (
            [node("GatherElements", ["x", "i"], ["y"], axis=axis)],
            {"x": VALUES, "i": RANDOM.integers(-size, size, (2, 3, 4, 4) if axis else (5, 3, 4, 4))},
            {},
        )
        for axis, size in ((0, 2), (1, 3), (-1, 4))
    ],
    "scatter_elements_as_selection": [
        (
            [node("ScatterElements", ["x", "i", "u"], ["y"], axis=axis)],
            {
                "x": VALUES,
                "i": RANDOM.permuted(np.tile(np.arange(size).reshape(line), form), axis=axis)[cut] - size,
                "u": RANDOM.standard_normal((2, 3, 4, 4)).astype("float32")[cut],
            },
            {},
        )
        for axis, size, line, form, cut in (
            (1, 3, (1, 3, 1, 1), (2, 1, 4, 4), np.s_[:, :2]),
            (-1, 4, (1, 1, 1, 4), (2, 3, 4, 1), np.s_[:]),
        )
    ],
    "splits_of_something": [
        (
            [node("Split", ["x", "sizes"], outputs, axis=2), node("Neg", ["a"], ["y"])],
            {"x": VALUES},
            {"sizes": np.array(sizes)},
        )
        for sizes, outputs in (([4, 0], ["a", "b"]), ([0, 1, 3], ["b", "a", "c"]))
    ],
    "pads_by_concatenation": [
        (
            [node("Pad", ["x", "pads", *more], ["p"]), node("MaxPool", ["p"], ["y"], kernel_shape=[3, 3])],
            {"x": -np.abs(VALUES)},
            {"pads": np.array(pads), **({"zero": np.zeros((), "float32")} if more else {})},
        )
        for pads, more in (([0, 0, 1, 1, 0, 0, 1, 2], ["zero"]), ([0, 0, 0, 1, 0, 0, 1, 0], []))
    ],
    "operations_of_few_dimensions": [
        ([node("Mul", ["x", "z"], ["y"])], {"x": WIDE}, {"z": WIDE[:1, :, :, :1, :1]}),
        ([node("Sub", ["x", "z"], ["y"])], {"x": WIDE, "z": WIDE[0, 0, 0, 0]}, {}),
        (
            [node("Slice", ["x", "start", "end", "axes"], ["y"])],
            {"x": WIDE},
            {"start": np.array([1, 0]), "end": np.array([2, 1]), "axes": np.array([-1, 2])},
        ),
        ([node("Gather", ["x", "i"], ["y"], axis=3)], {"x": WIDE}, {"i": np.array(1)}),
        ([node("Concat", ["x", "x"], ["y"], axis=-2)], {"x": WIDE}, {}),
        ([node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)], {"x": WIDE}, {"axes": np.array([-1, 2])}),
        ([node("CumSum", ["x", "i"], ["y"])], {"x": VALUES.reshape(2, 3, 1, 4, 4)}, {"i": np.array(-2)}),
        ([node("Expand", ["x", "form"], ["y"])], {"x": WIDE[:, :1]}, {"form": np.array(WIDE.shape)}),
    ],
    "scales_of_one_dimension": [
        (
            [node("Mul", ["x", "third"], ["s"]), node("Softmax", ["s"], ["y"], axis=-2)],
            {"x": VALUES},
            {"third": np.array(1 / 3, "float32")},
        )
    ],
    "casts_of_whole_numbers": [
        (
            [node("Mul", ["x", "x"], ["z"]), node("Cast", ["z"], ["i"], to=7), node("Cast", ["i"], ["y"], to=1)],
            {"x": VALUES},
            {},
        ),
        ([node("Cast", ["x"], ["i"], to=6), node("Cast", ["i"], ["y"], to=1)], {"x": 3 * VALUES}, {}),
    ],
    "reshapes_of_few_dimensions": [
        (
            [node("Reshape", ["x", "wide"], ["w"]), node("Reshape", ["w", "flat"], ["y"])],
            {"x": VALUES},
            {"wide": np.array(WIDE.shape), "flat": np.array([8, 12])},
        )
    ],
    "gather_nd_by_flat_indices": [
        ([node("GatherND", ["x", "i"], ["y"])], {"x": VALUES}, {"i": RANDOM.integers(-2, 2, (3, 5, 2))}),
    ],
    "scatter_of_one_boolean": [
        (
            [
                node("Greater", ["x", "zero"], ["b"]),
                node("ScatterElements", ["b", "i", "all"], ["s"], axis=1),
                node("Cast", ["s"], ["y"], to=1),
            ],
            {"x": VALUES[:, :, 0], "i": RANDOM.integers(0, 3, (2, 2, 4))},
            {"zero": np.zeros((), "float32"), "all": np.full((2, 2, 4), value)},
        )
        for value in (True, False)
    ],
    "convolutions_by_group": [
        (
            [node("Conv", ["x", "w", "b"], ["y"], group=3, pads=[1, 0, 0, 1])],
            {"x": np.round(9 * VALUES)},
            {"w": RANDOM.integers(-9, 9, (15, 1, 2, 2)).astype("float32"), "b": np.arange(15, dtype="float32")},
        ),
    ],
    "slices_of_one_element": [
        (
            [node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])],
            {"x": VALUES},
            {
                "starts": np.array([-1, 0]),
                "ends": np.array([99, 4]),
                "axes": np.array([1, 3]),
                "steps": np.array([2, 2]),
            },
        ),
    ],
    "integer_products_of_one_shape": [
        (
            [
                node("Cast", ["x"], ["whole"], to=onnx.TensorProto.INT64),
                node("Unsqueeze", ["whole", "first"], ["rows"]),
                node("Unsqueeze", ["whole", "second"], ["columns"]),
                node("Mul", ["rows", "columns"], ["product"]),
                node("Cast", ["product"], ["y"], to=onnx.TensorProto.FLOAT),
            ],
            {"x": np.round(9 * VALUES[0, :2, 0])},
            {"first": np.array([1]), "second": np.array([2])},
        )
    ],
    "gathers_of_booleans_as_integers": [
        (
            [
                node("Cast", ["x"], ["b"], to=onnx.TensorProto.BOOL),
                node("Gather", ["b", "i"], ["g"], axis=2),
                node("Cast", ["g"], ["y"], to=onnx.TensorProto.FLOAT),
            ],
            {"x": np.maximum(VALUES, 0)},
            {"i": np.array([3, 1, 2, 1])},
        )
    ],
    "splits_of_many": [
        (
            [
                node("Split", ["x", "sizes"], [f"part{number}" for number in range(9)], axis=1),
                node("Concat", [f"part{number}" for number in range(8, -1, -1)], ["y"], axis=1),
            ],
            {"x": VALUES.reshape(2, 12, 4)},
            {"sizes": np.array([1, 2, 1, 1, 1, 3, 1, 1, 1])},
        )
    ],
    "convolutions_of_whole_fours": [
        (
            [node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1])],
            {"x": VALUES.reshape(1, 6, 4, 4)},
            {"w": RANDOM.standard_normal((4, 6, 3, 3)).astype("float32"), "b": VALUES[0, 0, 0]},
        )
    ],
    "signs_by_comparison": [([node("Sign", ["x"], ["y"])], {"x": TIES}, {})],
    "conjunctions_by_disjunction": [
        (
            [
                node("Cast", ["x"], ["b"], to=onnx.TensorProto.BOOL),
                node("And", ["b", "corner"], ["both"]),
                node("Cast", ["both"], ["y"], to=onnx.TensorProto.FLOAT),
            ],
            {"x": np.maximum(VALUES, 0)},
            {"corner": np.tri(4, dtype=bool)},
        )
    ],
    "squares_as_products": [
        ([node("Pow", ["x", "two"], ["y"])], {"x": VALUES}, {"two": np.array(2, "float32")}),
        ([node("Pow", ["x", "two"], ["y"])], {"x": VALUES}, {"two": np.array([2])}),
    ],
    "softplus_by_exponential": [([node("Softplus", ["x"], ["y"])], {"x": 20 * VALUES}, {})],
    "exponentials_of_bounded_numbers": [
        ([node("Exp", ["x"], ["y"])], {"x": 99 * np.minimum(VALUES, 0)}, {}),
        (
            [node("Clip", ["x", "least"], ["c"]), node("Exp", ["c"], ["y"])],
            {"x": -99 * np.abs(VALUES)},
            {"least": np.array(-99, "float32")},
        ),
    ],
    "einsum_of_constants": [
        (
            [
                node("Shape", ["x"], ["form"]),
                node("Expand", ["c", "form"], ["e"]),
                node("Einsum", ["e", "d"], ["g"], equation="abij,jk->abik"),
                node("Einsum", ["x", "g"], ["y"], equation="abij,abkj->abik"),
            ],
            {"x": VALUES},
            {"c": VALUES[0, 0], "d": VALUES[0, 1]},
        )
    ],
    "weighted_softmax_as_matrix": [
        (
            [
                node("Relu", ["x"], ["r"]),
                node("Softmax", ["r"], ["s"], axis=-1),
                node("MatMul", ["s", "w"], ["m"]),
                node("Add", ["m", "b"], ["y"]),
            ],
            {"x": VALUES},
            {"w": VALUES[0, 0], "b": VALUES[0, 0, 0]},
        )
    ],
    "sines_by_polynomial": [([node(name, ["x"], ["y"])], {"x": 20 * VALUES}, {}) for name in ("Sin", "Cos")],
    "transposes_of_few_dimensions": [
        (
            [
                node("Reshape", ["x", "windows"], ["w"]),
                node("Transpose", ["w"], ["t"], perm=[0, 2, 4, 1, 3, 5]),
                node("Reshape", ["t", "flat"], ["y"]),
            ],
            {"x": VALUES},
            {"windows": np.array([2, 3, 2, 2, 2, 2]), "flat": np.array([8, 12])},
        )
    ],
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_repair_changes_the_graph_and_keeps_the_numbers(name: str, tmp_path: Path) -> None:
    for number, (nodes, given, constants) in enumerate(SAMPLES[name]):
        before, after = tmp_path / f"{number}.onnx", tmp_path / f"{number}.repaired.onnx"
        onnx.save(model(nodes, given, constants), str(before))
        assert repairs.repaired(before, [name], after) == {name: 1}
        onnx.checker.check_model(onnx.load(str(after)), full_check=True)
        np.testing.assert_allclose(run(after, given), run(before, given), rtol=1e-6, atol=TOLERANCES.get(name, 1e-7))
        assert repairs.repaired(after, [name], tmp_path / "again.onnx") == {name: 0}


@pytest.mark.parametrize("name", NAMES)
def test_a_repair_says_why_and_leaves_other_graphs_alone(name: str, tmp_path: Path) -> None:
    assert importlib.import_module(f"{repairs.__name__}.{name}").why
    file = tmp_path / "plain.onnx"
    onnx.save(model([node("Add", ["x", "x"], ["y"])], {"x": VALUES}, {}), str(file))
    assert repairs.repaired(file, [name], tmp_path / "after.onnx") == {name: 0}


@pytest.mark.parametrize("name", NAMES)
def test_a_repair_keeps_the_numbers_beside_nodes_of_every_kind(name: str, tmp_path: Path) -> None:
    """What other repairs are for is there too, and a node that is given nothing."""
    bare = node("Constant", [], ["bare"], value=onnx.numpy_helper.from_array(np.ones(1, "float32")))
    for number, (nodes, given, constants) in enumerate(sample for others in SAMPLES.values() for sample in others):
        before, after = tmp_path / f"{number}.onnx", tmp_path / f"{number}.repaired.onnx"
        onnx.save(model([bare, *nodes, node("Identity", ["bare"], ["beside"])], given, constants), str(before))
        repairs.repaired(before, [name], after)
        wanted = run(before, given)
        np.testing.assert_allclose(run(after, given), wanted, rtol=1e-6, atol=1e-5)


def test_a_selection_among_booleans_is_not_made_for_the_cpu_has_none(tmp_path: Path) -> None:
    nodes, given, constants = SAMPLES["scatter_of_one_boolean"][0]
    file = tmp_path / "booleans.onnx"
    onnx.save(model(nodes, given, constants), str(file))
    assert repairs.repaired(file, ["scatter_elements_as_selection"], tmp_path / "after.onnx") == {
        "scatter_elements_as_selection": 0
    }


@pytest.mark.parametrize(
    ("form", "order"),
    [
        ((2, 8, 7, 8, 7, 8), (0, 1, 3, 2, 4, 5)),
        ((2, 3, 4, 5, 6, 2), (5, 3, 1, 0, 2, 4)),
        ((1, 2, 1, 3, 1, 4), (5, 4, 3, 2, 1, 0)),
        ((2, 3, 2, 3, 2, 3, 2), (6, 0, 5, 1, 4, 2, 3)),
        ((1, 1, 1, 1, 1, 1), (5, 4, 3, 2, 1, 0)),
    ],
)
def test_steps_permute_as_the_transpose_does(form: tuple[int, ...], order: tuple[int, ...]) -> None:
    given = np.arange(np.prod(form)).reshape(form)
    now = given
    for merged, permutation in transposes_of_few_dimensions.steps(form, order):
        assert len(merged) <= transposes_of_few_dimensions.MOST
        now = now.reshape(merged).transpose(permutation)
    assert (now.ravel() == given.transpose(order).ravel()).all()


def test_shapes_and_kinds_are_known_behind_weights_too_large_to_say_a_shape() -> None:
    weights = np.zeros((4, 2 * _edges.FEW), "float32")
    whole = model([node("MatMul", ["x", "w"], ["z"]), node("Neg", ["z"], ["y"])], {"x": VALUES}, {"w": weights})
    del whole.graph.value_info[:]
    assert _edges.shapes(whole)["z"] == (2, 3, 4, 2 * _edges.FEW)
    assert _edges.shapes(whole)["w"] == weights.shape
    assert _edges.kinds(whole)["z"] == onnx.TensorProto.FLOAT
    assert [item.name for item in whole.graph.initializer] == ["w"]
