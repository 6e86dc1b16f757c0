"""Trees in the graph answer what scikit-learn's trees answer, to the last bit, on hostile rows too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import spox
import spox.opset.ai.onnx.v20 as op
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from spox import Var

from onnxtwin.exporters import tree_ensemble
from onnxtwin.exporters.errors import RecordingError, UnsupportedError
from onnxtwin.exporters.tree_arrays import Trees, from_histogram, from_sklearn
from onnxtwin.exporters.tree_ensemble import (
    DeferredTrees,
    apply,
    deferred,
    node_attributes,
    sum_of_trees,
)

Rows = NDArray[np.float64]
RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 4)).astype(np.float32).astype(np.float64)  # rounded, as scikit-learn's trees do
X_MISSING = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
Y = X[:, 0] ** 2 + np.sin(3 * X[:, 1]) + 0.1 * RNG.normal(size=len(X))
LABELS = np.digitize(Y, [0.0, 1.0])
BATCHES = (1, 2, 63, 400)


@pytest.fixture(params=["one node", "a node a tree"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of the sum, whatever the trees' size."""
    if request.param == "a node a tree":
        monkeypatch.setattr(tree_ensemble, "SHARED_NODES", 0)
    return str(request.param)


def built(function: Callable[[Var], Var], n_features: int) -> onnx.ModelProto:
    with deferred() as trees:
        rows = spox.argument(spox.Tensor(np.float64, ("N", n_features)))
        model = spox.build({"X": rows}, {"Y": function(rows)})
    trees.patch(model)
    return model


def answers(function: Callable[[Var], Var], rows: Rows) -> NDArray[Any]:
    model = built(function, rows.shape[1])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (whole,) = session.run(None, {"X": rows})
    for count in (0, *BATCHES):
        (part,) = session.run(None, {"X": rows[:count]})
        np.testing.assert_array_equal(part, whole[:count], err_msg=f"{count} rows")
    return np.asarray(whole)


def one_after_the_other(estimators: list[Any], rows: Rows) -> Rows:
    total = np.zeros_like(estimators[0].tree_.predict(rows.astype(np.float32)))
    for estimator in estimators:
        total = total + estimator.tree_.predict(rows.astype(np.float32))
    return total


def around_thresholds(estimators: list[Any], rows: Rows) -> Rows:
    """Rows with one value replaced by the float32 numbers around a threshold."""
    hostile = []
    for tree in (e.tree_ for e in estimators):
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            if feature < 0 or not np.isfinite(threshold):
                continue
            near = np.float32(threshold)
            for value in (
                near,
                np.nextafter(near, np.float32(-np.inf)),
                np.nextafter(near, np.float32(np.inf)),
            ):
                row = rows[len(hostile) % len(rows)].copy()
                row[feature] = value
                hostile.append(row)
    return np.array(hostile)


def chain(depth: int) -> Trees:
    """A tree in which every inner node has a leaf on its left: ``x <= 0``, ``x <= 1``, ..."""
    inner = np.arange(depth)
    left = np.full(2 * depth + 1, -1)
    right = left.copy()
    left[:depth] = depth + inner
    right[:depth] = np.where(inner + 1 < depth, inner + 1, 2 * depth)
    threshold = np.zeros(len(left))
    threshold[:depth] = inner
    return handmade(left, right, threshold)


def handmade(
    left: NDArray[np.int64], right: NDArray[np.int64], threshold: Rows, roots: tuple[int, ...] = (0,)
) -> Trees:
    n_nodes = len(left)
    return Trees(
        roots=np.array(roots),
        left=left,
        right=right,
        feature=np.zeros(n_nodes, np.int64),
        threshold=threshold,
        missing_left=np.zeros(n_nodes, bool),
        values=np.arange(n_nodes, dtype=np.float64)[:, None],
        n_features=1,
        member_row=np.full(n_nodes, -1),
        members=np.zeros((0, 256), bool),
        known=np.zeros((0, 256), bool),
    )


def test_a_tree_answers_around_every_threshold() -> None:
    tree = DecisionTreeRegressor(min_samples_leaf=3).fit(X, Y)
    rows = around_thresholds([tree], X)
    got = answers(lambda v: sum_of_trees(v, from_sklearn([tree.tree_])), rows)
    np.testing.assert_array_equal(got, tree.tree_.predict(rows.astype(np.float32)))


