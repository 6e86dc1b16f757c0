"""Fitted decision trees as one set of flat arrays, whatever library grew them.

:class:`Trees` keeps the library's own node numbering, so that ``apply`` answers what the library
answers. ``from_sklearn`` and ``from_histogram`` read scikit-learn's two kinds of tree; neither
imports scikit-learn. ``onnxtwin.exporters.tree_ensemble`` turns the arrays into a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_CODES = 256
"""Histogram gradient boosting keeps a category's code in one byte."""


@dataclass(frozen=True)
class Trees:
    """Binary decision trees, one behind the other; inner nodes and leaves share one numbering.

    A row goes left where ``x[feature] <= threshold`` or, in a categorical node, where
    ``members[member_row][x[feature]]``; a missing value (NaN) goes where ``missing_left`` says.

    Attributes
    ----------
    roots : int64 [n_trees], ascending: the first node of each tree, which is its root.
    left, right : int64 [n_nodes]: the children as positions in these arrays, -1 in a leaf.
    feature : int64 [n_nodes]: column tested; arbitrary in a leaf.
    threshold : float64 [n_nodes]: compared with the column *in float64*; arbitrary in a leaf.
    missing_left : bool [n_nodes].
    values : float64 [n_nodes, n_values]: what a leaf answers; arbitrary in an inner node.
    n_features : number of columns the trees were fitted on.
    member_row : int64 [n_nodes]: row of ``members`` and ``known``; -1 in a numeric node.
    members : bool [n_categorical_nodes, 256]: codes that go left.
    known : bool [n_categorical_nodes, 256]: codes seen while fitting; others count as missing.
    """

    roots: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    values: NDArray[np.float64]
    n_features: int
    member_row: NDArray[np.int64]
    members: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def n_trees(self) -> int:
        return len(self.roots)

    @property
    def n_nodes(self) -> int:
        """Inner nodes and leaves of all trees together."""
        return len(self.left)

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """bool [n_nodes]."""
        return self.left < 0

    @property
    def tree_of_node(self) -> NDArray[np.int64]:
        """int64 [n_nodes]: the tree a node belongs to."""
        sizes = np.diff(np.append(self.roots, self.n_nodes))
        return np.repeat(np.arange(self.n_trees), sizes)

    @property
    def max_depth(self) -> int:
        """Splits on the way to the deepest leaf; 0 if no tree splits."""
        depth = 0
        level = self.roots[self.left[self.roots] >= 0]
        while len(level):
            depth += 1
            level = np.concatenate([self.left[level], self.right[level]])
            level = level[self.left[level] >= 0]
        return depth

    def with_values(self, values: NDArray[np.float64]) -> Trees:
        """The same trees with other leaf values, float64 [n_nodes, n_values]."""
        return replace(self, values=values)

    def tree(self, index: int) -> Trees:
        """One tree alone, its nodes numbered from 0 as in the library that grew it."""
        first = int(self.roots[index])
        last = int(self.roots[index + 1]) if index + 1 < self.n_trees else self.n_nodes
        part = slice(first, last)
        leaf = self.left[part] < 0
        return replace(
            self,
            roots=np.zeros(1, np.int64),
            left=np.where(leaf, -1, self.left[part] - first),
            right=np.where(leaf, -1, self.right[part] - first),
            feature=self.feature[part],
            threshold=self.threshold[part],
            missing_left=self.missing_left[part],
            values=self.values[part],
            member_row=self.member_row[part],
        )


def from_sklearn(trees: Sequence[Any]) -> Trees:
    """scikit-learn's ``Tree`` objects (``estimator.tree_``) as :class:`Trees`.

    scikit-learn's trees round their input to float32 and compare it with a float64 threshold
    (``sklearn/tree/_tree.pyx``, ``_apply_dense``): give the graph such rounded values, as float64.
    ``values`` is ``tree_.value`` flattened to [n_nodes, n_outputs * max_n_classes].
    """
    sizes = [tree.node_count for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    nodes = np.concatenate([tree.__getstate__()["nodes"] for tree in trees])
    first = np.repeat(roots, sizes)
    leaf = nodes["left_child"] < 0
    n_nodes = len(nodes)
    return Trees(
        roots=roots,
        left=np.where(leaf, -1, nodes["left_child"] + first),
        right=np.where(leaf, -1, nodes["right_child"] + first),
        feature=np.where(leaf, 0, nodes["feature"]).astype(np.int64),
        threshold=np.where(leaf, 0.0, nodes["threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool) & ~leaf,
        values=np.concatenate([tree.value.reshape(tree.node_count, -1) for tree in trees]),
        n_features=int(trees[0].n_features),
        member_row=np.full(n_nodes, -1, np.int64),
        members=np.zeros((0, N_CODES), bool),
        known=np.zeros((0, N_CODES), bool),
    )


def from_histogram(
    predictors: Sequence[Any],
    n_features: int,
    known_cat_bitsets: NDArray[np.uint32],
    f_idx_map: NDArray[np.uint32],
) -> Trees:
    """scikit-learn's histogram boosting ``TreePredictor`` objects as :class:`Trees`.

    Parameters
    ----------
    predictors : in the order in which their answers are added.
    n_features : columns of the preprocessed matrix, categorical ones first.
    known_cat_bitsets : uint32 [n_categorical_features, 8], and
    f_idx_map : uint32 [n_features]: both from ``_bin_mapper.make_known_categories_bitsets()``.

    Values are compared in float64 (``_predictor.pyx``). A category is a whole number from 0 to
    255 or NaN, as the estimator's own ordinal encoder makes them; negative and unseen codes
    follow the missing value.
    """
    sizes = [len(p.nodes) for p in predictors]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    nodes = np.concatenate([p.nodes for p in predictors])
    first = np.repeat(roots, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    categorical = nodes["is_categorical"].astype(bool) & ~leaf
    sets = [len(p.raw_left_cat_bitsets) for p in predictors]
    set_start = np.repeat(np.concatenate([[0], np.cumsum(sets)[:-1]]).astype(np.int64), sizes)
    feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64)

    # One row a categorical node, in node order, whatever order the predictors keep theirs in.
    all_sets = np.concatenate([np.reshape(p.raw_left_cat_bitsets, (-1, 8)) for p in predictors])
    rows = (set_start + nodes["bitset_idx"])[categorical]
    member_row = np.full(len(nodes), -1, np.int64)
    member_row[categorical] = np.arange(len(rows))
    known = np.asarray(known_cat_bitsets, np.uint32).reshape(-1, 8)
    return Trees(
        roots=roots,
        left=np.where(leaf, -1, nodes["left"].astype(np.int64) + first),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64) + first),
        feature=feature,
        threshold=np.where(leaf | categorical, 0.0, nodes["num_threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool) & ~leaf,
        values=nodes["value"].astype(np.float64).reshape(-1, 1),
        n_features=n_features,
        member_row=member_row,
        members=_codes(all_sets[rows]),
        known=_codes(known[f_idx_map[feature[categorical]]]) if categorical.any() else _codes(known[:0]),
    )


def _codes(bitsets: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """uint32 [n, 8] bitsets as bool [n, 256]: bit `v % 32` of word `v // 32` says whether `v` is in."""
    bits = bitsets[:, :, None] >> np.arange(32, dtype=np.uint32)
    return (bits & 1).astype(bool).reshape(-1, N_CODES)
