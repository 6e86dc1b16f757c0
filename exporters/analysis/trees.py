"""The trees of one node over many boxes of rows: which leaves they can reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnx

from onnxtwin.exporters.analysis import intervals as iv
from onnxtwin.exporters.analysis.graph import Array, attribute
from onnxtwin.exporters.analysis.intervals import Interval

MOST_WAYS = 50_000_000
"""Boxes times splits and leaves that are looked at together."""

LESS = 1
"""The mode of a split that asks ``<`` instead of ``<=``."""


@dataclass(frozen=True)
class Ways:
    """What can happen in each box, ``[boxes, nodes]`` and ``[boxes, leaves]``."""

    true: Array
    false: Array
    nodes: Array
    leaves: Array


class Trees:
    """A ``TreeEnsemble`` whose splits ask ``<=`` or ``<``."""

    def __init__(self, node: onnx.NodeProto) -> None:
        def array(name: str) -> Array:
            value = attribute(node, name)
            return np.asarray([] if value is None else value)

        self.features, self.splits = array("nodes_featureids"), array("nodes_splits").astype(np.float64)
        count = len(self.splits)
        tracks = array("nodes_missing_value_tracks_true")
        self.nan_true = tracks.astype(bool) if len(tracks) else np.zeros(count, bool)
        self.modes = array("nodes_modes").astype(int)
        self.children = {side: array(f"nodes_{side}nodeids").astype(int) for side in ("true", "false")}
        self.ends = {side: array(f"nodes_{side}leafs").astype(bool) for side in ("true", "false")}
        self.roots = array("tree_roots").astype(int)
        self.targets, self.weights = (
            array("leaf_targetids").astype(int),
            array("leaf_weights").astype(np.float64),
        )
        self.n_targets = int(attribute(node, "n_targets"))
        aggregate = attribute(node, "aggregate_function")
        self.sums = aggregate in (None, 1) and not attribute(node, "post_transform")
        self.plain = bool((self.modes <= LESS).all())

    @cached_property
    def _groups(self) -> list[tuple[int, Array, float]]:
        """Per target and tree: the leaves, and a power of two that each weight is a multiple of."""
        owners = self._owners()
        order = np.lexsort((owners, self.targets))
        key = np.stack([self.targets[order], owners[order]])
        starts = np.flatnonzero((np.diff(key, axis=1) != 0).any(0)) + 1
        grains = iv.constant(self.weights).grain
        return [
            (int(self.targets[leaves[0]]), leaves, float(grains[leaves].min(initial=1.0)))
            for leaves in np.split(order, starts)
            if len(leaves)
        ]

    @cached_property
    def _asked(self) -> Array:
        """Which targets the tree of each split answers, ``[splits, targets]``."""
        owners = self._owner_of_nodes()
        answers = np.zeros((int(owners.max(initial=-1)) + 1, self.n_targets), np.float32)
        answers[self._owners(), self.targets] = 1
        return answers[owners]

    @cached_property
    def _given(self) -> Array:
        return np.asarray(self.targets[:, None] == np.arange(self.n_targets), np.float32)

    def room(self, eps: float) -> Array:
        """How far two orders of adding the trees can be apart, per target, whichever leaves are reached."""
        added, size = np.zeros((2, self.n_targets))
        grain = np.ones(self.n_targets)
        for target, leaves, finest in self._groups:
            added[target] += 1
            size[target] += np.abs(self.weights[leaves]).max()
            grain[target] = min(grain[target], finest)
        exact = (added <= 1) | ((grain > 0) & (size < iv.WHOLE_IN_DOUBLE * iv.EPS / eps * grain))
        return np.where(exact, 0.0, added * eps * size)

    @cached_property
    def _order(self) -> list[Array]:
        """Splits in an order in which each comes after the one above it, level by level."""
        levels, here = [], self.roots
        while len(here):
            levels.append(here)
            here = np.concatenate([self.children[s][here][~self.ends[s][here]] for s in ("true", "false")])
        return levels

    def _owners(self) -> Array:
        tree = np.full(len(self.splits), -1)
        tree[self.roots] = np.arange(len(self.roots))
        leaf = np.full(len(self.weights), -1)
        for level in self._order:
            for side in ("true", "false"):
                ends = self.ends[side][level]
                tree[self.children[side][level][~ends]] = tree[level[~ends]]
                leaf[self.children[side][level][ends]] = tree[level[ends]]
        return leaf

    def ways(self, given: Interval) -> Ways:
        """Which splits and leaves some row of each box reaches."""
        lo, hi, nan = (a[:, self.features] for a in (given.lo, given.hi, given.nan))
        number = lo <= hi
        strict = self.modes == LESS
        below = np.where(strict, lo < self.splits, lo <= self.splits)
        above = np.where(strict, hi >= self.splits, hi > self.splits)
        true = (number & below) | (nan & self.nan_true)
        false = (number & above) | (nan & ~self.nan_true)
        nodes = np.zeros(true.shape, bool)
        nodes[:, self.roots] = True
        leaves = np.zeros((len(true), len(self.weights)), bool)
        for level in self._order:
            for side, way in (("true", true), ("false", false)):
                child, end = self.children[side][level], self.ends[side][level]
                reached = nodes[:, level] & way[:, level]
                nodes[:, child[~end]] = reached[:, ~end]
                leaves[:, child[end]] |= reached[:, end]
        return Ways(true, false, nodes, leaves)

    def leaves(self, given: Interval, eps: float = iv.EPS) -> Interval | None:
        """Bounds of every target, ``[boxes, targets]``; ``eps``: of the type that the trees are added in."""
        if not self.plain or not self.sums:
            return None
        most = max(1, MOST_WAYS // max(1, len(self.splits) + len(self.weights)))
        if len(given.lo) > most:
            parts = [given.at(slice(i, i + most)) for i in range(0, len(given.lo), most)]
            found = [self.leaves(part, eps) for part in parts]
            arrays = zip(*(v.arrays for v in found if v is not None), strict=True)
            return Interval.of(np.concatenate(same) for same in arrays)
        ways = self.ways(given)
        boxes = len(ways.leaves)
        low, high = np.zeros((boxes, self.n_targets)), np.zeros((boxes, self.n_targets))
        added, size = np.zeros(self.n_targets, int), np.zeros((boxes, self.n_targets))
        grain = np.ones(self.n_targets)
        for target, chosen, finest in self._groups:
            grain[target] = min(grain[target], finest)
            reached, weights = ways.leaves[:, chosen], self.weights[chosen]
            least = np.where(reached, weights, np.inf).min(1)
            most = np.where(reached, weights, -np.inf).max(1)
            everywhere = reached.any(1)
            low[:, target] += np.where(everywhere, least, 0.0)
            high[:, target] += np.where(everywhere, most, 0.0)
            size[:, target] += np.maximum(np.abs(low[:, target]), np.abs(high[:, target]))
            added[target] += 1
        exact = (added <= 1) | ((grain > 0) & (size < iv.WHOLE_IN_DOUBLE * grain))
        room = np.where(exact, 0.0, added * eps * size)
        return iv.made(low - room, high + room, False, np.where(exact, grain, 0.0))

    def alike(self, other: Trees, right: Interval, wrong: Interval, same: Array) -> Array:
        """Which targets are the same, ``[boxes, targets]``: these asked ``right``, the others so."""
        boxes = max(len(right.lo), len(wrong.lo), len(same))
        shape = boxes, self.n_targets
        structure = ("true", "false")
        if not (self.plain and other.plain) or len(self.splits) != len(other.splits):
            return np.zeros(shape, bool)
        if any(not np.array_equal(self.children[s], other.children[s]) for s in structure):
            return np.zeros(shape, bool)
        if len(self.weights) != len(other.weights) or not np.array_equal(self.targets, other.targets):
            return np.zeros(shape, bool)
        mine, theirs = self.ways(right), other.ways(wrong)
        kept = (self.features == other.features) & (self.splits == other.splits)
        kept &= (self.modes == other.modes) & (self.nan_true == other.nan_true)
        certain = (mine.true ^ mine.false) & (theirs.true ^ theirs.false) & (mine.true == theirs.true)
        agreed = (same[:, self.features] & kept) | certain
        # Where all splits above agree, a row reaches the same ones in both.
        wild = mine.nodes & ~agreed
        changed = self.weights.view(np.int64) != other.weights.view(np.int64)
        reached = mine.leaves & changed
        lost = wild.astype(np.float32) @ self._asked + reached.astype(np.float32) @ self._given
        return np.broadcast_to(lost == 0, shape)

    def _owner_of_nodes(self) -> Array:
        tree = np.full(len(self.splits), -1)
        tree[self.roots] = np.arange(len(self.roots))
        for level in self._order:
            for side in ("true", "false"):
                inner = level[~self.ends[side][level]]
                tree[self.children[side][inner]] = tree[inner]
        return tree
