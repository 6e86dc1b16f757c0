"""What other exporters are known to get wrong without saying so; here the twin must be right.

Each case asserts first that it is hostile: that an answer in the defective way would differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from parity import assert_answers_equal, assert_twin_equal, twin_of
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from onnxtwin.exporters import export_graph

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

RNG = np.random.default_rng(11)


def rows_with_missing(count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    X = RNG.normal(size=(count, 5))
    y = ((X[:, 0] + X[:, 1] > 0) ^ (X[:, 2] > 1)).astype(int)
    gone = RNG.random(X.shape) < 0.2
    gone[:, 0] |= (y == 1) & (RNG.random(count) < 0.6)
    return np.where(gone, np.nan, X), y


@pytest.mark.parametrize(
    "classifier",
    [
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(20, random_state=0),
        ExtraTreesClassifier(20, random_state=0),
    ],
    ids=lambda c: type(c).__name__,
)
def test_trees_route_missing_values_as_they_were_fitted(classifier: ClassifierMixin) -> None:
    X, y = rows_with_missing()
    classifier.fit(X, y)
    trees = classifier.estimators_ if hasattr(classifier, "estimators_") else [classifier]
    assert any(t.tree_.missing_go_to_left.any() for t in trees)
    assert any((~t.tree_.missing_go_to_left.astype(bool)).any() for t in trees)
    assert_twin_equal(classifier, X, methods="all")


def test_histogram_boosting_splits_categories() -> None:
    frame = pd.DataFrame({"city": RNG.integers(0, 40, 800).astype(float), "x": RNG.normal(size=800)})
    y = np.isin(frame["city"], [3, 7, 11, 19, 23, 31]).astype(int) ^ (frame["x"] > 1.5).to_numpy()
    frame.loc[::17, "city"] = np.nan
    model = HistGradientBoostingClassifier(categorical_features=["city"], max_iter=30, random_state=0).fit(
        frame, y
    )
    assert any(p.nodes["is_categorical"].any() for trees in model._predictors for p in trees)
    unseen = frame.assign(city=frame["city"] + 35)
    assert_twin_equal(model, frame, pd.concat([frame, unseen], ignore_index=True), methods="all")


def test_the_imputer_keeps_its_indicators() -> None:
    X, y = rows_with_missing()
    pipeline = make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression()).fit(X, y)
    assert pipeline[0].transform(X).shape[1] == 10
    assert_twin_equal(pipeline, X, methods="all")


def test_calibration_over_a_pipeline() -> None:
    X, y = rows_with_missing()
    X = X * [1, 100, 0.01, 5, 1000]
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    for method in ("sigmoid", "isotonic"):
        assert_twin_equal(CalibratedClassifierCV(pipeline, method=method, cv=3).fit(X, y), X, methods="all")


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_a_missing_category_is_not_a_text(dtype: str) -> None:
    city = np.array(["Paris", "nan", "", "None", np.nan, "Rome"] * 30, dtype=object)
    frame = pd.DataFrame({"city": pd.Series(city, dtype=dtype)})
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"])
    ).fit(frame)
    rows = encoder.transform(frame)
    assert (rows[1] != rows[4]).any()
    assert (rows[2] != rows[4]).any()
    assert_twin_equal(
        encoder, frame, pd.DataFrame({"city": pd.Series(["NaN", "", np.nan, "nan", "Paris "], dtype=dtype)})
    )


def test_a_missing_category_has_a_code_of_its_own() -> None:
    frame = pd.DataFrame({"city": pd.Series(["b", np.nan, "a", "nan"] * 10, dtype="str")})
    encoder = OrdinalEncoder(
        encoded_missing_value=-7, handle_unknown="use_encoded_value", unknown_value=-1
    ).fit(frame)
    assert set(encoder.transform(frame)[:, 0]) == {-7.0, 0.0, 1.0, 2.0}
    assert_twin_equal(encoder, frame, pd.DataFrame({"city": pd.Series(["nan", np.nan, "c"], dtype="str")}))


def test_scaled_forest_is_computed_in_double_on_flights(
    arrival_delay: tuple[object, pd.DataFrame, pd.Series],
) -> None:
    _, X, y = arrival_delay
    numbers = (
        X[["sched_dep_time", "temp", "dewp", "humid", "wind_speed", "pressure", "visib"]]
        .dropna()
        .astype(float)
    )
    train = numbers.iloc[:4000]
    pipeline = make_pipeline(StandardScaler(), RandomForestRegressor(20, random_state=0)).fit(
        train, y.loc[train.index]
    )
    rows = numbers.iloc[4000:30_000]
    single = pipeline[0].transform(rows.astype(np.float32)).astype(np.float64)
    scaled = pipeline[0].transform(rows).astype(np.float32).astype(np.float64)
    assert (pipeline[1].predict(single) != pipeline[1].predict(scaled)).any()
    assert_answers_equal(twin_of(pipeline, train), pipeline, rows)


def test_column_names_are_kept() -> None:
    frame = pd.DataFrame(
        {
            "home.dest": RNG.normal(size=40),
            "größe (cm)": RNG.normal(size=40),
            "class": RNG.normal(size=40),
            "1st": RNG.normal(size=40),
        }
    )
    exported = export_graph(StandardScaler().fit(frame), frame)
    assert [i.name for i in exported.model.graph.input] == ["home.dest", "größe (cm)", "class", "1st"]


def test_a_binary_forest_avoids_the_kernel_that_two_releases_get_wrong() -> None:
    X, y = rows_with_missing()
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    graph = export_graph(forest, X).model.graph
    assert "TreeEnsembleClassifier" not in {node.op_type for node in graph.node}
    assert_twin_equal(forest, X, methods="all")
