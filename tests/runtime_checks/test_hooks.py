from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingRegressor, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from onnxtwin.exporters.export import export_graph
from onnxtwin.runtime_checks.hooks import Skeleton
from onnxtwin.runtime_checks.nudge import column, everywhere, nudge, scattered

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
def test_each_step_that_the_answer_rests_on_is_nudged(name: str, iris: tuple[Matrix, Any]) -> None:
    pipeline = fit(name, *iris)
    skeleton = Skeleton.of(pipeline)
    nudged = set()
    for hook in skeleton.hooks:
        _, changed = hook.run(everywhere(1), lambda: skeleton.pipeline.predict(iris[0]))
        if changed:
            nudged.add(hook.path)
    assert set(PIPELINES[name][1]) <= nudged
    assert "" not in nudged


def test_the_pipeline_keeps_its_parameters(iris: tuple[Matrix, Any]) -> None:
    pipeline = fit("columns", *iris)
    skeleton = Skeleton.of(pipeline)
    assert pipeline[0].n_jobs == 2
    assert skeleton.pipeline[0].n_jobs is None
    assert skeleton.pipeline[0] is not pipeline[0]
    assert skeleton.pipeline[-1].coef_ is pipeline[-1].coef_


def test_a_nudge_moves_computed_numbers_by_one_ulp_and_no_others() -> None:
    given = np.array([[0.1, 0.7]])
    result = np.array([[0.1, 0.3, 2.0, np.nan, np.inf, -0.0]])
    moved, changed = nudge(result, given, everywhere(1))
    assert changed
    np.testing.assert_array_equal(moved, [[0.1, np.nextafter(0.3, 1), 2.0, np.nan, np.inf, -0.0]])


def test_a_step_that_only_passes_values_on_has_nothing_to_nudge(iris: tuple[Matrix, Any]) -> None:
    X, _ = iris
    _, changed = nudge(SimpleImputer().fit_transform(X), X, everywhere(1))
    assert not changed


def test_an_encoder_has_nothing_to_nudge() -> None:
    X = np.array([["a"], ["b"]], dtype=object)
    for sparse_output in (False, True):
        _, changed = nudge(OneHotEncoder(sparse_output=sparse_output).fit_transform(X), X, everywhere(1))
        assert not changed


def test_a_frame_keeps_its_types_and_index() -> None:
    frame = pd.DataFrame(
        {"a": [0.5, 1.0], "b": ["x", "y"], "c": np.array([0.25, 0.5], np.float32)}, index=[3, 9]
    )
    moved, changed = nudge(frame, None, everywhere(1))
    assert changed
    pd.testing.assert_series_equal(moved.dtypes, frame.dtypes)
    assert moved.index.tolist() == [3, 9]
    assert moved["a"].tolist() == [np.nextafter(0.5, 1), 1.0]


def test_one_column_of_any_container_can_be_nudged_alone() -> None:
    dense = np.array([[0.1, 0.2], [0.0, 0.4]])
    expected = np.array([[0.1, np.nextafter(0.2, 0)], [0.0, np.nextafter(0.4, 0)]])
    for made in (dense, sparse.csr_matrix(dense), pd.DataFrame(dense)):
        moved, changed = nudge(made, None, column(1, -1))
        assert changed
        np.testing.assert_array_equal(
            moved.toarray() if sparse.issparse(moved) else np.asarray(moved), expected
        )


def test_float32_moves_by_an_ulp_of_its_own() -> None:
    moved, _ = nudge(np.array([[0.1]], np.float32), None, everywhere(-1))
    assert moved.dtype == np.float32
    assert moved[0, 0] == np.nextafter(np.float32(0.1), np.float32(-1))


def test_random_directions_repeat_with_their_seed() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3))
    first, second, other = (nudge(values, None, scattered(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    assert {-1, 1} == set(np.sign(first - values).ravel())


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
