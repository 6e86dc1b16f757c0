"""``sklearn.tree``: compiled trees become ``TreeEnsemble`` nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._classes import BaseDecisionTree

from onnxtwin.exporters import tree_ensemble
from onnxtwin.exporters.array import Array, record
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.trace import require_trace
from onnxtwin.exporters.tree_arrays import Trees, from_sklearn


@exports(BaseDecisionTree, "predict")
def decision_tree_predict(self: Any, X: Any, check_input: bool = True) -> Any:
    X = self._validate_X_predict(X, check_input)
    proba = leaf_values(self, X)
    if not is_classifier(self):
        return proba[:, 0] if self.n_outputs_ == 1 else proba
    if self.n_outputs_ == 1:
        return self.classes_.take(np.argmax(proba, axis=1), axis=0)
    found = [
        classes.take(np.argmax(part, axis=1), axis=0)
        for classes, part in zip(self.classes_, by_output(self, proba), strict=True)
    ]
    return np.column_stack(found)


@exports(DecisionTreeClassifier, "predict_proba")
def decision_tree_predict_proba(self: Any, X: Any, check_input: bool = True) -> Any:
    X = self._validate_X_predict(X, check_input)
    all_proba = by_output(self, leaf_values(self, X))
    return all_proba[0] if self.n_outputs_ == 1 else all_proba


@exports(BaseDecisionTree, "apply")
def decision_tree_apply(self: Any, X: Any, check_input: bool = True) -> Any:
    X = self._validate_X_predict(X, check_input)
    return leaves([self], X)[:, 0]


def by_output(self: Any, values: Array) -> list[Array]:
    """Class values [N, n_outputs * max_n_classes] as an array [N, n_classes] for each output."""
    n_classes = np.atleast_1d(self.n_classes_).tolist()
    width = max(n_classes)
    return [values[:, k * width : k * width + n] for k, n in enumerate(n_classes)]


def leaf_values(self: Any, X: Array) -> Array:
    """``tree_.predict`` in two dimensions: float64 [N, n_outputs * max_n_classes]."""
    return added([self], X)


def added(estimators: Sequence[Any], X: Array) -> Array:
    """The sum of what the trees' leaves hold, first to last: float64 [N, n_outputs * max_n_classes].

    ``X`` is float32, as ``_validate_X_predict`` makes it.
    """
    fitted = [estimator.tree_ for estimator in estimators]
    with require_trace().paused():
        total = _flat(fitted[0].predict(X.value))
        for tree in fitted[1:]:
            total = total + _flat(tree.predict(X.value))
    return recorded(from_sklearn(fitted), X, total)


def recorded(trees: Trees, X: Array, real: NDArray[np.float64], start: Any = None, columns: int = 1) -> Array:
    """``sum_of_trees`` on a traced matrix, float32 or float64; ``start`` may be a traced array, too."""
    X = X.astype(np.float64, copy=False)
    if type(start) is Array:
        return record(
            f"{trees.n_trees} trees",
            real,
            lambda x, s: tree_ensemble.sum_of_trees(x, trees, start=s, columns=columns),
            X,
            start,
        )
    return record(
        f"{trees.n_trees} trees",
        real,
        lambda x: tree_ensemble.sum_of_trees(x, trees, start=start, columns=columns),
        X,
    )


def leaves(estimators: Sequence[Any], X: Array) -> Array:
    """The leaf each row falls into, int64 [N, n_estimators], by scikit-learn's node numbers."""
    fitted = [estimator.tree_ for estimator in estimators]
    with require_trace().paused():
        real = np.column_stack([tree.apply(X.value) for tree in fitted])
    trees = from_sklearn(fitted)
    return record("leaves", real, lambda x: tree_ensemble.apply(x, trees), X.astype(np.float64, copy=False))


def _flat(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(len(values), int(np.prod(values.shape[1:])))
