"""Each categorical split becomes a threshold on ranks that sends every code the same way."""

from __future__ import annotations

import numpy as np
import pytest

from onnxtwin.exporters.tree_arrays import Trees
from onnxtwin.exporters.tree_categories import MISSING_ROW, ranked


def splits(members: np.ndarray, known: np.ndarray, missing_left: np.ndarray, feature: np.ndarray) -> Trees:
    """One tree a set: a categorical root with two leaves."""
    count = len(members)
    roots = np.arange(count) * 3
    left, right, row = (np.full(3 * count, -1) for _ in range(3))
    left[roots], right[roots], row[roots] = roots + 1, roots + 2, np.arange(count)
    flags = np.zeros(3 * count, bool)
    flags[roots] = missing_left
    features = np.zeros(3 * count, np.int64)
    features[roots] = feature
    return Trees(
        roots=roots,
        left=left,
        right=right,
        feature=features,
        threshold=np.zeros(3 * count),
        missing_left=flags,
        values=np.zeros((3 * count, 1)),
        n_features=int(feature.max()) + 1,
        member_row=row,
        members=members,
        known=known,
    )


def goes_left(trees: Trees, tables: list[tuple[int, np.ndarray]], tree: int, code: int) -> bool:
    """Whether the tree's root sends a code to what was its left leaf."""
    root = trees.roots[tree]
    columns = np.concatenate(
        [np.zeros(trees.n_features - sum(r.shape[1] for _, r in tables))] + [r[code] for _, r in tables]
    )
    chosen = trees.left[root] if columns[trees.feature[root]] <= trees.threshold[root] else trees.right[root]
    return bool(chosen == root + 1)


@pytest.mark.parametrize("count", [1, 2, 40])
def test_every_code_goes_where_its_set_sends_it(count: int) -> None:
    rng = np.random.default_rng(count)
    known = np.zeros((count, 256), bool)
    known[:, :60] = rng.random(60) < 0.9
    members = known & (rng.random((count, 256)) < rng.random((count, 1)))
    missing_left, feature = rng.random(count) < 0.5, rng.integers(0, 3, count)
    trees, ranks = ranked(splits(members, known, missing_left, feature))
    tables = [(t.feature, t.ranks) for t in ranks]
    assert (trees.member_row < 0).all()
    assert not trees.missing_left.any()
    for tree in range(count):
        for code in range(256):
            expected = members[tree, code] or (missing_left[tree] and not known[tree, code])
            assert goes_left(trees, tables, tree, code) == expected
        assert goes_left(trees, tables, tree, MISSING_ROW) == missing_left[tree]


def test_sets_that_hold_all_codes_or_none_are_thresholds_too() -> None:
    known = np.ones((4, 256), bool)
    members = np.array([[True] * 256, [False] * 256, [True] * 256, [False] * 256])
    trees, ranks = ranked(splits(members, known, np.array([True, False, False, True]), np.zeros(4, np.int64)))
    tables = [(t.feature, t.ranks) for t in ranks]
    for code in (0, 255):
        assert [goes_left(trees, tables, i, code) for i in range(4)] == [True, False, True, False]
    assert [goes_left(trees, tables, i, MISSING_ROW) for i in range(4)] == [True, False, False, True]


def test_nested_sets_share_one_order() -> None:
    members = np.zeros((50, 256), bool)
    for i in range(50):
        members[i, 3 : 4 + 2 * i] = True
    trees, (table,) = ranked(
        splits(members, np.ones((50, 256), bool), np.zeros(50, bool), np.zeros(50, np.int64))
    )
    assert table.ranks.shape == (257, 1)
    assert trees.n_features == 2


def test_trees_without_categories_stay_as_they_are() -> None:
    members = np.zeros((1, 256), bool)
    tree = ranked(splits(members, members, np.zeros(1, bool), np.zeros(1, np.int64)))[0]
    again, tables = ranked(tree)
    assert tables == []
    np.testing.assert_array_equal(again.threshold, tree.threshold)
