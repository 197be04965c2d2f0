"""IsNaN said as a comparison finds the same elements."""

from __future__ import annotations

import pytest

from archsweep.export.repairs import nan_by_comparison


def test_the_same_elements_are_not_numbers() -> None:
    onnx, numpy = pytest.importorskip("onnx"), pytest.importorskip("numpy")
    runtime = pytest.importorskip("onnxruntime")
    make, kinds = onnx.helper, onnx.TensorProto
    graph = make.make_graph(
        [make.make_node("Neg", ["x"], ["y"]), make.make_node("IsNaN", ["y"], ["found"])],
        "g",
        [make.make_tensor_value_info("x", kinds.FLOAT, [4])],
        [make.make_tensor_value_info("found", kinds.BOOL, [4])],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=9)
    given = {"x": numpy.array([1.0, numpy.nan, numpy.inf, 0.0], numpy.float32)}
    answers = []
    for count in (1, 0):
        session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        answers.append(session.run(None, given)[0].tolist())
        assert nan_by_comparison.apply(model) == count
    assert answers == [[False, True, False, False]] * 2
    assert "IsNaN" not in [node.op_type for node in model.graph.node]
    onnx.checker.check_model(model)
