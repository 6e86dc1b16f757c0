from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, check_fake
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from onnxtwin.runtime_checks.compare import Tolerance
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.verdict import ALONE, ROUNDING, Examiner

Matrix = NDArray[np.float64]


def boundary_rows(pipeline: Any, X: Matrix, pairs: int) -> Matrix:
    """Rows on both sides of the decision, bisected between two classes until they are adjacent."""
    labels = pipeline.predict(X)
    low, high = X[labels == labels[0]], X[labels != labels[0]]
    count = min(len(low), len(high), pairs)
    a, b = low[:count].copy(), high[:count].copy()
    for _ in range(60):
        middle = (a + b) / 2
        stays = (pipeline.predict(middle) == labels[0])[:, None]
        a, b = np.where(stays, middle, a), np.where(stays, b, middle)
    return np.concatenate([a, b])


@pytest.fixture(scope="module")
def scaled() -> tuple[Any, Matrix]:
    X, y = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    return pipeline, boundary_rows(pipeline, X, 200)


def summed_backwards(pipeline: Any) -> Any:
    """The same linear model, its products summed in another order: as correct as BLAS' order."""

    def answers(X: Matrix, found: Answers) -> Answers:
        scaler, model = (step for _, step in pipeline.steps)
        products = scaler.transform(X) * model.coef_[0]
        scores = np.add.accumulate(products[:, ::-1], axis=1)[:, -1] + model.intercept_[0]
        return found | {"predict": model.classes_[(scores > 0).astype(int)]}

    return answers


def test_a_correct_classifier_is_not_blamed_where_the_pipeline_cannot_decide(
    scaled: tuple[Any, Matrix],
) -> None:
    pipeline, rows = scaled
    report = check_fake(pipeline, rows, "predict", answers=summed_backwards(pipeline), cases=False)
    assert report.ok
    total = report["predict"].total
    assert 0 < total.undetermined < total.rows == len(rows)


def test_undetermined_rows_are_listed_with_the_reason(scaled: tuple[Any, Matrix]) -> None:
    pipeline, rows = scaled
    report = check_fake(pipeline, rows, "predict", answers=summed_backwards(pipeline), cases=False)
    listed = report["predict"].undetermined
    assert len(listed) == report["predict"].total.undetermined
    assert all(noted.row == rows[noted.position].tolist() for noted in listed)
    assert {noted.text for noted in listed} == {ROUNDING}


def test_a_flipped_label_away_from_the_boundary_is_a_mismatch(scaled: tuple[Any, Matrix]) -> None:
    pipeline, _ = scaled
    X, _ = load_breast_cancer(return_X_y=True)

    def flip_one(rows: Matrix, found: Answers) -> Answers:
        found["predict"][7:8] = 1 - found["predict"][7:8]
        return found

    report = check_fake(pipeline, X, "predict", answers=flip_one, cases=False)
    assert (report["predict"].total.mismatched, report["predict"].total.undetermined) == (1, 0)
    assert report["predict"].worst is not None
    assert report["predict"].worst.position == 7


def test_a_label_that_the_pipeline_never_gives_is_a_mismatch_even_on_the_boundary(
    scaled: tuple[Any, Matrix],
) -> None:
    pipeline, rows = scaled

    def third_class(X: Matrix, found: Answers) -> Answers:
        return {"predict": np.full(len(X), 2)}

    total = check_fake(pipeline, rows, "predict", answers=third_class, cases=False)["predict"].total
    assert (total.mismatched, total.undetermined) == (len(rows), 0)


def test_a_tree_threshold_on_a_raw_column_that_is_one_ulp_off_is_a_mismatch() -> None:
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    threshold = tree.tree_.threshold[0]
    rows = X[:4].copy()
    rows[:, tree.tree_.feature[0]] = np.float32(threshold)

    def nudged(given: Matrix) -> Matrix:
        return np.nextafter(given.astype(np.float32), np.float32(np.inf)).astype(np.float64)

    total = check_fake(tree, rows, "predict", rows=nudged, cases=False)["predict"].total
    assert (total.mismatched, total.undetermined) == (4, 0)