def test_class_probabilities_of_a_leaf_come_whole() -> None:
    tree = DecisionTreeClassifier(max_depth=4).fit(X, LABELS)
    got = answers(lambda v: sum_of_trees(v, from_sklearn([tree.tree_])), X)
    np.testing.assert_array_equal(got, tree.predict_proba(X))


def test_missing_values_go_where_the_fit_sent_them() -> None:
    tree = DecisionTreeRegressor(max_depth=7).fit(X_MISSING, Y)
    flags = tree.tree_.missing_go_to_left[tree.tree_.children_left >= 0]
    assert 0 < flags.sum() < len(flags)
    rows = np.vstack([X_MISSING, np.full((1, 4), np.nan)])
    got = answers(lambda v: sum_of_trees(v, from_sklearn([tree.tree_])), rows)
    np.testing.assert_array_equal(got, tree.tree_.predict(rows.astype(np.float32)))


def test_a_split_of_missing_from_present_values_has_an_infinite_threshold() -> None:
    rows = np.where(np.arange(60) % 2, np.nan, RNG.normal(size=60))[:, None]
    tree = DecisionTreeRegressor(max_depth=1).fit(rows, np.isnan(rows[:, 0]).astype(float))
    assert np.isinf(tree.tree_.threshold[0])
    rows = np.vstack([rows, [[3e38], [-3e38]]])
    got = answers(lambda v: sum_of_trees(v, from_sklearn([tree.tree_])), rows)
    np.testing.assert_array_equal(got, tree.tree_.predict(rows.astype(np.float32)))


def test_a_forest_is_summed_in_its_own_order_to_the_last_bit(form: str) -> None:
    forest = RandomForestClassifier(60, max_depth=5, random_state=0).fit(X_MISSING, LABELS)
    trees = from_sklearn([e.tree_ for e in forest.estimators_])
    got = answers(lambda v: sum_of_trees(v, trees), X_MISSING)
    np.testing.assert_array_equal(got, one_after_the_other(forest.estimators_, X_MISSING))
    np.testing.assert_array_equal(got / 60, forest.predict_proba(X_MISSING))


def test_a_forest_answers_around_every_threshold(form: str) -> None:
    forest = ExtraTreesRegressor(8, min_samples_leaf=5, random_state=0).fit(X, Y)
    trees = from_sklearn([e.tree_ for e in forest.estimators_])
    rows = around_thresholds(forest.estimators_, X)
    got = answers(lambda v: sum_of_trees(v, trees), rows)
    np.testing.assert_array_equal(got, one_after_the_other(forest.estimators_, rows))


def test_a_forest_of_two_outputs_has_the_values_of_both(form: str) -> None:
    forest = ExtraTreesRegressor(20, random_state=0).fit(X, np.column_stack([Y, -3 * Y + X[:, 2]]))
    trees = from_sklearn([e.tree_ for e in forest.estimators_])
    got = answers(lambda v: sum_of_trees(v, trees), X)
    np.testing.assert_array_equal(got / 20, forest.predict(X))


def test_leaves_bear_the_librarys_own_numbers() -> None:
    forest = RandomForestClassifier(15, max_depth=6, random_state=1).fit(X_MISSING, LABELS)
    trees = from_sklearn([e.tree_ for e in forest.estimators_])
    np.testing.assert_array_equal(answers(lambda v: apply(v, trees), X_MISSING), forest.apply(X_MISSING))


def test_the_start_of_a_sum_is_added_first(form: str) -> None:
    trees = from_sklearn([e.tree_ for e in ExtraTreesRegressor(30, random_state=0).fit(X, Y).estimators_])
    total = np.full((len(X), 1), 1e9 / 3)
    for index in range(trees.n_trees):
        tree = trees.tree(index)
        total = total + answers(lambda v, tree=tree: sum_of_trees(v, tree), X)
    got = answers(lambda v: sum_of_trees(v, trees, start=np.array([1e9 / 3])), X)
    np.testing.assert_array_equal(got, total)


def test_a_sum_may_start_elsewhere_in_every_row(form: str) -> None:
    trees = from_sklearn([e.tree_ for e in ExtraTreesRegressor(30, random_state=0).fit(X, Y).estimators_])
    total = 1e9 * X[:, 1:2]
    for index in range(trees.n_trees):
        tree = trees.tree(index)
        total = total + answers(lambda v, tree=tree: sum_of_trees(v, tree), X)
    got = answers(
        lambda v: sum_of_trees(v, trees, start=op.mul(op.gather(v, op.const([1]), axis=1), op.const(1e9))), X
    )
    np.testing.assert_array_equal(got, total)


