from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import spox
import spox.opset.ai.onnx.v20 as op
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import onnxtwin
from onnxtwin.runtime_checks import Report, check_model
from onnxtwin.runtime_checks.hooks import Skeleton


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(3, 2, (60, 3)), columns=["a", "b", "c"])
    X.loc[::4, "b"] = np.nan
    return X


@pytest.fixture(scope="module")
def pipeline(rows: pd.DataFrame) -> Pipeline:
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    columns = ColumnTransformer([("numbers", numbers, ["a", "b"])], remainder="passthrough")
    return Pipeline([("columns", columns), ("rotate", PCA(2)), ("model", LinearRegression())]).fit(
        rows, rows["a"]
    )


def graph(
    pipeline: Pipeline, *, fill: float = 0, scale: float = 1, rotate: float = 1, offset: float = 0
) -> Any:
    """The pipeline written down by hand, with a defect in one of its steps."""
    fitted = pipeline[0].named_transformers_["numbers"]
    columns = {name: spox.argument(spox.Tensor(np.float64, ("N", 1))) for name in "abc"}

    def const(value: Any) -> spox.Var:
        return op.const(np.asarray(value, dtype=np.float64))

    numbers = op.concat([columns["a"], columns["b"]], axis=1)
    filled = op.where(op.isnan(numbers), const(fitted["fill"].statistics_ + fill), numbers)
    scaled = op.div(op.sub(filled, const(fitted["scale"].mean_)), const(fitted["scale"].scale_ * scale))
    joined = op.concat([scaled, columns["c"]], axis=1)
    pca, model = pipeline["rotate"], pipeline["model"]
    rotated = op.matmul(op.sub(joined, const(pca.mean_)), const(pca.components_.T * rotate))
    answer = op.add(op.matmul(rotated, const(model.coef_)), const(model.intercept_ + offset))
    return spox.build(columns, {"predict": answer})


def checked(pipeline: Pipeline, rows: pd.DataFrame, **defect: float) -> Report:
    return check_model(graph(pipeline, **defect), pipeline, rows, cases=False)


def test_a_graph_without_a_defect_is_green_and_has_no_location(
    pipeline: Pipeline, rows: pd.DataFrame
) -> None:
    report = checked(pipeline, rows)
    assert report.ok
    assert report.location is None


@pytest.mark.parametrize(
    ("defect", "step", "column"),
    [
        ({"fill": 0.5}, "columns.numbers.fill", "1"),
        ({"scale": 1.0001}, "columns.numbers.scale", "0"),
        ({"rotate": 1.0005}, "rotate", "0"),
    ],
)
def test_the_first_step_that_differs_is_named_with_its_column(
    pipeline: Pipeline, rows: pd.DataFrame, defect: dict[str, float], step: str, column: str
) -> None:
    location = checked(pipeline, rows, **defect).location
    assert location is not None
    assert (location.step, location.column) == (step, column)


def test_both_values_of_the_differing_column_are_given(pipeline: Pipeline, rows: pd.DataFrame) -> None:
    location = checked(pipeline, rows, fill=0.5).location
    assert location is not None
    imputed = pipeline[0].named_transformers_["numbers"]["fill"].statistics_[1]
    assert (location.expected, location.found) == pytest.approx((imputed, imputed + 0.5))


def test_a_defect_after_all_visible_steps_is_the_last_steps(pipeline: Pipeline, rows: pd.DataFrame) -> None:
    location = checked(pipeline, rows, offset=0.5).location
    assert location is not None
    assert location.step == "model"
    assert "up to rotate" in location.text


def test_steps_are_traced_in_the_order_they_finish_with_their_paths(
    pipeline: Pipeline, rows: pd.DataFrame
) -> None:
    trace = Skeleton.of(pipeline).traced("predict", rows)
    paths = [hook.path for hook, _ in trace]
    assert paths[:2] == ["columns.numbers.fill", "columns.numbers.scale"]
    assert paths[-2:] == ["columns", "rotate"]
    np.testing.assert_array_equal(trace[-1][1], pipeline[:-1].transform(rows))


def test_a_pipeline_with_more_columns_than_can_be_searched_is_not_located(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X = np.random.default_rng(0).normal(size=(30, 3))
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(X, X[:, 0])
    twin = onnxtwin.export(pipeline, X)
    other = make_pipeline(StandardScaler(), LinearRegression()).fit(X * 2 + 1, X[:, 0])
    assert twin.check(X, pipeline=other, cases=False).location is not None
    monkeypatch.setattr("onnxtwin.runtime_checks.locate.MAX_PAIRS", 1)
    assert twin.check(X, pipeline=other, cases=False).location is None