def test_an_imputed_column_is_as_raw_as_its_source() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(SimpleImputer(), DecisionTreeClassifier(random_state=0)).fit(X, y)
    tree = pipeline[-1].tree_
    rows = X[:4].copy()
    rows[:, tree.feature[0]] = np.float32(tree.threshold[0])

    def nudged(given: Matrix) -> Matrix:
        return np.nextafter(given.astype(np.float32), np.float32(np.inf)).astype(np.float64)

    total = check_fake(pipeline, rows, "predict", rows=nudged, cases=False)["predict"].total
    assert (total.mismatched, total.undetermined) == (4, 0)


def test_category_codes_are_exact_so_that_wrong_categories_are_mismatches() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"port": rng.choice(list("SCQ"), 300), "fare": rng.normal(size=300)})
    y = (X["port"] == "S") ^ (X["fare"] > 1)
    encode = ColumnTransformer([("port", OrdinalEncoder(), ["port"])], remainder="passthrough")
    model = HistGradientBoostingClassifier(categorical_features=[0], max_iter=5)
    pipeline = Pipeline([("encode", encode), ("model", model)]).fit(X, y)

    def swapped(given: pd.DataFrame) -> pd.DataFrame:
        return given.assign(port=given["port"].map({"S": "C", "C": "S", "Q": "Q"}))

    total = check_fake(pipeline, X, "predict", rows=swapped, cases=False)["predict"].total
    assert total.mismatched > 100
    assert total.undetermined == 0


@pytest.fixture(scope="module")
def forest() -> tuple[Any, Matrix]:
    """A forest on rotated columns, and rows around a value at which the order of a sum decides."""
    rng = np.random.default_rng(1)
    X = rng.normal(100, 7, (300, 3))
    pipeline = make_pipeline(PCA(2), RandomForestRegressor(5, random_state=0)).fit(X, X.sum(axis=1))
    rows = boundary_rows(Rounded(pipeline), X, 30)
    return pipeline, rows


