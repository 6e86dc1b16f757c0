"""No verdict hangs on the machine: in whichever order the pipeline adds, a right twin stays right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from correct.arithmetic import Arithmetic, computed_in
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import onnxtwin

FRAME, TARGET = load_breast_cancer(return_X_y=True, as_frame=True)
COLUMNS = ["mean radius", "mean texture", "mean area", "worst radius", "worst concavity"]

ORDERS = [
    Arithmetic(),
    Arithmetic(lanes=4, reverse=True),
    Arithmetic(lanes=8, fused=True),
]
PIPELINES: dict[str, Any] = {
    "scaled logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "logistic": LogisticRegression(max_iter=500),
    "ridge": RidgeClassifier(),
    "support vectors": LinearSVC(),
    "perceptron": Perceptron(),
    "bayes": GaussianNB(),
    "scaled bayes": make_pipeline(StandardScaler(), GaussianNB()),
    "votes": VotingClassifier([("l", LogisticRegression()), ("b", GaussianNB()), ("r", RidgeClassifier())]),
    "bins and codes": make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), COLUMNS[:3]),
            (make_pipeline(KBinsDiscretizer(5, encode="ordinal"), OneHotEncoder()), COLUMNS[3:]),
        ),
        LogisticRegression(),
    ),
}


@pytest.mark.parametrize("order", ORDERS, ids=["pairwise", "backwards in lanes", "fused in lanes"])
@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.filterwarnings("ignore")
def test_a_right_twin_is_green_whatever_the_order_of_the_pipelines_sums(name: str, order: Arithmetic) -> None:
    rows = FRAME[COLUMNS]
    pipeline = PIPELINES[name].fit(rows, TARGET)
    twin = onnxtwin.export(pipeline, rows)
    with computed_in(order):
        report = twin.check(rows)
    assert report.ok, report
    assert report["predict"].total.rows > 500


@pytest.mark.parametrize("order", ORDERS, ids=["pairwise", "backwards in lanes", "fused in lanes"])
@pytest.mark.filterwarnings("ignore")
def test_a_weight_that_was_narrowed_is_red_in_any_order(order: Arithmetic) -> None:
    rows = FRAME[COLUMNS]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, TARGET)
    twin = onnxtwin.export(pipeline, rows)
    pipeline[1].coef_ = pipeline[1].coef_.astype(np.float32).astype(np.float64)
    with computed_in(order):
        assert not twin.check(rows).ok