def test_trees_that_never_split_stand_among_others(form: str) -> None:
    flat = [DecisionTreeRegressor().fit(X[:3], np.full(3, value)) for value in (5.0, -2.0, 0.25)]
    deep = [DecisionTreeRegressor(max_depth=d, random_state=d).fit(X, Y) for d in (1, 2, 3)]
    estimators = [flat[0], deep[0], flat[1], deep[1], deep[2], flat[2]]
    trees = from_sklearn([e.tree_ for e in estimators])
    got = answers(lambda v: sum_of_trees(v, trees), X)
    np.testing.assert_array_equal(got, one_after_the_other(estimators, X))


def test_no_branch_pair_of_a_root_bears_one_number() -> None:
    # onnxruntime to 1.28 reads such a root, or a tree that is one leaf, as another leaf.
    estimators = [
        DecisionTreeRegressor(max_leaf_nodes=k, max_features=1, random_state=seed).fit(X, Y)
        for seed in range(100)
        for k in (2, 3, 4)
    ]
    lone = DecisionTreeRegressor().fit(X[:3], np.ones(3))
    trees = from_sklearn([e.tree_ for e in [lone, *estimators, lone]])
    attributes: dict[str, Any] = node_attributes(trees, trees.values[:, 0], trees.tree_of_node)
    roots = attributes["tree_roots"]
    true, false = attributes["nodes_truenodeids"][roots], attributes["nodes_falsenodeids"][roots]
    kinds = attributes["nodes_trueleafs"][roots] != attributes["nodes_falseleafs"][roots]
    assert kinds.any()
    assert (true != false).all()
    got = answers(lambda v: sum_of_trees(v, trees), X)
    np.testing.assert_array_equal(got, one_after_the_other([lone, *estimators, lone], X))


def test_a_root_whose_leaf_would_bear_its_other_branchs_number_is_renumbered() -> None:
    # Tree 0 splits once; of tree 1's root, the leaf is leaf 2 and the other branch is inner node 2.
    left = np.array([1, -1, -1, 4, -1, 6, -1, -1])
    right = np.array([2, -1, -1, 5, -1, 7, -1, -1])
    trees = handmade(left, right, np.array([0, 0, 0, 0, 0, 1.0, 0, 0]), roots=(0, 3))
    attributes: dict[str, Any] = node_attributes(trees, trees.values[:, 0], trees.tree_of_node)
    assert attributes["nodes_truenodeids"][1] != attributes["nodes_falsenodeids"][1]
    got = answers(lambda v: sum_of_trees(v, trees), np.array([[-1.0], [0.5], [2.0]]))
    np.testing.assert_array_equal(got[:, 0], [1 + 4, 2 + 6, 2 + 7])


def test_a_tree_of_a_thousand_levels_answers() -> None:
    rows = np.array([[-1.0], [0.0], [0.5], [998.5], [999.0], [5000.0]])
    got = answers(lambda v: apply(v, chain(1000)), rows)
    np.testing.assert_array_equal(got[:, 0], [1000, 1000, 1001, 1999, 1999, 2000])


def test_a_deeper_tree_is_refused_with_a_way_out() -> None:
    with pytest.raises(UnsupportedError, match=r"1,001 levels deep.*max_depth=1000"):
        built(lambda v: apply(v, chain(1001)), 1)


@pytest.fixture(scope="module")
def boosting() -> HistGradientBoostingClassifier:
    """Three classes; 250, 40 and 5 categories, some of them never seen, and missing values everywhere."""
    rng = np.random.default_rng(11)
    codes = np.column_stack([rng.integers(0, size, 3000) for size in (250, 40, 5)]).astype(float)
    codes = codes[~np.isin(codes[:, 0], [17, 200])]
    rows = np.column_stack([codes, rng.normal(size=(len(codes), 2))])
    effect = rng.normal(size=250)[codes[:, 0].astype(int)] + np.sin(codes[:, 1]) + rows[:, 3]
    rows[rng.random(rows.shape) < 0.1] = np.nan
    model = HistGradientBoostingClassifier(
        categorical_features=[0, 1, 2], max_iter=12, max_leaf_nodes=40, random_state=0
    )
    return model.fit(rows, np.digitize(effect, [-0.5, 0.7]))


