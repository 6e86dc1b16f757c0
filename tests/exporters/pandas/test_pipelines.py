"""Transformers written against pandas, between scikit-learn's own, and what they cost in nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from features import hostile, sample
from parity import assert_twin_equal, twin_of
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import DomainError

OUTCOME = [0, 1, 0, 1, 1, 0]


class Features(TransformerMixin, BaseEstimator):
    """A notebook author's transformer: medians, means, counts and a table, fitted and applied."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Features:
        self.median_ = X["f"].median()
        self.means_ = X[["f", "g"]].mean()
        self.counts_ = X["s"].value_counts()
        self.table_ = X.groupby("o")["f"].mean().to_dict()
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        X = X.copy()
        X["f"] = X["f"].fillna(self.median_)
        Z = X[["f", "g"]] - self.means_
        Z["count"] = X["s"].map(self.counts_).fillna(0)
        Z["encoded"] = X["o"].map(self.table_)
        Z[["f2", "g2"]] = X[["f", "g"]]
        Z["ratio"] = Z["f"] / (Z["g"].abs() + 1)
        for name in ["f2", "g2"]:
            Z[f"{name}_missing"] = Z[name].isna().astype(int)
        return Z


def finite() -> pd.DataFrame:
    return hostile().replace([np.inf, -np.inf, 1e300, -1e300], 3.0)


def test_a_custom_transformer_is_exported_unchanged() -> None:
    columns = ["f", "g", "s", "o"]
    pipeline = make_pipeline(Features(), HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1))
    assert_twin_equal(pipeline.fit(sample()[columns], OUTCOME), sample()[columns], finite()[columns])


def test_a_frame_flows_through_a_column_transformer() -> None:
    columns = ["f", "i", "s", "k", "b"]
    prepare = make_column_transformer(
        (SimpleImputer(), make_column_selector(dtype_include="number")),
        (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
            make_column_selector(dtype_exclude=["number", "bool"]),
        ),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    product = FunctionTransformer(lambda d: d.assign(product=d["f"] * d["i"]).astype(float))
    pipeline = make_pipeline(prepare, product).fit(sample()[columns])
    assert_twin_equal(pipeline, sample()[columns], finite()[columns])


def test_frames_are_joined_by_a_feature_union() -> None:
    union = FeatureUnion(
        [
            ("a", FunctionTransformer(lambda d: d[["f"]].fillna(0))),
            ("b", FunctionTransformer(lambda d: d[["g"]].fillna(1) * 2)),
        ]
    )
    rows = sample()[["f", "g"]]
    for made in (union, Pipeline([("union", union)]).set_output(transform="pandas")):
        assert_twin_equal(made.fit(rows), rows, hostile()[["f", "g"]])


def test_the_flights_features_are_exported_unchanged(flights_recipes: Any) -> None:
    rows = flights_recipes.joined_flights().sample(2000, random_state=0)
    columns = [*flights_recipes.SCHEDULE, *flights_recipes.COORDINATES, *flights_recipes.WEATHER]
    numbers = FunctionTransformer(lambda d: d.astype(dict.fromkeys(d.select_dtypes("number"), float)))
    pipeline = make_pipeline(
        FunctionTransformer(flights_recipes.calendar_and_distance),
        flights_recipes.ScheduleFeatures(),
        numbers,
    )
    assert_twin_equal(pipeline.fit(rows[columns]), rows[columns][:200], rows[columns])


def test_a_check_that_raises_becomes_a_demand_of_the_domain() -> None:
    def checked(d: pd.DataFrame) -> pd.DataFrame:
        if (d["i"] < -100).any():
            raise ValueError("no")
        return d * 2

    rows = sample()[["i"]]
    twin = twin_of(FunctionTransformer(checked).fit(rows), rows)
    with pytest.raises(DomainError, match="raises"):
        twin.run(pd.DataFrame({"i": [-101]}))


@pytest.mark.parametrize(
    "names",
    [
        ["predict", "transform"],
        ["in_0", "Add_0"],
        ["domain", "X"],
        ["transform", "domain"],
        ["a b", "é"],
        [0, 1],
    ],
)
@pytest.mark.parametrize("layout", ["columns", "packed"])
def test_columns_may_bear_any_name(names: list[Any], layout: str) -> None:
    rows = sample()[["f", "g"]].set_axis(names, axis=1)
    transformer = FunctionTransformer(lambda d: d + d.fillna(0.5)).fit(rows)
    assert_twin_equal(transformer, rows, hostile()[["f", "g"]].set_axis(names, axis=1), layout=layout)


def test_rows_of_any_labels_are_answered_alike() -> None:
    rows = sample()[["f", "s"]]
    feature = FunctionTransformer(lambda d: d.assign(n=pd.Series(np.where(d.f > 0, 1, 2), index=d.index)))
    twin = assert_twin_equal(feature.fit(rows), rows)
    answer = twin.run(rows.set_axis(list("uvwxyz"), axis=0))["transform"]
    assert answer["n"].tolist() == [1, 2, 2, 2, 1, 1]


def test_a_wide_frame_between_two_steps_costs_a_handful_of_nodes() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 300))
    scale = StandardScaler().set_output(transform="pandas")
    features = FunctionTransformer(lambda d: d.assign(ratio=d["x1"] / d["x7"]).drop(columns=["x3", "x4"]))
    pipeline = make_pipeline(scale, features, LinearRegression()).fit(X, X[:, 0])
    assert_twin_equal(pipeline, X)
    assert len(export_graph(pipeline, X).model.graph.node) < 30