class Rounded:
    """A regressor's answers in two classes, so that rows between its steps can be bisected."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline

    def predict(self, X: Matrix) -> Any:
        return self.pipeline.predict(X) > 300


def rotated_backwards(pipeline: Any) -> Any:
    """The same forest behind the same rotation, whose products are summed in another order."""

    def answers(X: Matrix, found: Answers) -> Answers:
        rotation = pipeline[0]
        products = X[:, None, ::-1] * rotation.components_[None, :, ::-1]
        turned = np.add.accumulate(products, axis=2)[:, :, -1] - rotation.mean_ @ rotation.components_.T
        return {"predict": pipeline[1].predict(turned)}

    return answers


def test_a_float_that_jumps_because_the_order_of_a_sum_decides_is_undetermined(
    forest: tuple[Any, Matrix],
) -> None:
    pipeline, rows = forest
    report = check_fake(pipeline, rows, "predict", answers=rotated_backwards(pipeline), cases=False)
    assert report.ok
    assert report["predict"].total.undetermined > 0


def test_a_float_that_jumps_further_than_rounding_explains_is_a_mismatch(forest: tuple[Any, Matrix]) -> None:
    pipeline, rows = forest

    def far_off(X: Matrix, found: Answers) -> Answers:
        return {"predict": found["predict"] + 1000}

    total = check_fake(pipeline, rows, "predict", answers=far_off, cases=False)["predict"].total
    assert (total.mismatched, total.undetermined) == (len(rows), 0)


def test_a_scaled_column_that_is_one_ulp_off_is_a_mismatch() -> None:
    """A difference and a quotient have one right answer: here nothing hangs on an order."""
    rng = np.random.default_rng(1)
    X = rng.normal(100, 7, (300, 3))
    scaler = StandardScaler(with_mean=False)
    pipeline = make_pipeline(scaler, HistGradientBoostingClassifier(max_iter=2)).fit(X, X[:, 0] > 100)
    threshold = pipeline[1]._predictors[0][0].nodes["num_threshold"][0]
    raw = np.float64(threshold * scaler.scale_[0])
    rows = np.repeat(X[:1], 41, axis=0)
    rows[:, 0] = raw + np.arange(-20, 21) * np.spacing(raw)

    def one_ulp_off(X: Matrix, found: Answers) -> Answers:
        return {"decision_function": pipeline[1].decision_function(np.nextafter(scaler.transform(X), np.inf))}

    total = check_fake(pipeline, rows, "decision_function", answers=one_ulp_off, cases=False)[
        "decision_function"
    ].total
    assert total.mismatched > 0
    assert total.undetermined == 0


def test_bit_equality_can_be_demanded_of_an_answer_that_no_later_step_decides_on() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    scaler = make_pipeline(StandardScaler()).fit(X, y)

    def one_ulp_off(rows: Matrix, found: Answers) -> Answers:
        return {"transform": np.nextafter(found["transform"], np.inf)}

    report = check_fake(scaler, X, "transform", answers=one_ulp_off, cases=False, rtol=0, atol=0)
    assert report["transform"].total.mismatched == len(X)


def test_every_failing_row_is_counted_even_if_it_is_no_longer_examined() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    report = check_fake(tree, X, "predict", answers=lambda X, a: {"predict": 1 - a["predict"]}, cases=False)
    assert report["predict"].total.mismatched == len(X)


def test_the_examination_leaves_the_pipeline_as_it_was(forest: tuple[Any, Matrix]) -> None:
    pipeline, rows = forest
    before = pickle.dumps(pipeline)
    check_fake(pipeline, rows, "predict", answers=rotated_backwards(pipeline), cases=False)
    assert pickle.dumps(pipeline) == before


def test_every_row_that_another_order_of_summing_answers_otherwise_is_unsettled(
    scaled: tuple[Any, Matrix],
) -> None:
    pipeline, edge = scaled
    ordinary = load_breast_cancer(return_X_y=True)[0]
    examiner = Examiner(Reference(pipeline, ["predict"], None), Tolerance())
    otherwise = summed_backwards(pipeline)(edge, {})["predict"] != pipeline.predict(edge)
    assert otherwise.any()
    assert examiner.unsettled("predict", edge)[otherwise].all()
    assert not examiner.unsettled("predict", ordinary).any()


def test_the_edge_of_a_tree_on_raw_columns_is_settled() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    examiner = Examiner(Reference(tree, ["predict"], None), Tolerance())
    assert not examiner.unsettled("predict", boundary_rows(tree, X, 50)).any()


class Company(ClassifierMixin, BaseEstimator):
    """Answers a row otherwise when it comes alone: no twin can do better than the pipeline."""

    def fit(self, X: Matrix, y: Any) -> Company:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Matrix) -> Any:
        return np.full(len(X), int(len(X) > 1))


def test_a_row_that_the_pipeline_answers_otherwise_alone_is_undetermined() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = Company().fit(X, y > 0)
    alone = {"predict": np.zeros(1, dtype=int)}
    report = check_fake(
        pipeline,
        X[:10],
        "predict",
        answers=lambda X, a: {"predict": np.repeat(alone["predict"], len(X))},
        cases=False,
    )
    assert report.ok
    assert {noted.text for noted in report["predict"].undetermined} == {ALONE}


def test_an_overflowing_sum_is_undetermined() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = LogisticRegression().fit(X[:, :2], y > 0)
    pipeline.coef_[:] = [2.0, -2.0]
    rows = np.full((4, 2), 1.797e308)

    def otherwise(X: Matrix, found: Answers) -> Answers:
        return {"predict_proba": np.full((len(X), 2), 0.5)}

    total = check_fake(pipeline, rows, "predict_proba", answers=otherwise, cases=False)["predict_proba"].total
    assert total.wrong == 0
