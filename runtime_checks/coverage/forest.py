"""The trees of a graph as flat arrays: which way rows go, and which ways no row can go.

Reads ``TreeEnsemble`` (ai.onnx.ml 5) and the older ``TreeEnsembleClassifier`` and
``TreeEnsembleRegressor`` alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import AttributeProto, NodeProto, numpy_helper

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KINDS = ("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor")

_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
"""By number as in ``TreeEnsemble``; scikit-learn's trees and ours use the first."""

_STEPS = 2_000_000
"""Rows times trees that walk at once: some 100 MB."""


@dataclass(frozen=True)
class Visits:
    """The inner nodes that some rows came through, level by level of the trees.

    ``row``, ``node``: which row at which node; ``true``: whether it took the true branch; ``missing``:
    whether the value tested was NaN. All of one length.
    """

    row: Ints
    node: Ints
    true: Bools
    missing: Bools


@dataclass(frozen=True)
class Forest:
    """The trees of one node of the graph.

    Attributes
    ----------
    name : the graph node's.
    tensor : the matrix it reads, ``[N, n_features]``.
    roots : int64 [n_trees]; the inner node or, for a tree that is a leaf, the leaf.
    true, false : int64 [n_inner]: the children; inner nodes count from 0, leaves from ``n_inner``.
    feature, threshold, mode : [n_inner], the test; mode as in ``TreeEnsemble``.
    missing_true : bool [n_inner], whether NaN takes the true branch.
    n_leaves : their number.
    """

    name: str
    tensor: str
    roots: Ints
    true: Ints
    false: Ints
    feature: Ints
    threshold: Floats
    mode: Ints
    missing_true: Bools
    n_leaves: int
    trivial: Bools

    @property
    def n_inner(self) -> int:
        """Nodes that test something."""
        return len(self.feature)

    @cached_property
    def parent(self) -> Ints:
        """int64 [n_inner + n_leaves]: the node above, -1 for a root."""
        parent = np.full(self.n_inner + self.n_leaves, -1, np.int64)
        nodes = np.arange(self.n_inner)
        parent[self.true] = nodes
        parent[self.false] = nodes
        return parent

    @cached_property
    def by_true(self) -> Bools:
        """bool [n_inner + n_leaves]: whether the node hangs on its parent's true branch."""
        hangs = np.zeros(self.n_inner + self.n_leaves, np.bool_)
        hangs[self.true] = True
        return hangs

    @cached_property
    def tree(self) -> Ints:
        """int64 [n_inner + n_leaves]: the position in ``roots`` of the node's tree."""
        tree = np.full(self.n_inner + self.n_leaves, -1, np.int64)
        tree[self.roots] = np.arange(len(self.roots))
        level = self.roots[self.roots < self.n_inner]
        while len(level):
            below = np.concatenate([self.true[level], self.false[level]])
            tree[below] = np.tile(tree[level], 2)
            level = below[below < self.n_inner]
        return tree

    @cached_property
    def depth(self) -> Ints:
        """int64 [n_inner]: tests above the node."""
        depth = np.zeros(self.n_inner + self.n_leaves, np.int64)
        level = self.roots[self.roots < self.n_inner]
        while len(level):
            below = np.concatenate([self.true[level], self.false[level]])
            depth[below] = np.tile(depth[level] + 1, 2)
            level = below[below < self.n_inner]
        return depth[: self.n_inner]

    def outcome(self, node: Ints, values: npt.NDArray[Any]) -> Bools:
        """Whether values, one a node, take the node's true branch."""
        x, t, mode = values.astype(np.float64, copy=False), self.threshold[node], self.mode[node]
        taken = x <= t
        if self._modes != (0,):
            tests = [taken, x < t, x >= t, x > t, x == t, x != t]
            taken = np.select([mode == k for k in range(len(tests))], tests)
        return np.asarray(taken | (self.missing_true[node] & np.isnan(x)), dtype=np.bool_)

    @cached_property
    def _modes(self) -> tuple[int, ...]:
        return tuple(np.unique(self.mode).tolist())

    def visits(self, X: npt.NDArray[Any], trees: Ints | None = None) -> Iterator[Visits]:
        """Which nodes the rows come through.

        Parameters
        ----------
        X : float [N, n_features], the matrix that the graph node reads.
        trees : for each row the one tree to go through; all trees by default.
        """
        size = max(1, _STEPS // max(1, len(self.roots))) if trees is None else _STEPS
        for start in range(0, len(X), size):
            stop = min(start + size, len(X))
            if trees is None:
                row = np.repeat(np.arange(start, stop), len(self.roots))
                node = np.tile(self.roots, stop - start)
            else:
                row, node = np.arange(start, stop), self.roots[trees[start:stop]]
            yield from self._walk(X, row, node)

    def _walk(self, X: npt.NDArray[Any], row: Ints, node: Ints) -> Iterator[Visits]:
        inside = node < self.n_inner
        row, node = row[inside], node[inside]
        while len(row):
            values = X[row, self.feature[node]]
            true = self.outcome(node, values)
            yield Visits(row, node, true, np.isnan(values))
            node = np.where(true, self.true[node], self.false[node])
            inside = node < self.n_inner
            row, node = row[inside], node[inside]

    def path(self, node: int) -> tuple[Ints, Bools]:
        """The inner nodes above a node, from the root down, and the branch taken at each."""
        nodes: list[int] = []
        sides: list[bool] = []
        while self.parent[node] >= 0:
            sides.append(bool(self.by_true[node]))
            node = int(self.parent[node])
            nodes.append(node)
        return np.array(nodes[::-1], np.int64), np.array(sides[::-1], np.bool_)

    def impossible(self, single: bool) -> tuple[Bools, Bools, Bools]:
        """Which true branches, false branches and missing values contradict the tests above; bool [n_inner].

        Only the tests ``<=`` of the same column are weighed. A missing value comes to a node unless a test of
        its column above sends missing values elsewhere, and makes the branch that it takes possible.

        Parameters
        ----------
        single : whether the matrix holds float32 values only, so that a branch is impossible where
            no float32 lies between two thresholds.
        """
        low = np.full(self.n_inner, -np.inf)
        high = np.full(self.n_inner, np.inf)
        nan = np.ones(self.n_inner, np.bool_)
        plain = self.mode == 0
        at = np.arange(self.n_inner)
        above = self.parent[: self.n_inner].copy()
        side = self.by_true[: self.n_inner].copy()
        going = above >= 0
        while going.any():
            here, up, went = at[going], above[going], side[going]
            same = (self.feature[here] == self.feature[up]) & plain[up] & plain[here]
            t = self.threshold[up]
            high[here] = np.where(same & went, np.minimum(high[here], t), high[here])
            low[here] = np.where(same & ~went, np.maximum(low[here], t), low[here])
            nan[here] &= ~same | (self.missing_true[up] == went)
            side[going] = self.by_true[up]
            above[going] = self.parent[up]
            going = above >= 0
        t = self.threshold
        below, over = (_down(t), _up(t)) if single else (t, np.nextafter(t, np.inf))
        # True: some x with low < x <= t. False: some x with t < x <= high.
        none_true = plain & (np.minimum(below, _down(high) if single else high) <= low)
        none_false = plain & (np.maximum(over, _up(low) if single else low) > high)
        none_true &= ~(nan & self.missing_true)
        none_false &= ~(nan & ~self.missing_true)
        none_true, none_false = self._with_descendants(none_true, none_false)
        return none_true, none_false, ~nan | (none_true & none_false)

    def _with_descendants(self, none_true: Bools, none_false: Bools) -> tuple[Bools, Bools]:
        level = self.roots[self.roots < self.n_inner]
        while len(level):
            for child, none in ((self.true[level], none_true[level]), (self.false[level], none_false[level])):
                inner = child < self.n_inner
                none_true[child[inner]] |= none[inner]
                none_false[child[inner]] |= none[inner]
            below = np.concatenate([self.true[level], self.false[level]])
            level = below[below < self.n_inner]
        return none_true, none_false


def _down(t: Floats) -> Floats:
    """The greatest float32 not above ``t``, as float64."""
    with np.errstate(over="ignore"):
        rounded = t.astype(np.float32)
    return np.where(rounded > t, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float64)


def _up(t: Floats) -> Floats:
    """The smallest float32 above ``t``, as float64."""
    return np.nextafter(_down(t).astype(np.float32), np.float32(np.inf)).astype(np.float64)


def forest_of(node: NodeProto) -> Forest:
    """The trees of a ``TreeEnsemble`` node, or of an older one."""
    attributes = {a.name: _value(a) for a in node.attribute}
    if node.op_type == "TreeEnsemble":
        return _of_five(node, attributes)
    return _of_older(node, attributes)


def _value(attribute: AttributeProto) -> Any:
    if attribute.type == AttributeProto.TENSOR:
        return numpy_helper.to_array(attribute.t)
    if attribute.type == AttributeProto.INTS:
        return np.array(attribute.ints, np.int64)
    if attribute.type == AttributeProto.FLOATS:
        return np.array(attribute.floats, np.float32)
    if attribute.type == AttributeProto.STRINGS:
        return [text.decode() for text in attribute.strings]
    return attribute.i


def _of_five(node: NodeProto, attributes: dict[str, Any]) -> Forest:
    feature = attributes["nodes_featureids"]
    n = len(feature)
    weights = np.asarray(attributes["leaf_weights"], np.float64)

    def child(side: str) -> Ints:
        return np.asarray(attributes[f"nodes_{side}nodeids"] + n * attributes[f"nodes_{side}leafs"], np.int64)

    true, false = child("true"), child("false")
    ends = (true >= n) & (false >= n)
    # A tree that is one leaf is written as a test between two equal leaves; it decides nothing.
    trivial = np.zeros(n, np.bool_)
    trivial[ends] = weights[true[ends] - n] == weights[false[ends] - n]
    missing = attributes.get("nodes_missing_value_tracks_true", np.zeros(n, np.int64))
    return Forest(
        node.name,
        node.input[0],
        attributes["tree_roots"],
        true,
        false,
        feature,
        np.asarray(attributes["nodes_splits"], np.float64),
        np.asarray(attributes["nodes_modes"], np.int64),
        np.asarray(missing, np.bool_),
        len(weights),
        trivial,
    )


def _of_older(node: NodeProto, attributes: dict[str, Any]) -> Forest:
    tree, number = attributes["nodes_treeids"], attributes["nodes_nodeids"]
    modes = np.array(attributes["nodes_modes"])
    leaf = modes == "LEAF"
    order = np.where(leaf, np.cumsum(leaf) - 1 + int((~leaf).sum()), np.cumsum(~leaf) - 1)
    place = {
        key: int(o) for key, o in zip(zip(tree.tolist(), number.tolist(), strict=True), order, strict=True)
    }
    inner = np.flatnonzero(~leaf)

    def child(side: str) -> Ints:
        ids = attributes[f"nodes_{side}nodeids"]
        return np.array([place[int(tree[i]), int(ids[i])] for i in inner], np.int64)

    values = attributes.get("nodes_values_as_tensor", attributes.get("nodes_values"))
    missing = attributes.get("nodes_missing_value_tracks_true")
    _, first = np.unique(tree, return_index=True)
    return Forest(
        node.name,
        node.input[0],
        np.asarray(order[first], np.int64),
        child("true"),
        child("false"),
        attributes["nodes_featureids"][inner],
        np.asarray(values, np.float64)[inner],
        np.array([_MODES.index(mode) for mode in modes[inner]], np.int64),
        np.zeros(len(inner), np.bool_) if missing is None else np.asarray(missing, np.bool_)[inner],
        int(leaf.sum()),
        np.zeros(len(inner), np.bool_),
    )
