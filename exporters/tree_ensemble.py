"""Decision trees as graph: ``ai.onnx.ml`` 5 ``TreeEnsemble`` nodes that compute in double.

Every function takes and gives spox Vars; ``X`` is float64 [N, n_features] in
:func:`apply` and :func:`sum_of_trees`.

Sums are made in the pipeline's own order, tree by tree, because the last bits decide ties between
classes. ``TreeEnsemble`` cannot be asked to add: it splits the trees among its threads and adds
the parts, so 83 % of the sums of a 100-tree forest differed in their last bits, and differed with
the number of threads. Here it only finds the leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import onnx
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from numpy.typing import NDArray
from onnx import numpy_helper
from spox import Var

from onnxtwin.exporters.errors import RecordingError, UnsupportedError
from onnxtwin.exporters.tree_arrays import Trees
from onnxtwin.exporters.tree_categories import MISSING_ROW, RankTable, ranked

Attributes = dict[str, "int | NDArray[np.generic]"]
"""A ``TreeEnsemble`` node's attributes: an int, int64 [n] for ``ints``, else a tensor."""

SHARED_NODES = 500_000
SHARED_TARGETS = 1_000
"""Up to these sizes (tree nodes; values per row) one ``TreeEnsemble`` holds all trees, else each
tree is a node of its own. Measured with onnxruntime 1.32 on 2 cores, 100 trees, shared against
one by one: one row 7 us against 45 us, whatever the size; 20,000 rows 47 ms against 27 ms with 6,100
nodes and 207 ms against 76 ms with 4 million; loading 4 million nodes 2 to 4 s against 0.7 s. The
shared form also holds every tree's answer at once, 16 bytes per value and row."""

MAX_DEPTH = 1_000
"""Deeper trees are refused: onnxruntime 1.21 to 1.32 loads trees by recursion, and a thread with a
stack of 1 MB (the JVM's default) survived 1,000 levels and crashed at 2,000."""

SUM_WIDTH = 16
"""Trees that are added by one ``Sum`` node, which holds that many answers at once."""

_PLACEHOLDER = -np.inf  # first of a placeholder's membership values; no category is infinite


class DeferredTrees:
    """The attributes of large nodes, kept out of spox, which would walk them at every step."""

    def __init__(self) -> None:
        self._attributes: list[Attributes] = []
        self._keys: dict[bytes, int] = {}

    def add(self, attributes: Attributes) -> int:
        """Keep the attributes; the answer is the key that the placeholder node carries.

        Equal attributes have one key, so that equal nodes have equal placeholders and can be merged.
        """
        content = hashlib.sha256()
        for name, value in sorted(attributes.items()):
            content.update(f"{name} {np.shape(value)}".encode())
            content.update(np.ascontiguousarray(value).data)
        key = self._keys.setdefault(content.digest(), len(self._attributes))
        if key == len(self._attributes):
            self._attributes.append(attributes)
        return key

    def patch(self, model: onnx.ModelProto) -> None:
        """Give every placeholder in ``model``, subgraphs and functions too, its attributes, in place.

        Raises :class:`RecordingError` if a placeholder was recorded under another ``deferred()``.
        """
        for node in _tree_nodes(model.graph.node):
            self._patch_node(node)
        for function in model.functions:
            for node in _tree_nodes(function.node):
                self._patch_node(node)

    def _patch_node(self, node: onnx.NodeProto) -> None:
        members = next((a for a in node.attribute if a.name == "membership_values"), None)
        if members is None:
            return
        values = numpy_helper.to_array(members.t)
        if len(values) != 2 or values[0] != _PLACEHOLDER:
            return
        key = int(values[1])
        if key >= len(self._attributes):
            raise RecordingError(
                f"the TreeEnsemble node {node.name!r} stands for trees number {key}, but only "
                f"{len(self._attributes)} were recorded: it comes from another trace"
            )
        del node.attribute[:]
        node.attribute.extend(_attribute_proto(k, v) for k, v in self._attributes[key].items())


_deferred: ContextVar[DeferredTrees | None] = ContextVar("onnxtwin_deferred_trees", default=None)


