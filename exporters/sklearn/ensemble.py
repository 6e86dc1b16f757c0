"""``sklearn.ensemble``: forests and boosting as sums of trees, added in scikit-learn's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest, VotingClassifier
from sklearn.ensemble._forest import BaseForest, ForestClassifier, ForestRegressor
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.ensemble._iforest import _average_path_length
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.code import real_class
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.sklearn.tree import added, by_output, leaves, recorded
from onnxtwin.exporters.trace import require_trace
from onnxtwin.exporters.tree_arrays import from_histogram, from_sklearn


@exports(ForestClassifier, "predict_proba")
def forest_classifier_predict_proba(self: Any, X: Any) -> Any:
    X = self._validate_X_predict(X)
    _require_own(self.estimators_, DecisionTreeClassifier, "predict_proba")
    total = added(self.estimators_, X)
    all_proba = [part / len(self.estimators_) for part in by_output(self, total)]
    return all_proba[0] if len(all_proba) == 1 else all_proba


@exports(ForestRegressor, "predict")
def forest_regressor_predict(self: Any, X: Any) -> Any:
    X = self._validate_X_predict(X)
    _require_own(self.estimators_, DecisionTreeRegressor, "predict")
    y_hat = added(self.estimators_, X) / len(self.estimators_)
    return y_hat if self.n_outputs_ > 1 else y_hat[:, 0]


@exports(BaseForest, "apply")
def forest_apply(self: Any, X: Any) -> Any:
    X = self._validate_X_predict(X)
    _require_own(self.estimators_, DecisionTreeClassifier, "apply")
    return leaves(self.estimators_, X)


@exports(BaseHistGradientBoosting, "_predict_iterations", verified=False)
def hist_gradient_boosting_predict_iterations(
    self: Any, X: Any, predictors: Any, raw_predictions: Any, is_binned: bool, n_threads: int
) -> None:
    stages = [predictor for iteration in predictors for predictor in iteration]
    columns = len(predictors[0])
    with require_trace().paused():
        known_cat_bitsets, f_idx_map = self._bin_mapper.make_known_categories_bitsets()
        total = raw_predictions.value.copy()
        for number, predictor in enumerate(stages):
            total[:, number % columns] += predictor.predict(X.value, known_cat_bitsets, f_idx_map, 1)
    trees = from_histogram(stages, X.shape[1], known_cat_bitsets, f_idx_map)
    raw_predictions[...] = recorded(trees, X, total, _start(raw_predictions), columns)


@exports(BaseGradientBoosting, "_raw_predict")
def gradient_boosting_raw_predict(self: Any, X: Any) -> Any:
    raw_predictions = self._raw_predict_init(X)
    stages = [estimator.tree_ for estimator in self.estimators_.ravel()]
    columns = self.estimators_.shape[1]
    with require_trace().paused():
        total = raw_predictions.value.copy()
        for number, tree in enumerate(stages):
            total[:, number % columns] += self.learning_rate * tree.predict(X.value)[:, 0]
    trees = from_sklearn(stages)
    trees = trees.with_values(self.learning_rate * trees.values)
    return recorded(trees, X, total, _start(raw_predictions), columns)


@exports(IsolationForest, "_compute_chunked_score_samples")
def isolation_forest_score_samples(self: Any, X: Any) -> Any:
    _require_own(self.estimators_, ExtraTreeRegressor, "apply")
    fitted = [estimator.tree_ for estimator in self.estimators_]
    depths = [
        lengths + averages - 1.0
        for lengths, averages in zip(
            self._decision_path_lengths, self._average_path_length_per_tree, strict=True
        )
    ]
    with require_trace().paused():
        total = np.zeros(len(X.value))
        for tree, columns, depth in zip(fitted, self.estimators_features_, depths, strict=True):
            total += depth[tree.apply(X.value[:, columns])]
        denominator = len(fitted) * _average_path_length([self._max_samples])
    trees = from_sklearn(fitted).with_values(np.concatenate(depths)[:, np.newaxis])
    columns = np.asarray(self.estimators_features_)[trees.tree_of_node, trees.feature]
    summed = recorded(replace(trees, feature=columns), X, total[:, np.newaxis])[:, 0]
    # A forest fitted on one row has no depths: scikit-learn calls every row an average one.
    return 2 ** -(summed / denominator if denominator else np.ones_like(summed))


@exports(VotingClassifier, "predict")
def voting_classifier_predict(self: Any, X: Any) -> Any:
    if self.voting == "soft":
        votes = self.predict_proba(X)
    else:
        # np.bincount adds the weights voter by voter, as this does.
        predictions = self._predict(X)
        weights = self._weights_not_none or [1] * predictions.shape[1]
        votes = np.column_stack(
            [
                sum(
                    np.where(predictions[:, voter] == label, weight, 0)
                    for voter, weight in enumerate(weights)
                )
                for label in range(len(self.classes_))
            ]
        )
    return self.le_.inverse_transform(np.argmax(votes, axis=1))


def _start(raw_predictions: Array) -> Any:
    """Where the sum starts: an ndarray if it is the same in all rows, else traced."""
    if not raw_predictions.is_constant:
        return raw_predictions.copy()
    first: Any = raw_predictions.value[0]
    return first if (raw_predictions.value == first).all() else raw_predictions.copy()


def _require_own(estimators: Sequence[Any], kind: type, method: str) -> None:
    """A forest's leaves are read directly: its trees must answer by scikit-learn's own method."""
    for estimator in estimators:
        if getattr(real_class(type(estimator)), method) is not getattr(kind, method):
            raise require_trace().unsupported(
                f"{type(estimator).__name__} overrides {method} of a tree in a forest",
                "export a forest of scikit-learn's own trees",
            )
