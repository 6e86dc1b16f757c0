"""What constants decide is decided at export; the answers stay the pipeline's, to the last bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from parity import assert_twin_equal
from sklearn.preprocessing import FunctionTransformer

from onnxtwin.exporters import export_graph, finish, fold

LEAST, MOST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
WHOLE = np.array([[0], [1], [-1], [6], [7], [-7], [-8], [MOST], [LEAST], [LEAST + 1]], dtype=np.int64)
REAL = np.array([[0.0], [-0.0], [2.5], [-2.5], [1e308], [-1e308], [5e-324], [np.inf], [-np.inf], [np.nan]])

Function = Callable[[np.ndarray], np.ndarray]


def operators(function: Function, rows: np.ndarray) -> Counter[str]:
    """How often each operator stands in the graph of ``function``."""
    graph = export_graph(FunctionTransformer(function).fit(rows), rows).model.graph
    return Counter(node.op_type for node in graph.node)


@pytest.mark.parametrize("divisor", [1, 2, 7, MOST, -1, -7, LEAST, 0])
def test_a_division_by_any_constant_answers_as_numpy_does(divisor: int) -> None:
    def divided(X: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.column_stack([X // divisor, X % divisor, np.fmod(X, divisor)])

    assert_twin_equal(FunctionTransformer(divided).fit(WHOLE), WHOLE)


@pytest.mark.parametrize("divisors", [[2, 7], [-1, 7], [0, -3]])
def test_a_division_by_a_constant_a_column_answers_as_numpy_does(divisors: list[int]) -> None:
    def divided(X: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.column_stack([X // np.array(divisors), X % np.array(divisors)])

    rows = np.hstack([WHOLE, WHOLE[::-1]])
    assert_twin_equal(FunctionTransformer(divided).fit(rows), rows)


@pytest.mark.parametrize("divisor", [2.5, -0.7, np.inf, 0.0, 5e-324, np.nan])
def test_a_division_of_floats_by_any_constant_answers_as_numpy_does(divisor: float) -> None:
    def divided(X: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.column_stack([X // divisor, X % divisor])

    assert_twin_equal(FunctionTransformer(divided).fit(REAL), REAL)


def negated(X: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return X // -1


def test_a_floor_division_by_a_positive_constant_asks_nothing_of_the_divisor() -> None:
    assert operators(lambda X: X // 7, WHOLE) == {"Div": 1, "Mul": 1, "Greater": 1, "Cast": 1, "Sub": 1}


def test_a_remainder_of_a_positive_constant_is_one_operator() -> None:
    assert operators(lambda X: X % 7, WHOLE) == {"Mod": 1}


def test_a_division_by_minus_one_is_a_change_of_sign() -> None:
    assert "Where" not in operators(negated, WHOLE)


def test_a_division_of_floats_by_a_constant_asks_nothing_of_the_divisor() -> None:
    finite = REAL[np.isfinite(REAL)].reshape(-1, 1)
    graph = export_graph(FunctionTransformer(lambda X: X // 2.5).fit(finite), finite).model.graph
    constants = {tensor.name for tensor in graph.initializer}
    assert not [node for node in graph.node if set(node.input) <= constants]
    assert not [node for node in graph.node if node.op_type == "Where" and node.input[0] in constants]


def model(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> onnx.ModelProto:
    """A graph from ``x`` (double ``[N, 2]``) to ``y``."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["N", 2])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["N", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def folded(made: onnx.ModelProto) -> list[str]:
    """The operators left, after the answers have been compared with those before."""
    x = np.array([[1.0, -2.0], [np.nan, np.inf], [-0.5, 3.0]])
    before = finish.evaluate(made, {"x": x})[0]
    finish.merge(made)
    np.testing.assert_array_equal(finish.evaluate(made, {"x": x})[0], before)
    return [node.op_type for node in made.graph.node]


def test_a_choice_among_constants_is_a_constant() -> None:
    choice = helper.make_node("Where", ["never", "wide", "one"], ["chosen"])
    left = folded(
        model(
            [
                choice,
                helper.make_node("Add", ["x", "chosen"], ["moved"]),
                helper.make_node("Neg", ["moved"], ["y"]),
            ],
            never=np.array(False),
            wide=np.zeros((1, 2)),
            one=np.array(1.0),
        )
    )
    assert left == ["Add", "Neg"]


def test_a_scalar_is_not_taken_in_the_place_of_rows() -> None:
    left = folded(
        model(
            [helper.make_node("Where", ["always", "one", "x"], ["y"])],
            always=np.array(True),
            one=np.array(1.0),
        )
    )
    assert left == ["Where"]


def test_rows_are_taken_where_the_other_branch_has_as_many() -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["turned"]),
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("Where", ["never", "turned", "size"], ["chosen"]),
        helper.make_node("Sqrt", ["chosen"], ["y"]),
    ]
    made = model(nodes, never=np.array(False))
    assert folded(made) == ["Neg", "Abs", "Sqrt"]
    finish.drop_unused(made.graph)
    assert [node.op_type for node in made.graph.node] == ["Abs", "Sqrt"]


def test_a_choice_that_differs_by_column_stays() -> None:
    made = model(
        [
            helper.make_node("Neg", ["x"], ["turned"]),
            helper.make_node("Where", ["some", "turned", "x"], ["y"]),
        ],
        some=np.array([True, False]),
    )
    assert folded(made) == ["Neg", "Where"]


def test_a_choice_that_is_the_answer_keeps_the_answers_name() -> None:
    made = model(
        [
            helper.make_node("Neg", ["x"], ["turned"]),
            helper.make_node("Where", ["always", "turned", "x"], ["y"]),
        ],
        always=np.array([[True]]),
    )
    assert folded(made) == ["Neg", "Identity"]


def test_a_loop_reads_the_branch_that_is_taken() -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["held", "chosen"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.DOUBLE, ["N", 2]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.DOUBLE, ["N", 2]),
        ],
    )
    made = model(
        [
            helper.make_node("Where", ["always", "x", "one"], ["chosen"]),
            helper.make_node("Loop", ["times", "", "x"], ["y"], body=body),
        ],
        always=np.array(True),
        one=np.array(1.0),
        times=np.array(3),
    )
    assert folded(made) == ["Loop"]


@pytest.mark.parametrize("divisor", [0, -1])
def test_a_constant_division_that_could_end_the_process_is_left_alone(divisor: int) -> None:
    divide = helper.make_node("Div", ["least", "divisor"], ["quotient"])
    made = model(
        [divide, helper.make_node("Neg", ["x"], ["y"])], least=np.array(LEAST), divisor=np.array(divisor)
    )
    fold.constants(made.graph, made.opset_import, finish.evaluate)
    assert [node.op_type for node in made.graph.node] == ["Div", "Neg"]


def test_a_large_constant_is_left_to_the_runtime() -> None:
    nodes = [
        helper.make_node("Neg", ["table"], ["turned"]),
        helper.make_node("Gather", ["turned", "first"], ["row"]),
        helper.make_node("Add", ["x", "row"], ["y"]),
    ]
    assert folded(model(nodes, table=np.ones((4000, 2)), first=np.array([0]))) == ["Neg", "Gather", "Add"]
