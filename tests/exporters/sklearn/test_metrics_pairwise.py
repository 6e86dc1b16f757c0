"""The nearest of the fitted points is the one that scikit-learn's compiled code finds."""

from __future__ import annotations

import numpy as np
import pytest
from parity import assert_twin_equal, twin_of
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OutputCodeClassifier
from sklearn.neighbors import NearestCentroid

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import DomainError, UnsupportedError

X, Y = load_iris(return_X_y=True)


def test_nearest_centroid() -> None:
    fitted = NearestCentroid().fit(X, Y)
    middle = (fitted.centroids_[:1] + fitted.centroids_[1:2]) / 2
    assert_twin_equal(fitted, X, np.vstack([X, fitted.centroids_, middle + 1e-9, middle - 1e-9]))


def test_codes_of_classes() -> None:
    fitted = OutputCodeClassifier(LogisticRegression(max_iter=500), random_state=0).fit(X, Y)
    assert_twin_equal(fitted, X)


def test_another_metric_is_refused() -> None:
    fitted = NearestCentroid(metric="manhattan").fit(X, Y)
    with pytest.raises(UnsupportedError, match="manhattan"):
        export_graph(fitted, X)


def test_scores_that_overflow_are_refused_as_the_pipeline_refuses_them() -> None:
    fitted = OutputCodeClassifier(LogisticRegression(max_iter=500), random_state=0).fit(X, Y)
    rows = X[:2].copy()
    rows[0] = 1.797e308
    with pytest.raises(ValueError, match="infinity"):
        fitted.predict(rows)
    twin = twin_of(fitted, X)
    with pytest.raises(DomainError, match="row 0"):
        twin.run(rows)
    assert len(twin.run(rows[1:])["predict"]) == 1
