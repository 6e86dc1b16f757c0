"""Decision trees: every target, missing values, and the pipeline's own rounding to float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from parity import assert_both_refuse, assert_twin_equal, twin_of
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from sklearn.tree._tree import Tree

from onnxtwin.exporters.errors import UnsupportedError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(150, 4))
X_MISSING = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
Y = X[:, 0] ** 2 + np.sin(3 * X[:, 1])
CLASS = np.digitize(Y, [0.0, 1.0])
ROWS = np.vstack([X_MISSING, RNG.normal(size=(300, 4)), np.full((1, 4), np.nan)])

TARGETS = {
    "text": np.array(["low", "middle", "high"])[CLASS],
    "integers": CLASS * 10 - 5,
    "booleans": CLASS > 0,
    "objects": np.array(["low", "middle", "high"], dtype=object)[CLASS],
    "one class": np.full(len(X), "only"),
    "two outputs": np.column_stack([CLASS, X[:, 2] > 0]).astype(int),
    "two texts": np.array(["no", "maybe", "yes"])[np.column_stack([CLASS, (X[:, 2] > 0) * 1])],
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("tree", [DecisionTreeClassifier, ExtraTreeClassifier])
def test_a_classifier_answers_labels_and_probabilities(tree: type[Any], target: str) -> None:
    model = tree(max_depth=4, random_state=0).fit(X_MISSING, TARGETS[target])
    assert_twin_equal(model, X_MISSING, ROWS, methods=["predict", "predict_proba"])


def test_logarithms_of_probabilities_are_minus_infinity_in_pure_leaves() -> None:
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X_MISSING, TARGETS["text"])
    with np.errstate(divide="ignore"):
        assert np.isneginf(model.predict_log_proba(ROWS)).any()
        assert_twin_equal(model, X_MISSING, ROWS, methods=["predict_log_proba"])


@pytest.mark.parametrize("y", [Y, np.column_stack([Y, -Y])], ids=["one output", "two outputs"])
@pytest.mark.parametrize("tree", [DecisionTreeRegressor, ExtraTreeRegressor])
def test_a_regressor_answers_values(tree: type[Any], y: np.ndarray) -> None:
    assert_twin_equal(tree(random_state=0).fit(X_MISSING, y), X_MISSING, ROWS)


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
def test_every_criterion_is_answered(criterion: str) -> None:
    model = DecisionTreeRegressor(criterion=criterion, max_depth=3).fit(X, np.abs(Y))
    assert_twin_equal(model, X, RNG.normal(size=(100, 4)))


def test_sample_weights_and_pruning_are_in_the_tree() -> None:
    model = DecisionTreeClassifier(ccp_alpha=0.01, class_weight="balanced", random_state=0)
    model.fit(X, TARGETS["text"], sample_weight=RNG.random(len(X)))
    assert_twin_equal(model, X, RNG.normal(size=(100, 4)))


def test_values_beside_a_threshold_are_rounded_to_float32_first() -> None:
    model = DecisionTreeRegressor(random_state=0).fit(X, Y)
    inner = model.tree_.children_left >= 0
    rows = []
    for feature, threshold in zip(model.tree_.feature[inner], model.tree_.threshold[inner], strict=True):
        single = np.float32(threshold)
        ties = [(np.float64(single) + np.nextafter(single, np.float32(s))) / 2 for s in (-np.inf, np.inf)]
        for value in (threshold, *ties):
            for exact in (value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)):
                row = X[len(rows) % len(X)].copy()
                row[feature] = exact
                rows.append(row)
    assert_twin_equal(model, X, np.array(rows))


def test_large_integers_are_rounded_once() -> None:
    # 2**60 + 2**36 + 1 rounds up to float32; rounded to float64 first it would be a tie and round down.
    columns = pd.DataFrame({"id": np.array([2**60, 2**60 + 2**37, 2**60 + 2**38] * 4)})
    model = DecisionTreeRegressor().fit(columns, [0.0, 1.0, 2.0] * 4)
    near = [2**60 + k * 2**36 + d for k in range(5) for d in (-1, 0, 1)]
    assert_twin_equal(model, columns, pd.DataFrame({"id": near}))


def test_a_tree_fitted_without_missing_values_answers_them() -> None:
    assert_twin_equal(DecisionTreeRegressor(max_depth=5).fit(X, Y), X, ROWS)


def test_a_tree_under_monotonic_constraints_answers() -> None:
    assert_twin_equal(DecisionTreeRegressor(max_depth=5, monotonic_cst=[1, 0, 0, -1]).fit(X, Y), X, ROWS)


def test_a_tree_refuses_what_float32_cannot_hold() -> None:
    model = DecisionTreeRegressor(max_depth=3).fit(X_MISSING, Y)
    session = assert_twin_equal(model, X_MISSING, np.array([[3.4e38, np.nan, -3.4e38, 1e-320]]))
    rows = X[:3].copy()
    rows[:, 2] = 3.5e38, -1e39, np.inf
    with np.errstate(over="ignore"):
        assert_both_refuse(session, model, rows)


def test_trees_behind_preprocessing_see_what_the_pipeline_computes() -> None:
    frame = pd.DataFrame(X_MISSING, columns=["a", "b", "c", "d"])
    model = make_pipeline(SimpleImputer(), StandardScaler(), DecisionTreeClassifier(random_state=0))
    model.fit(frame, TARGETS["text"])
    assert_twin_equal(model, frame, pd.DataFrame(ROWS, columns=frame.columns))


def staircase(depth: int) -> DecisionTreeRegressor:
    """A fitted tree whose every inner node has a leaf on its left: ``x <= 0``, ``x <= 1``, ..."""
    model = DecisionTreeRegressor(max_depth=1).fit([[0.0], [1.0]], [0.0, 1.0])
    state = model.tree_.__getstate__()
    nodes = np.zeros(2 * depth + 1, state["nodes"].dtype)
    nodes["left_child"] = nodes["right_child"] = -1
    inner = np.arange(depth)
    nodes["threshold"][:depth] = inner
    nodes["left_child"][:depth] = depth + inner
    nodes["right_child"][:depth] = np.append(inner[1:], 2 * depth)
    values = np.arange(len(nodes), dtype=np.float64).reshape(-1, 1, 1)
    model.tree_ = Tree(1, np.array([1]), 1)
    model.tree_.__setstate__({"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values})
    return model


def test_a_tree_of_a_thousand_levels_is_answered() -> None:
    rows = RNG.uniform(-3, 1003, (200, 1))
    assert_twin_equal(staircase(1000), rows, np.vstack([rows, [[0.0], [999.0]]]))


def test_a_tree_deeper_than_a_runtime_can_load_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="1,001 levels deep"):
        twin_of(staircase(1001), RNG.uniform(0, 1001, (50, 1)))
