"""Categorical splits as numeric ones: a node asks for the rank of a category instead of its set.

``TreeEnsemble`` has set membership (``BRANCH_MEMBER``), but onnxruntime 1.21 and 1.22 copy the subtree
behind a set once for each of its members, so that a 250-category boosting model does not load in ten
minutes. A set needs no more than an order of the categories in which its members come first: the
graph looks the rank up once (``Gather``), and the node compares it with a threshold. One order serves
many sets, also of different trees: 1,209 different sets of a flight-delay model needed 489 orders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onnxtwin.exporters.tree_arrays import N_CODES, Trees

MISSING_ROW = N_CODES
"""Row of a rank table for a missing, negative or too large code."""


@dataclass(frozen=True)
class RankTable:
    """Ranks to be appended to the matrix behind its own columns, one table behind the other.

    Attributes
    ----------
    feature : column of the matrix that holds the category's code.
    ranks : float64 [257, n_orders]: by code from 0 to 255, last the missing value.
    """

    feature: int
    ranks: NDArray[np.float64]


def ranked(trees: Trees) -> tuple[Trees, list[RankTable]]:
    """The same trees without categorical nodes, and the ranks that they compare instead.

    The trees returned have ``n_features`` plus one column for each order of each table.
    """
    categorical = np.flatnonzero(trees.member_row >= 0)
    feature, threshold = trees.feature.copy(), trees.threshold.copy()
    left, right = trees.left.copy(), trees.right.copy()
    missing_left = trees.missing_left.copy()
    tables: list[RankTable] = []
    n_columns = trees.n_features
    for column in np.unique(trees.feature[categorical]):
        nodes = categorical[trees.feature[categorical] == column]
        goes_left, which = np.unique(_goes_left(trees, nodes), axis=0, return_inverse=True)
        order, low_is_left, limit, ranks = _orders(goes_left)
        feature[nodes] = n_columns + order[which]
        threshold[nodes] = limit[which]
        swapped = nodes[~low_is_left[which]]
        left[swapped], right[swapped] = right[swapped], left[swapped]
        missing_left[nodes] = False  # a rank is never missing
        tables.append(RankTable(int(column), ranks))
        n_columns += ranks.shape[1]
    return (
        replace(
            trees,
            left=left,
            right=right,
            feature=feature,
            threshold=threshold,
            missing_left=missing_left,
            n_features=n_columns,
            member_row=np.full(trees.n_nodes, -1, np.int64),
            members=trees.members[:0],
            known=trees.known[:0],
        ),
        tables,
    )


def _goes_left(trees: Trees, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool [n_nodes, 257]: whether each code, last the missing value, goes left."""
    rows = trees.member_row[nodes]
    missing = trees.missing_left[nodes, None]
    return np.column_stack([trees.members[rows] | (missing & ~trees.known[rows]), missing])


def _orders(
    sets: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Few orders of the codes such that each set is the beginning or the end of one of them.

    An order starts with all codes of equal rank; a set that can be its beginning or end without
    contradicting the ranks so far refines it, else the next order is tried (first fit).

    Returns
    -------
    For each set its order (int64) and whether it is the beginning (bool) and the last rank of the
    beginning (float64); and the ranks, float64 [n_codes, n_orders].
    """
    n_sets, n_codes = sets.shape
    ranks = np.zeros((1, n_codes), np.int16)
    order = np.zeros(n_sets, np.int64)
    is_begin = np.ones(n_sets, bool)
    for number, members in enumerate(sets):
        fit = _first_fit(ranks, members)
        if fit is None:
            ranks = np.concatenate([ranks, np.zeros((1, n_codes), np.int16)])
            fit = len(ranks) - 1, True
        order[number], is_begin[number] = fit
        begin = members if fit[1] else ~members
        ranks[fit[0]] = _refined(ranks[fit[0]], begin)
    limit = np.array(
        [
            ranks[o, members if begin else ~members].max(initial=-1)
            for o, members, begin in zip(order, sets, is_begin, strict=True)
        ],
        np.float64,
    )
    return order, is_begin, limit, ranks.T.astype(np.float64)


def _first_fit(ranks: NDArray[np.int16], members: NDArray[np.bool_]) -> tuple[int, bool] | None:
    """First order in which the members can be the beginning (True) or the end (False)."""
    inside, outside = ranks[:, members], ranks[:, ~members]
    top = np.iinfo(np.int16).max
    begins = inside.max(axis=1, initial=-1) <= outside.min(axis=1, initial=top)
    ends = outside.max(axis=1, initial=-1) <= inside.min(axis=1, initial=top)
    fits = np.flatnonzero(begins | ends)
    return (int(fits[0]), bool(begins[fits[0]])) if len(fits) else None


def _refined(ranks: NDArray[np.int16], begin: NDArray[np.bool_]) -> NDArray[np.int16]:
    """The ranks with the one that both sides share, if any, split in two."""
    if begin.all() or not begin.any() or ranks[begin].max() < ranks[~begin].min():
        return ranks
    shared = ranks[begin].max()
    refined: NDArray[np.int16] = ranks + ((ranks > shared) | ((ranks == shared) & ~begin))
    return refined
