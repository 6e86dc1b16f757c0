"""What the bridge takes over of rows of doubles: graphs in double, or in single where the class narrows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from parity import assert_twin_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from onnxtwin.exporters.errors import UnsupportedError
from onnxtwin.exporters.export import export_graph

X = np.round(np.random.default_rng(0).normal(size=(60, 2)), 1)
Y = (X[:, 0] > 0.05).astype(np.int64)
CUT = 0.05


class Comparing(RegressorMixin, BaseEstimator):
    """Compares each row in double, as LightGBM does."""

    def fit(self, X: Any, y: Any) -> Comparing:
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any) -> Any:
        return np.array([int(float(row[0]) > CUT) for row in X])


class Narrowing(Comparing):
    """Narrows its rows first, as XGBoost does."""

    def predict(self, X: Any) -> Any:
        return np.array([int(float(np.float32(float(row[0]))) > CUT) for row in X])


Narrowing.__module__ = "xgboost.sklearn"


class Overriding(Narrowing):
    """Of a narrowing package, but with a method of its own."""

    def predict(self, X: Any) -> Any:
        return np.array([int(float(row[0]) > CUT) for row in X])


def by_cast(scope: Any, operator: Any, container: Any) -> None:
    from skl2onnx.algebra.onnx_ops import OnnxCast, OnnxGreater, OnnxSlice

    first = OnnxSlice(operator.inputs[0], np.array([0]), np.array([1]), np.array([1]), op_version=20)
    narrowed = OnnxCast(first, to=1, op_version=20)
    above = OnnxGreater(narrowed, np.array([CUT], np.float32), op_version=20)
    OnnxCast(above, to=7, op_version=20, output_names=operator.outputs[:1]).add_to(scope, container)


def by_tree(scope: Any, operator: Any, container: Any) -> None:
    """Thresholds in an attribute of floats, as onnxmltools writes them whatever the rows are."""
    attributes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [CUT, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": [1, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [0.0, 1.0],
        "n_targets": 1,
    }
    scores = scope.get_unique_variable_name("scores")
    container.add_node(
        "TreeEnsembleRegressor",
        operator.inputs[0].full_name,
        scores,
        op_domain="ai.onnx.ml",
        op_version=3,
        **attributes,
    )
    container.add_node("Cast", scores, operator.outputs[0].full_name, op_version=20, to=7)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, Any], None]:
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common.data_types import Int64TensorType

    def shape(operator: Any) -> None:
        operator.outputs[0].type = Int64TensorType([None])

    def run(kind: type, convert: Any) -> None:
        monkeypatch.setitem(sklearn_operator_name_map, kind, "")
        update_registered_converter(kind, f"OnnxtwinTest{kind.__name__}", shape, convert, overwrite=True)

    return run


@pytest.mark.parametrize("convert", [by_cast, by_tree])
@pytest.mark.parametrize("kind", [Comparing, Overriding])
def test_a_converter_in_single_precision_is_refused_for_rows_of_doubles(
    kind: type, convert: Any, register: Any
) -> None:
    register(kind, convert)
    with pytest.raises(UnsupportedError, match=rf"{kind.__name__}\.predict .* float32 .* float64") as caught:
        export_graph(make_pipeline(MaxAbsScaler(), kind()).fit(X, Y), X)
    assert f"step '{kind.__name__.lower()}'" in str(caught.value)
    assert "way out: fit the pipeline and export it on float32 rows" in str(caught.value)


@pytest.mark.parametrize("convert", [by_cast, by_tree])
def test_the_way_out_works(convert: Any, register: Any) -> None:
    register(Comparing, convert)
    rows = X.astype(np.float32)
    assert_twin_equal(Comparing().fit(rows, Y), rows)


@pytest.mark.parametrize("convert", [by_cast, by_tree])
def test_a_class_that_narrows_its_rows_is_taken_over_in_single_precision(convert: Any, register: Any) -> None:
    register(Narrowing, convert)
    assert_twin_equal(Narrowing().fit(X, Y), X)
