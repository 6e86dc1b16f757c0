from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from onnxtwin.exporters.errors import CheckError
from onnxtwin.runtime_checks import check_model

PLAIN = {"zipmap": False}


@pytest.fixture(scope="module")
def iris() -> Any:
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def scaled(iris: Any) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*iris)


def test_a_double_graph_of_a_linear_pipeline_is_green(scaled: Pipeline, iris: Any) -> None:
    X, _ = iris
    report = check_model(to_onnx(scaled, X[:1], options=PLAIN), scaled, X)
    assert report.ok
    assert [method.method for method in report.methods] == ["predict", "predict_proba"]


def test_rows_are_not_rounded_to_float32_before_the_pipeline_answers(scaled: Pipeline, iris: Any) -> None:
    X, _ = iris
    report = check_model(to_onnx(scaled, X[:1].astype(np.float32), options=PLAIN), scaled, X)
    assert not report.ok
    assert report["predict_proba"].families["sample"].mismatched == len(X)
    assert report.location is not None
    assert report.location.step == "standardscaler"


def test_zipmap_is_read_as_the_matrix_it_was_made_from(scaled: Pipeline, iris: Any) -> None:
    X, _ = iris
    assert check_model(to_onnx(scaled, X[:1].astype(np.float32)), scaled, X, atol=1e-5, cases=False).ok


def test_a_regressor_that_answers_a_column_is_read_as_a_vector(iris: Any) -> None:
    X, y = iris
    model = LinearRegression().fit(X, y)
    assert check_model(to_onnx(model, X[:1]), model, X).ok


def test_a_model_is_taken_from_bytes_and_from_a_file(scaled: Pipeline, iris: Any, tmp_path: Path) -> None:
    X, _ = iris
    graph = to_onnx(scaled, X[:1], options=PLAIN).SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(graph)
    assert check_model(graph, scaled, X, cases=False).ok
    assert check_model(path, scaled, X, cases=False).ok


def test_missing_values_that_a_tree_no_longer_routes_are_found(iris: Any) -> None:
    X, y = iris
    X = X.astype(np.float32).astype(np.float64)
    X[::3, 2] = np.nan
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    report = check_model(to_onnx(tree, X[:1].astype(np.float32), options=PLAIN), tree, X)
    assert report["predict"].total.mismatched > 10


def test_a_scaled_forest_that_decides_in_float32_is_found_and_the_scaler_named() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(1e6, 1, (300, 3))
    y = X.sum(axis=1) > 3e6
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5, max_depth=3, random_state=0)).fit(X, y)
    report = check_model(to_onnx(model, X[:1].astype(np.float32), options=PLAIN), model, X)
    assert report["predict"].total.mismatched > 0
    assert report.location is not None
    assert report.location.step == "standardscaler"


@pytest.fixture(scope="module")
def passengers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "fare.paid": rng.integers(1, 400, 200) / 4,
            "port": rng.choice(["S", "C", "Q"], 200),
            "deck": rng.integers(1, 4, 200),
        }
    )
    X.loc[::9, "port"] = np.nan
    return X


@pytest.fixture(scope="module")
def encoded(passengers: pd.DataFrame) -> Pipeline:
    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["fare.paid"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["port"]),
        ],
        remainder="passthrough",
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=1000))]).fit(
        passengers, passengers["fare.paid"] + 9 * (passengers["port"] == "S") > 50
    )


@pytest.fixture(scope="module")
def encoded_graph(encoded: Pipeline) -> Any:
    types = [
        ("fare_paid", FloatTensorType([None, 1])),
        ("port", StringTensorType([None, 1])),
        ("deck", Int64TensorType([None, 1])),
    ]
    renamed = {"fare.paid": "fare_paid"}
    columns = encoded[0]
    by_place = ColumnTransformer(
        [(name, step, [renamed.get(c, c) for c in cols]) for name, step, cols in columns.transformers],
        remainder="passthrough",
    )
    X = pd.DataFrame({"fare_paid": [1.0, 2.0, 70.0] * 9, "port": ["S", "C", "Q"] * 9, "deck": [1, 2, 3] * 9})
    model = Pipeline([("columns", by_place), ("model", LogisticRegression(max_iter=1000))])
    model.fit(X, X["fare_paid"] > 50)
    return to_onnx(model, initial_types=types, options=PLAIN)


def test_renamed_columns_must_be_said(
    encoded: Pipeline, encoded_graph: Any, passengers: pd.DataFrame
) -> None:
    with pytest.raises(CheckError, match=r"which column goes to the graph's input 'fare_paid'\?"):
        check_model(encoded_graph, encoded, passengers)


def test_a_graph_of_another_fit_is_red_and_rows_are_shown_with_their_own_names(
    encoded: Pipeline, encoded_graph: Any, passengers: pd.DataFrame
) -> None:
    report = check_model(encoded_graph, encoded, passengers, inputs={"fare_paid": "fare.paid"})
    worst = report["predict_proba"].worst
    assert not report.ok
    assert worst is not None
    assert list(worst.row) == ["fare.paid", "port", "deck"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"inputs": {"x": 0}}, "graph's inputs are"),
        ({"inputs": {"X": ["a"]}}, "gives 'X' the columns"),
        ({"outputs": {"predict": "answer"}}, r"names \['answer'\]; the graph's outputs are"),
        ({"outputs": {}}, "outputs names"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    scaled: Pipeline, iris: Any, options: dict[str, Any], said: str
) -> None:
    X, _ = iris
    with pytest.raises(CheckError, match=said):
        check_model(to_onnx(scaled, X[:1], options=PLAIN), scaled, X, **options)


def test_outputs_can_be_named(scaled: Pipeline, iris: Any) -> None:
    X, _ = iris
    graph = to_onnx(scaled, X[:1], options=PLAIN)
    report = check_model(graph, scaled, X, outputs={"predict_proba": "probabilities"})
    assert [method.method for method in report.methods] == ["predict_proba"]
    assert report.ok


def test_something_that_is_no_graph_is_refused(scaled: Pipeline, iris: Any, tmp_path: Path) -> None:
    X, _ = iris
    with pytest.raises(CheckError, match="cannot load the graph"):
        check_model(b"no graph", scaled, X)
    with pytest.raises(CheckError, match="no graph at"):
        check_model(tmp_path / "none.onnx", scaled, X)


def test_a_graph_that_fails_on_rows_that_the_pipeline_answers_is_red(iris: Any) -> None:
    X, y = iris
    X = X.copy()
    X[::5, 0] = np.nan
    # skl2onnx drops the indicator columns, so that the model asks for features that are not there.
    model = make_pipeline(
        SimpleImputer(add_indicator=True),
        RandomForestClassifier(30, max_depth=4, random_state=0, max_features=1),
    ).fit(X, y)
    graph = to_onnx(model, X[:1].astype(np.float32), options=PLAIN)
    report = check_model(graph, model, X, cases=False, batch_size=30)
    assert not report.ok
    assert report["predict"].total.refused_inside == len(X)
