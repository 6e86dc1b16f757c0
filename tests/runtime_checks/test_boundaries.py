"""A right model stays green on its own boundary, and a threshold that is off by one ulp is red."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import onnxtwin
from onnxtwin.runtime_checks import Report
from onnxtwin.runtime_checks.verdict import ROUNDING

BISECTED = 2500
"""Pairs of neighbouring rows; each gives two rows."""


@pytest.fixture(scope="module")
def cancer() -> Any:
    return load_breast_cancer(return_X_y=True)


def bisected(model: Any, X: np.ndarray, pairs: int) -> np.ndarray:
    """Both rows of the last pair when a raw column is halved between two rows of unlike labels."""
    rng = np.random.default_rng(0)
    labels = model.predict(X)
    low = X[rng.choice(np.flatnonzero(labels == 0), pairs)]
    high = low.copy()
    column = rng.integers(X.shape[1], size=pairs)
    place = np.arange(pairs)
    # Far enough along one column, the other label wins, whichever the column's sign.
    for reach in (1e1, -1e1, 1e2, -1e2, 1e4, -1e4):
        same = model.predict(high) == 0
        high[place[same], column[same]] = low[place[same], column[same]] + reach * X.std(axis=0)[column[same]]
    crossed = model.predict(high) != 0
    low, high, column = low[crossed], high[crossed], column[crossed]
    place = np.arange(len(low))
    for _ in range(1100):
        middle = low.copy()
        middle[place, column] = low[place, column] / 2 + high[place, column] / 2
        if ((middle == low) | (middle == high)).all():
            break
        wins = model.predict(middle) != 0
        high[wins], low[~wins] = middle[wins], middle[~wins]
    return np.vstack([low, high])


def test_a_scaled_linear_classifier_is_green_on_thousands_of_its_own_boundary_rows(cancer: Any) -> None:
    X, y = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, y)
    rows = bisected(model, X, BISECTED)
    assert len(rows) >= 4000
    report = onnxtwin.export(model, X).check(rows, cases=["boundary"])
    assert report.ok
    labels = report["predict"]
    assert labels.families["sample"].rows == len(rows)
    assert labels.families["boundary"].rows > 100
    # On some of them rounding decides, and each of these is listed with the reason.
    assert labels.total.undetermined > 0
    assert len(labels.undetermined) == min(1000, labels.total.undetermined)
    assert {noted.text for noted in labels.undetermined} == {ROUNDING}


def moved(model: onnx.ModelProto, node: int, ulps: int) -> onnx.ModelProto:
    """The graph with one threshold of its tree moved by so many ulps of a double."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    (tree,) = [n for n in copy.graph.node if n.op_type == "TreeEnsemble"]
    (splits,) = [a for a in tree.attribute if a.name == "nodes_splits"]
    values = numpy_helper.to_array(splits.t).copy()
    # scikit-learn rounds rows to float32: a threshold between two such numbers moves without any effect.
    assert values[node] == np.float32(values[node])
    for _ in range(abs(ulps)):
        values[node] = np.nextafter(values[node], np.inf * ulps)
    splits.t.CopyFrom(numpy_helper.from_array(values, splits.t.name))
    return copy


def fitted_tree(X: np.ndarray, y: np.ndarray) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)


def verdict_of(tree: Any, X: np.ndarray, graph: onnx.ModelProto, cases: Any) -> Report:
    signature = onnxtwin.export(tree, X).signature
    return onnxtwin.Twin.of_model(graph, signature, pipeline=tree, sample=X).check(X, cases=cases)


@pytest.mark.parametrize("node", [0, 1, 3, 4])
def test_one_ulp_on_one_threshold_of_a_tree_on_raw_columns_is_red(cancer: Any, node: int) -> None:
    X, y = cancer
    tree = fitted_tree(X, y)
    graph = onnxtwin.export(tree, X).model
    assert verdict_of(tree, X, graph, ["boundary"]).ok
    report = verdict_of(tree, X, moved(graph, node, -1), ["boundary"])
    assert not report.ok
    assert (
        report["predict"].families["boundary"].mismatched
        + report["predict_proba"].families["boundary"].mismatched
    )
    assert report["predict"].total.undetermined == 0