@contextmanager
def deferred() -> Iterator[DeferredTrees]:
    """While active, tree nodes are recorded as placeholders; ``patch`` the built model afterwards.

    5 million tree nodes so took 1.9 s and 1.0 GB instead of 4.9 s and 2.0 GB. Scoped to the current context,
    so exports in two threads do not meet. Without it, attributes go through spox as they are.
    """
    trees = DeferredTrees()
    token = _deferred.set(trees)
    try:
        yield trees
    finally:
        _deferred.reset(token)


def apply(X: Var, trees: Trees) -> Var:
    """The number of the leaf each row falls into, int64 [N, n_trees], as the library numbers nodes.

    Numbers start at 0 in each tree; this is ``tree_.apply`` of scikit-learn.
    """
    X, trees = _with_ranks(X, trees)
    numbers = np.arange(trees.n_nodes) - trees.roots[trees.tree_of_node]
    return op.cast(_answers(X, trees, numbers.astype(np.float64)), to=np.int64)


def sum_of_trees(
    X: Var, trees: Trees, *, start: NDArray[np.float64] | Var | None = None, columns: int = 1
) -> Var:
    """``((start + tree 0) + tree 1) + ...``, added in this order in float64.

    Parameters
    ----------
    X : float64 [N, n_features].
    trees : leaves answer ``n_values`` numbers each.
    start : where the sum starts, zero by default: float64 [n_values] (or [columns]) for all rows, or a
        Var, float64 [N, n_values] (or [N, columns]).
    columns : how many sums, if not 1; trees then answer one number each, and tree `j` adds to
        column ``j % columns``, as boosting with a tree a class and iteration does.

    Returns
    -------
    float64 [N, n_values], or [N, columns]; equal to the pipeline's own sum in every bit.
    """
    if columns != 1 and (trees.values.shape[1] != 1 or trees.n_trees % columns):
        raise ValueError(
            f"{columns} sums need trees of one value, a multiple of {columns} trees; "
            f"got {trees.n_trees} trees of {trees.values.shape[1]} values"
        )
    X, trees = _with_ranks(X, trees)
    if start is not None and not isinstance(start, Var):
        trees, start = _started(trees, start, columns), None
    fits = trees.n_nodes <= SHARED_NODES and trees.n_trees * trees.values.shape[1] <= SHARED_TARGETS
    return (_shared_sum if fits and trees.n_trees > columns else _sum_one_by_one)(X, trees, start, columns)


def _with_ranks(X: Var, trees: Trees) -> tuple[Var, Trees]:
    """The matrix with the ranks behind it that categorical nodes ask for, and trees that compare them."""
    trees, tables = ranked(trees)
    if not tables:
        return X, trees
    # NaN compares false with everything; the cast to an integer truncates, as scikit-learn's does.
    codes = op.gather(X, op.const([table.feature for table in tables], dtype=np.int64), axis=1)
    valid = op.and_(
        op.greater_or_equal(codes, op.const(0.0, dtype=np.float64)),
        op.less(codes, op.const(float(MISSING_ROW), dtype=np.float64)),
    )
    rows = op.cast(op.where(valid, codes, op.const(float(MISSING_ROW), dtype=np.float64)), to=np.int64)
    return op.concat([X, *(_ranks(rows, table, at) for at, table in enumerate(tables))], axis=1), trees


def _ranks(rows: Var, table: RankTable, position: int) -> Var:
    row = op.gather(rows, op.const(position, dtype=np.int64), axis=1)
    return op.gather(op.constant(value=np.ascontiguousarray(table.ranks)), row)


def _started(trees: Trees, start: NDArray[np.float64], columns: int) -> Trees:
    """The trees with ``start`` added to the leaves of the first tree of each column: costs no node."""
    values = trees.values.copy()
    tree = trees.tree_of_node
    start = np.asarray(start, np.float64).reshape(columns, -1)
    for column in range(columns):
        first = tree == column
        values[first] = start[column] + values[first]
    return trees.with_values(values)


