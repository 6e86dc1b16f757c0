"""The nearest of the fitted points is the one that scikit-learn's compiled code finds."""

from __future__ import annotations

import numpy as np
import pytest
from parity import assert_twin_equal
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OutputCodeClassifier
from sklearn.neighbors import NearestCentroid

from onnxtwin.exporters import export_graph
from onnxtwin.exporters.errors import UnsupportedError

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
