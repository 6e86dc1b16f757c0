"""Thresholds moved to float64 decide as scikit-learn's float32 comparison decides, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from onnxtwin.exporters.tree_arrays import FLOAT32_OVERFLOW, float32_thresholds, from_sklearn

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = 2.0**-149


def neighbourhood(value: float) -> list[float]:
    return [value, float(np.nextafter(value, -np.inf)), float(np.nextafter(value, np.inf))]


@pytest.mark.parametrize(
    "threshold",
    [
        0.0,
        -0.0,
        1.0,
        0.1,
        -0.1,
        1 / 3,
        16777217.0,
        1e30,
        -1e-30,
        SMALLEST,
        -SMALLEST,
        SMALLEST / 3,
        -SMALLEST / 3,
        LARGEST,
        -LARGEST,
        1e300,
        -1e300,
        np.inf,
        float(np.float32(0.1)),
        0.10000000149011613,
        0.1000000089406967,
    ],
)
def test_a_moved_threshold_decides_as_the_comparison_in_float32(threshold: float) -> None:
    moved = float32_thresholds(np.array([threshold]))[0]
    candidates = [
        threshold,
        moved,
        -threshold,
        0.0,
        SMALLEST / 2,
        -SMALLEST / 2,
        LARGEST,
        -LARGEST,
        FLOAT32_OVERFLOW,
    ]
    with np.errstate(over="ignore"):
        single = np.float32(threshold)
        for near in (
            np.nextafter(single, np.float32(np.inf)),
            np.nextafter(single, np.float32(-np.inf)),
            single,
        ):
            candidates += [float(near), (float(single) + float(near)) / 2]
        x = np.array([n for c in candidates for n in neighbourhood(c) if not np.isnan(n)])
        np.testing.assert_array_equal(x <= moved, x.astype(np.float32).astype(np.float64) <= threshold)


def test_random_thresholds_decide_as_in_float32_at_every_tie_of_rounding() -> None:
    rng = np.random.default_rng(0)
    threshold = rng.normal(size=5000) * 10.0 ** rng.integers(-40, 38, 5000)
    moved = float32_thresholds(threshold)
    single = threshold.astype(np.float32)
    for side in (-np.inf, np.inf):
        tie = (single.astype(np.float64) + np.nextafter(single, np.float32(side)).astype(np.float64)) / 2
        for x in (
            tie,
            np.nextafter(tie, np.inf),
            np.nextafter(tie, -np.inf),
            moved,
            np.nextafter(moved, np.inf),
        ):
            np.testing.assert_array_equal(x <= moved, x.astype(np.float32) <= threshold)


def test_float32_overflow_is_where_rounding_to_infinity_begins() -> None:
    with np.errstate(over="ignore"):
        assert np.isinf(np.float32(FLOAT32_OVERFLOW))
    assert np.float32(np.nextafter(FLOAT32_OVERFLOW, 0)) == np.float32(LARGEST)


def test_a_tree_taken_out_of_a_forest_is_the_tree_itself() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3))
    fitted = [
        DecisionTreeRegressor(max_depth=d, random_state=0).fit(X, X[:, 0] ** 2).tree_ for d in (1, 4, 2)
    ]
    forest = from_sklearn(fitted)
    for index, tree in enumerate(fitted):
        alone = forest.tree(index)
        np.testing.assert_array_equal(alone.left, tree.children_left)
        np.testing.assert_array_equal(alone.right, tree.children_right)
        np.testing.assert_array_equal(alone.values[:, 0], tree.value[:, 0, 0])
        assert alone.max_depth == tree.max_depth
    assert forest.max_depth == 4
    assert [int(n) for n in np.bincount(forest.tree_of_node)] == [t.node_count for t in fitted]