def test_histogram_boosting_answers_every_code(boosting: HistGradientBoostingClassifier, form: str) -> None:
    known, index = boosting._bin_mapper.make_known_categories_bitsets()
    predictors = [p for iteration in boosting._predictors for p in iteration]
    trees = from_histogram(predictors, 5, known, index)
    rng = np.random.default_rng(12)
    codes = [*range(256), -1.0, -7.5, -0.0, np.nan]
    rows = np.column_stack([rng.choice(codes, (900, 3)), rng.normal(size=(900, 2))])
    for column in range(3):
        rows[column * 300 : column * 300 + len(codes), column] = codes
    rows[rng.random(900) < 0.1, 3] = np.nan
    rows[:2, 4] = np.inf, -np.inf

    expected = np.zeros((len(rows), 3)) + boosting._baseline_prediction
    for iteration in boosting._predictors:
        for k, predictor in enumerate(iteration):
            expected[:, k] += predictor.predict(rows, known, index, 1)
    start = boosting._baseline_prediction
    got = answers(lambda v: sum_of_trees(v, trees, start=start, columns=3), rows)
    np.testing.assert_array_equal(got, expected)


def test_categories_need_no_set_membership(boosting: HistGradientBoostingClassifier) -> None:
    # onnxruntime 1.21 and 1.22 copy the subtree behind a set for each member: such a graph does not load.
    known, index = boosting._bin_mapper.make_known_categories_bitsets()
    trees = from_histogram([p for i in boosting._predictors for p in i], 5, known, index)
    model = built(lambda v: sum_of_trees(v, trees, columns=3), 5)
    (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsemble")
    attributes = {a.name: a for a in node.attribute}
    assert "membership_values" not in attributes
    assert not numpy_helper.to_array(attributes["nodes_modes"].t).any()


def test_sums_of_uneven_columns_are_refused() -> None:
    trees = from_sklearn([e.tree_ for e in ExtraTreesRegressor(5, random_state=0).fit(X, Y).estimators_])
    with pytest.raises(ValueError, match="multiple of 3 trees"):
        built(lambda v: sum_of_trees(v, trees, columns=3), 4)


def test_deferred_trees_are_the_same_graph_as_direct_ones() -> None:
    trees = from_sklearn([e.tree_ for e in ExtraTreesRegressor(5, random_state=0).fit(X, Y).estimators_])
    rows = spox.argument(spox.Tensor(np.float64, ("N", 4)))
    direct = spox.build({"X": rows}, {"Y": sum_of_trees(rows, trees)})
    patched = built(lambda v: sum_of_trees(v, trees), 4)

    def attributes(model: onnx.ModelProto) -> Iterator[tuple[str, Any]]:
        (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsemble")
        for a in node.attribute:
            value = onnx.helper.get_attribute_value(a)
            if isinstance(value, onnx.TensorProto):
                value = numpy_helper.to_array(value).tolist()
            yield a.name, value

    plain = dict(attributes(direct))
    assert plain.pop("post_transform") == 0  # spox writes the default
    assert dict(attributes(patched)) == plain


def test_trees_inside_a_subgraph_are_patched() -> None:
    tree = from_sklearn([DecisionTreeRegressor(max_depth=3).fit(X, Y).tree_])

    def branches(v: Var) -> Var:
        some = op.greater(op.reduce_sum(v, keepdims=0), op.const(0.0, dtype=np.float64))
        return op.if_(
            some,
            then_branch=lambda: [sum_of_trees(v, tree)],
            else_branch=lambda: [op.neg(sum_of_trees(v, tree))],
        )[0]

    model = built(branches, 4)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    sign = 1 if X.sum() > 0 else -1
    np.testing.assert_array_equal(
        session.run(None, {"X": X})[0], sign * answers(lambda v: sum_of_trees(v, tree), X)
    )


def test_equal_trees_are_kept_once() -> None:
    tree = from_sklearn([DecisionTreeRegressor(max_depth=2).fit(X, Y).tree_])
    other = tree.with_values(tree.values + 1)
    keys = [
        DeferredTrees.add(trees, node_attributes(t, t.values[:, 0], t.tree_of_node))
        for trees in [DeferredTrees()]
        for t in (tree, other, tree)
    ]
    assert keys == [0, 1, 0]


def test_a_placeholder_of_another_export_is_refused() -> None:
    tree = from_sklearn([DecisionTreeRegressor(max_depth=2).fit(X, Y).tree_])
    with deferred():
        rows = spox.argument(spox.Tensor(np.float64, ("N", 4)))
        model = spox.build({"X": rows}, {"Y": sum_of_trees(rows, tree)})
    with pytest.raises(RecordingError, match="another trace"):
        DeferredTrees().patch(model)
