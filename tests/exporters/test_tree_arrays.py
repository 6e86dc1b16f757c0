"""Fitted trees as arrays."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from onnxtwin.exporters.tree_arrays import from_sklearn


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