def _shared_sum(X: Var, trees: Trees, start: Var | None, columns: int) -> Var:
    """The sum where one node holds all trees. ``CumSum`` adds strictly from first to last."""
    if trees.values.shape[1] > 1:
        terms, axis = op.gather(_leaf_table(trees), _leaf_rows(X, trees)), 1  # [N, n_trees, n_values]
    else:
        iterations = trees.n_trees // columns
        tree = np.arange(trees.n_trees)
        place = (tree % columns) * iterations + tree // columns
        shape = op.const([0, columns, iterations], dtype=np.int64)
        terms, axis = op.reshape(_answers(X, trees, trees.values[:, 0], place), shape), 2
    if start is not None:
        terms = op.concat([op.unsqueeze(start, op.const([axis], dtype=np.int64)), terms], axis=axis)
    sums = op.cumsum(terms, op.const(axis, dtype=np.int64))
    return op.gather(sums, op.const(-1, dtype=np.int64), axis=axis)


def _sum_one_by_one(X: Var, trees: Trees, start: Var | None, columns: int) -> Var:
    """The sum where each tree is a node of its own. ``Sum`` adds its inputs in their order."""
    parts = [trees.tree(index) for index in range(trees.n_trees)]
    one = op.const([1], dtype=np.int64)
    if trees.values.shape[1] > 1:
        first = [] if start is None else [op.unsqueeze(start, one)]
        terms = (op.gather(_leaf_table(part), _leaf_rows(X, part)) for part in parts)
        return op.squeeze(_ordered_sum(first, terms), one)
    sums = []
    for column in range(columns):
        at = op.const([column], dtype=np.int64)
        first = [] if start is None else [start if columns == 1 else op.gather(start, at, axis=1)]
        answers = (_answers(X, part, part.values[:, 0]) for part in parts[column::columns])
        sums.append(_ordered_sum(first, answers))
    return sums[0] if columns == 1 else op.concat(sums, axis=1)


def _ordered_sum(first: list[Var], terms: Iterable[Var]) -> Var:
    waiting = list(first)
    for term in terms:
        waiting.append(term)
        if len(waiting) == SUM_WIDTH:
            waiting = [op.sum(waiting)]
    return op.sum(waiting) if len(waiting) > 1 else waiting[0]


def _leaf_rows(X: Var, trees: Trees) -> Var:
    """Row in :func:`_leaf_table` of the leaf each row falls into, int64 [N, n_trees]."""
    leaf = trees.is_leaf
    return op.cast(_answers(X, trees, (np.cumsum(leaf) - 1).astype(np.float64)), to=np.int64)


def _leaf_table(trees: Trees) -> Var:
    """The leaves' values, float64 [n_leaves, n_values]."""
    return op.constant(value=np.ascontiguousarray(trees.values[trees.is_leaf]))


def _answers(
    X: Var, trees: Trees, weights: NDArray[np.float64], place: NDArray[np.int64] | None = None
) -> Var:
    """One number a tree, float64 [N, n_trees]: ``weights[leaf]``, tree `j` in column ``place[j]``.

    Each tree has a target of its own, so nothing but zeros is ever added to its answer.
    """
    target = trees.tree_of_node
    if place is not None:
        target = place[target]
    attributes = node_attributes(trees, weights, target)
    waiting = _deferred.get()
    if waiting is None:
        return ml.tree_ensemble(X, **attributes)  # type: ignore[arg-type]
    return ml.tree_ensemble(
        X,
        aggregate_function=1,
        n_targets=trees.n_trees,
        tree_roots=[0],
        nodes_featureids=[0],
        nodes_splits=np.zeros(1),
        nodes_modes=np.zeros(1, np.uint8),
        nodes_truenodeids=[0],
        nodes_trueleafs=[1],
        nodes_falsenodeids=[0],
        nodes_falseleafs=[1],
        leaf_targetids=[0],
        leaf_weights=np.zeros(1),
        membership_values=np.array([_PLACEHOLDER, waiting.add(attributes)]),
    )


