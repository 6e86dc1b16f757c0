from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingRegressor, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from onnxtwin.exporters.export import export_graph
from onnxtwin.runtime_checks.hooks import Skeleton

Matrix = NDArray[np.float64]


@pytest.fixture(scope="module")
def iris() -> tuple[Matrix, Any]:
    X, y = load_iris(return_X_y=True)
    return X, y


def scaled(model: Any) -> Pipeline:
    return make_pipeline(StandardScaler(), model)


def columns(n_jobs: int | None = None) -> ColumnTransformer:
    parts = [("first", StandardScaler(), [0, 1]), ("second", MaxAbsScaler(), [2, 3])]
    return ColumnTransformer(parts, n_jobs=n_jobs)


PIPELINES: dict[str, tuple[Any, list[str]]] = {
    "pipeline": (scaled(LogisticRegression()), ["standardscaler"]),
    "columns": (
        make_pipeline(columns(2), LogisticRegression()),
        ["columntransformer.first", "columntransformer.second"],
    ),
    "union": (
        make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", MaxAbsScaler())]), LogisticRegression()),
        ["featureunion.a", "featureunion.b"],
    ),
    "calibrated pipeline": (
        CalibratedClassifierCV(scaled(LogisticRegression()), cv=2),
        ["calibrated_classifiers[0].estimator.standardscaler", "calibrated_classifiers[0].estimator"],
    ),
    "calibrated frozen model": (
        scaled(CalibratedClassifierCV(FrozenEstimator(LogisticRegression()))),
        ["calibratedclassifiercv.calibrated_classifiers[0].estimator"],
    ),
    "transformed target": (
        TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
        ["regressor"],
    ),
    "stacking": (
        make_pipeline(
            MaxAbsScaler(), StackingRegressor([("l", scaled(LinearRegression()))], LinearRegression())
        ),
        ["maxabsscaler", "stackingregressor.l.standardscaler", "stackingregressor"],
    ),
    "voting": (VotingClassifier([("one", scaled(LogisticRegression()))], n_jobs=2), ["one.standardscaler"]),
}


def fit(name: str, X: Matrix, y: Any) -> Any:
    pipeline, _ = PIPELINES[name]
    if name == "calibrated frozen model":
        frozen = FrozenEstimator(LogisticRegression().fit(StandardScaler().fit_transform(X), y))
        pipeline.set_params(calibratedclassifiercv__estimator=frozen)
    return pipeline.fit(X, y)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_skeleton_answers_as_its_pipeline_does(name: str, iris: tuple[Matrix, Any]) -> None:
    pipeline = fit(name, *iris)
    np.testing.assert_array_equal(Skeleton.of(pipeline).pipeline.predict(iris[0]), pipeline.predict(iris[0]))


@pytest.mark.parametrize("name", PIPELINES)
def test_each_step_that_the_answer_rests_on_is_observed(name: str, iris: tuple[Matrix, Any]) -> None:
    pipeline = fit(name, *iris)
    observed = {hook.path for hook, _ in Skeleton.of(pipeline).traced("predict", iris[0])}
    assert set(PIPELINES[name][1]) <= observed
    assert "" not in observed


def test_the_pipeline_keeps_its_parameters(iris: tuple[Matrix, Any]) -> None:
    pipeline = fit("columns", *iris)
    skeleton = Skeleton.of(pipeline)
    assert pipeline[0].n_jobs == 2
    assert skeleton.pipeline[0].n_jobs is None
    assert skeleton.pipeline[0] is not pipeline[0]
    assert skeleton.pipeline[-1].coef_ is pipeline[-1].coef_


class Handle:
    """What a booster is: an object that frees a handle when it dies, and has a method of a step."""

    freed = 0

    def predict(self, X: Matrix) -> Matrix:
        assert not Handle.freed
        return X[:, 0]

    def __del__(self) -> None:
        Handle.freed += 1


class Boosted(RegressorMixin, BaseEstimator):
    def fit(self, X: Matrix, y: Any) -> Boosted:
        self.booster_ = Handle()
        return self

    def predict(self, X: Matrix) -> Matrix:
        return self.booster_.predict(X)


def test_what_frees_a_handle_is_shared_and_freed_once(iris: tuple[Matrix, Any]) -> None:
    X, y = iris
    model = scaled(Boosted()).fit(X, y)
    skeleton = Skeleton.of(model)
    assert skeleton.pipeline[1].booster_ is model[1].booster_
    del skeleton
    gc.collect()
    assert Handle.freed == 0
    assert export_graph(model, X).signature.methods == ("predict",)
    gc.collect()
    assert Handle.freed == 0


@pytest.mark.parametrize(("library", "name"), [("xgboost", "XGBClassifier"), ("lightgbm", "LGBMClassifier")])
def test_a_users_booster_outlives_the_skeletons(library: str, name: str, iris: tuple[Matrix, Any]) -> None:
    kind = getattr(pytest.importorskip(library), name)
    X, y = iris
    model = scaled(kind(n_estimators=2, n_jobs=1)).fit(X, y)
    before = model.predict_proba(X)
    for _ in range(3):
        Skeleton.of(model).traced("predict", X)
        gc.collect()
    np.testing.assert_array_equal(model.predict_proba(X), before)
