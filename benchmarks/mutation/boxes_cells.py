"""Proofs by cells: trees only compare, so one row of each cell between their limits stands for all of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from mutation.boxes_pairs import Pair, State
from mutation.cutting import Tensors, run_cut
from onnxtwin.exporters.analysis.graph import DOMAIN_OUTPUT, Array, reads
from onnxtwin.exporters.analysis.trees import LESS, Trees

MOST_CELLS = 1_000_000
FEW = 4_000


def same_in_cells(pair: Pair, root: Mapping[str, State], row: Tensors, within: float | None) -> str | None:
    """Why both graphs answer alike, both run for every combination of answers of the trees of one node.

    Parameters
    ----------
    root : what every tensor can hold; a row for the inputs that decide nothing here.
    within : how far the answers may be apart; None where they have to be equal in every bit.
    """
    changed = [name for name in pair.graph.outputs if not root[name].same.all()]
    for node in pair.graph.nodes:
        if node.op_type != "TreeEnsemble" or not root[node.input[0]].shared:
            continue
        decided = _decided_by(pair, node)
        if not changed or not set(changed) <= decided:
            continue
        cells = _cells(pair, node, root[node.input[0]])
        if cells is None:
            continue
        # A few first: one that differs ends the search.
        few = np.random.default_rng(0).permutation(len(cells))[:FEW]
        tries = [cells[few], cells] if len(cells) > FEW else [cells]
        answers = (_answers(pair, node, part, row) for part in tries)
        if all(a is not None and _equal(pair, node, a, changed, row, within) for a in answers):
            return f"it is the same for every combination of answers of the trees of {node.output[0]}"
    return None


def _decided_by(pair: Pair, trees: onnx.NodeProto) -> set[str]:
    """The tensors that depend on the answers of these trees alone, in both graphs."""
    found = set(trees.output)
    for step in pair.steps:
        given = {*reads(step.right), *reads(step.wrong)} - set(pair.constants)
        if given and given <= found:
            found |= set(step.wrong.output)
    return found


def _cells(pair: Pair, node: onnx.NodeProto, state: State) -> Array | None:
    """One row of each cell, ``[cells, columns]``."""
    other = pair.mutant.node_of(node.output[0])
    if other is None or other.op_type != "TreeEnsemble" or state.right.bag or state.right.lo.ndim != 2:
        return None
    trees = pair.right.tree(node), pair.right.tree(other)
    if not all(t.plain for t in trees) or len(trees[0].splits) != len(trees[1].splits):
        return None
    sides = [_values(trees, state, column) for column in range(state.right.lo.shape[1])]
    _only_affected(trees, sides)
    if not np.prod([float(len(side)) for side in sides]) <= MOST_CELLS:
        return None
    if any(not len(side) for side in sides):
        return np.zeros((0, len(sides)))
    return np.stack([axis.ravel() for axis in np.meshgrid(*sides, copy=False)], 1)


def _answers(pair: Pair, node: onnx.NodeProto, grid: Array, row: Tensors) -> tuple[Array, Array] | None:
    """What the trees of both graphs answer to these rows, each pair of answers once."""
    if not len(grid):
        return grid, grid
    found = []
    for model in (pair.graph.model, pair.mutant.model):
        run = run_cut(model, pair.graph, node.input[0], {**row, node.input[0]: grid}, [node.output[0]])
        if run is None:
            return None
        found.append(run[node.output[0]])
    both = np.unique(np.concatenate(found, 1), axis=0)
    return both[:, : found[0].shape[1]], both[:, found[0].shape[1] :]


def _values(trees: tuple[Trees, Trees], state: State, column: int) -> Array:
    """One value of each cell of a column: upper ends of its intervals, and values just below where asked."""
    asked = [t.features == column for t in trees]
    limits = np.unique(np.concatenate([t.splits[mine] for t, mine in zip(trees, asked, strict=True)]))
    strict = any((t.modes[mine] == LESS).any() for t, mine in zip(trees, asked, strict=True))
    interval = state.right.map(lambda a: a[:, column])
    lo, hi, grain = float(interval.lo[0]), float(interval.hi[0]), float(interval.grain[0])
    if not limits.size:
        return np.array([hi if lo <= hi else np.nan])
    if grain > 0 and (hi - lo) / grain < 64:
        values = np.arange(lo, hi + grain / 2, grain)
    else:
        inside = limits[(limits >= lo) & (limits < hi)]
        values = np.unique([*inside, hi]) if lo <= hi else np.zeros(0)
        if strict:
            below = inside.astype(np.float32) if interval.single[0] else inside
            values = np.unique([*values, *np.nextafter(below, -np.inf).astype(np.float64)])
    return np.append(values, np.nan) if interval.nan[0] else values


def _only_affected(trees: tuple[Trees, Trees], sides: list[Array]) -> None:
    """Leave the values at which a changed split sends a row another way, if one column's splits are all."""
    a, b = trees
    if not np.array_equal(a.weights, b.weights) or not np.array_equal(a.features, b.features):
        return
    if any(not np.array_equal(a.children[side], b.children[side]) for side in ("true", "false")):
        return
    changed = (a.splits != b.splits) | (a.modes != b.modes) | (a.nan_true != b.nan_true)
    columns = np.unique(a.features[changed])
    if len(columns) == 1:
        values = sides[int(columns[0])]
        ways = [_ways(t, changed, values) for t in trees]
        sides[int(columns[0])] = values[(ways[0] != ways[1]).any(1)]


def _ways(trees: Trees, nodes: Array, values: Array) -> Array:
    given, limits = values[:, None], trees.splits[nodes]
    true = np.where(trees.modes[nodes] == LESS, given < limits, given <= limits)
    return np.where(np.isnan(given), trees.nan_true[nodes], true)


def _equal(
    pair: Pair,
    node: onnx.NodeProto,
    answers: tuple[Array, Array],
    changed: list[str],
    row: Tensors,
    within: float | None,
) -> bool:
    """Whether all that follows from the trees' answers is the same in both graphs."""
    if not len(answers[0]):
        return True
    runs = []
    for model, given in zip((pair.graph.model, pair.mutant.model), answers, strict=True):
        runs.append(run_cut(model, pair.graph, node.output[0], {**row, node.output[0]: given}, changed))
    if runs[0] is None or runs[1] is None:
        return False
    for name in changed:
        a, b = runs[0][name], runs[1][name]
        if a.dtype.kind != "f":
            if not np.array_equal(a, b):
                return False
        elif within is not None and name != DOMAIN_OUTPUT:
            if not np.allclose(a, b, rtol=0, atol=within, equal_nan=True):
                return False
        elif not np.array_equal(a, b, equal_nan=True) or (np.signbit(a) != np.signbit(b))[a == 0].any():
            return False
    return True
