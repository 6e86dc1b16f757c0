from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_twins import Answers, check_fake
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from onnxtwin.runtime_checks.compare import Tolerance
from onnxtwin.runtime_checks.reference import Reference
from onnxtwin.runtime_checks.verdict import Examiner

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
    assert all(
        "batch" in noted.text or "standardscaler.transform is one ulp off" in noted.text for noted in listed
    )


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
    """A forest on scaled columns, and rows around a value at which one ulp of the scaled column decides."""
    rng = np.random.default_rng(1)
    X = rng.normal(100, 7, (300, 3))
    scaler = StandardScaler(with_mean=False)
    pipeline = make_pipeline(scaler, RandomForestRegressor(5, random_state=0)).fit(X, X.sum(axis=1))
    tree = pipeline[1].estimators_[0].tree_
    feature, threshold = tree.feature[0], tree.threshold[0]
    # Trees round to float32 before they compare: the edge is where that rounding passes the threshold.
    below = np.float32(threshold)
    below = below if below <= threshold else np.nextafter(below, np.float32(-np.inf))
    edge = (float(below) + float(np.nextafter(below, np.float32(np.inf)))) / 2
    raw = edge * scaler.scale_[feature]
    rows = np.repeat(X[:1], 41, axis=0)
    rows[:, feature] = raw + np.arange(-20, 21) * np.spacing(raw)
    return pipeline, rows


def scaled_one_ulp_off(pipeline: Any) -> Any:
    def answers(X: Matrix, found: Answers) -> Answers:
        scaled = np.nextafter(pipeline[0].transform(X), np.inf)
        return {"predict": pipeline[1].predict(scaled)}

    return answers


def test_a_float_that_jumps_because_one_ulp_decides_is_undetermined(forest: tuple[Any, Matrix]) -> None:
    pipeline, rows = forest
    report = check_fake(pipeline, rows, "predict", answers=scaled_one_ulp_off(pipeline), cases=False)
    assert report.ok
    assert report["predict"].total.undetermined > 0


def test_a_float_that_jumps_further_than_one_ulp_explains_is_a_mismatch(forest: tuple[Any, Matrix]) -> None:
    pipeline, rows = forest

    def far_off(X: Matrix, found: Answers) -> Answers:
        return {"predict": found["predict"] + 1000}

    total = check_fake(pipeline, rows, "predict", answers=far_off, cases=False)["predict"].total
    assert (total.mismatched, total.undetermined) == (len(rows), 0)


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
    check_fake(pipeline, rows, "predict", answers=scaled_one_ulp_off(pipeline), cases=False)
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