def node_attributes(trees: Trees, weights: NDArray[np.float64], target: NDArray[np.int64]) -> Attributes:
    """The attributes of one ``TreeEnsemble`` node in which each leaf answers one number.

    Parameters
    ----------
    trees : numeric nodes only. Inner nodes become the ``nodes_*`` entries, leaves the ``leaf_*`` entries.
    weights : float64 [n_nodes], read in the leaves.
    target : int64 [n_nodes]: output column of each node's tree; every tree has its own.

    Raises
    ------
    UnsupportedError : a tree is deeper than ``MAX_DEPTH``.
    """
    if trees.max_depth > MAX_DEPTH:
        raise UnsupportedError(
            f"a tree is {trees.max_depth:,} levels deep; onnxruntime crashes while it loads trees that deep, "
            f"so at most {MAX_DEPTH:,} are exported. Way out: fit with max_depth={MAX_DEPTH} or less"
        )
    leaf = trees.is_leaf
    inner = ~leaf
    inner[trees.roots] = True
    entries = np.flatnonzero(inner)
    lone = leaf[entries]
    entry = np.cumsum(inner) - 1
    leaves, leaf_entry = _leaf_entries(trees, entry)

    def branch(child: NDArray[np.int64], lone_leaf: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        ends = lone | leaf[child]
        number = np.where(leaf[child], leaf_entry[child], entry[child])
        number[lone] = lone_leaf
        return number, ends.astype(np.int64)

    # onnxruntime to 1.28 reads the wrong leaf for a tree that is one: it becomes a split into two equals.
    twins = len(leaves) + np.arange(lone.sum())
    leaves = np.concatenate([leaves, entries[lone]])
    true, true_ends = branch(trees.left[entries], leaf_entry[entries[lone]])
    false, false_ends = branch(trees.right[entries], twins)
    attributes: Attributes = {
        "aggregate_function": 1,  # SUM, of one leaf a target
        "n_targets": trees.n_trees,
        "tree_roots": entry[trees.roots],
        "nodes_featureids": np.where(lone, 0, trees.feature[entries]),
        "nodes_splits": np.where(lone, 0.0, trees.threshold[entries]),
        "nodes_modes": np.zeros(len(entries), np.uint8),  # BRANCH_LEQ
        "nodes_truenodeids": true,
        "nodes_trueleafs": true_ends,
        "nodes_falsenodeids": false,
        "nodes_falseleafs": false_ends,
        "leaf_targetids": target[leaves],
        "leaf_weights": weights[leaves],
    }
    if trees.missing_left.any():
        attributes["nodes_missing_value_tracks_true"] = trees.missing_left[entries].astype(np.int64)
    return attributes


def _leaf_entries(trees: Trees, entry: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The leaves in the order of the ``leaf_*`` entries, int64 [n_leaves], and its inverse, int64 [n_nodes].

    Their own order, but for one thing: onnxruntime takes a root whose two branches bear the same number for a
    lone leaf, even where one is a leaf's number and the other a node's (its issue 24679). Such a leaf changes
    places with another leaf of its tree.
    """
    leaf = trees.is_leaf
    leaves = np.flatnonzero(leaf)
    number = np.full(trees.n_nodes, -1, np.int64)
    number[leaves] = np.arange(len(leaves))
    roots = trees.roots[~leaf[trees.roots]]
    left, right = trees.left[roots], trees.right[roots]
    ends = np.where(leaf[left], left, right)
    goes_on = np.where(leaf[left], right, left)
    clash = (leaf[left] != leaf[right]) & (number[ends] == entry[goes_on])
    for root, end in zip(roots[clash], ends[clash], strict=True):
        first, second = leaves[np.searchsorted(leaves, root) :][:2]
        other = second if first == end else first
        number[end], number[other] = number[other], number[end]
    return leaves[np.argsort(number[leaves])], number


def _tree_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The ``TreeEnsemble`` nodes among these and in their subgraphs."""
    for node in nodes:
        if node.op_type == "TreeEnsemble" and node.domain == "ai.onnx.ml":
            yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _tree_nodes(attribute.g.node)
            for graph in attribute.graphs:
                yield from _tree_nodes(graph.node)


def _attribute_proto(name: str, value: int | NDArray[np.generic]) -> onnx.AttributeProto:
    if isinstance(value, int):
        return onnx.AttributeProto(name=name, type=onnx.AttributeProto.INT, i=value)
    if value.dtype == np.int64:
        proto = onnx.AttributeProto(name=name, type=onnx.AttributeProto.INTS)
        proto.ints.extend(value.tolist())
        return proto
    return onnx.AttributeProto(
        name=name, type=onnx.AttributeProto.TENSOR, t=numpy_helper.from_array(value, name)
    )
