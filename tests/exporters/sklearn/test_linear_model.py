"""Linear classifiers answer the class with the best score, whatever names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from parity import assert_twin_equal
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.svm import LinearSVC

X, SPECIES = load_iris(return_X_y=True)

NAMES: dict[str, Any] = {
    "texts as objects": np.array(["setosa", "versicolor", "virginica"], dtype=object),
    "texts of one width": np.array(["setosa", "versicolor", "virginica"]),
    "numbers": np.array([7, 3, 5]),
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(max_iter=300),
        LinearDiscriminantAnalysis(),
        LinearSVC(random_state=0),
        SGDClassifier(random_state=0),
        Perceptron(random_state=0),
        RidgeClassifier(),
    ],
    ids=lambda c: type(c).__name__,
)
def test_a_linear_classifier_answers_its_classes(
    classifier: ClassifierMixin, classes: int, names: str
) -> None:
    rows = classes > SPECIES
    classifier.fit(X[rows], NAMES[names][SPECIES[rows]])
    assert_twin_equal(classifier, X[rows], methods=["predict", "decision_function"])
