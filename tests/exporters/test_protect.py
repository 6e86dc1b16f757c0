from __future__ import annotations

import numpy as np
import pytest
from parity import assert_twin_equal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from onnxtwin.exporters import export_graph

ROWS = np.array([[0.0], [1.0], [3.0], [-0.1], [1e-310], [1e300]])


@pytest.mark.parametrize("number", [1 + 2**-52, 1 - 2**-53, 1 + 2**-30, 1.000000001, 1 - 2**-25])
@pytest.mark.parametrize("operator", ["*", "/"])
def test_a_factor_that_float32_rounds_to_one_is_kept(operator: str, number: float) -> None:
    def scaled(X: np.ndarray) -> np.ndarray:
        scaled = -X * number if operator == "*" else -X / number
        return scaled + X

    assert (scaled(ROWS) != 0).any()
    assert_twin_equal(FunctionTransformer(scaled).fit(ROWS), ROWS)


@pytest.mark.parametrize("number", [5e-324, np.finfo(np.float64).tiny, 1e-46, -1e-200])
@pytest.mark.parametrize("operator", ["+", "-"])
def test_a_summand_that_float32_rounds_to_zero_is_kept(operator: str, number: float) -> None:
    def moved(X: np.ndarray) -> np.ndarray:
        moved = -X + number if operator == "+" else -X - number
        return np.sign(moved) + np.sign(X)

    assert (moved(ROWS) != np.sign(-ROWS) + np.sign(ROWS)).any()
    assert_twin_equal(FunctionTransformer(moved).fit(ROWS), ROWS)


def test_a_scaler_whose_scale_is_nearly_one_scales() -> None:
    X = np.array([[-1.0], [1.0]]) * (1 + 2**-40)
    scaler = StandardScaler().fit(X)
    assert scaler.scale_[0] != 1
    assert np.float32(scaler.scale_[0]) == 1
    # What follows magnifies the difference.
    pipeline = make_pipeline(scaler, FunctionTransformer(lambda X: (X - 1) * 1e12)).fit(X)
    assert_twin_equal(pipeline, X, np.array([[1.0], [2.0], [-1.0]]))


def test_a_probability_of_zero_has_the_logarithm_of_the_smallest_normal_number() -> None:
    X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.5]])
    model = LinearDiscriminantAnalysis().fit(X, [0, 0, 1, 1, 2, 2])
    rows = np.array([[1e6], [-1e6], [2.0]])
    assert model.predict_log_proba(rows).min() == np.log(np.finfo(np.float64).tiny)
    assert_twin_equal(model, X, rows, methods="all")


def test_ordinary_constants_cost_no_node() -> None:
    graph = export_graph(FunctionTransformer(lambda X: (X * 2 + 1) / 3 - 1).fit(ROWS), ROWS).model.graph
    assert "Expand" not in {node.op_type for node in graph.node}
