"""The pairs of neighbouring raw values between which single tests of the graph change their outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.boundary.drafts import Array, Drafts, Ints
from onnxtwin.runtime_checks.boundary.ordered import keys, middle, values
from onnxtwin.runtime_checks.boundary.tables import Oracle, Table, bisect, place

Bools = npt.NDArray[np.bool_]

NOBODY, SEVERAL = -1, -2
"""Owners of a place of a matrix that no column moves, or that more than one do."""

FLIPS = 3
"""Places at which one test changes along one column that are followed up."""


@dataclass
class Known:
    """Columns whose values alone decide some places of the matrices that trees read.

    Attributes
    ----------
    owner : by tensor, int64 [k]: the column that alone moves each place, or :data:`NOBODY`, :data:`SEVERAL`.
    values : for each column its values, in order where it has one, neighbours of thresholds among them;
        a missing value last.
    present : how many of them are not the missing value.
    plain : for each column bool [V]: the values that are not the neighbour of a threshold.
    matrices : for each column, by tensor, float [V, k]: what its values make of the places that it owns.
    """

    owner: dict[str, Ints]
    values: list[Array]
    present: list[int]
    plain: list[Bools]
    matrices: list[dict[str, Array]]


def owners(found: list[Table], names: list[str]) -> dict[str, Ints]:
    """Which column alone moves each place, equally at all base rows."""
    owner: dict[str, Ints] = {}
    for name in names:
        moves = np.array([table.moves[name] for table in found])
        counts = moves.sum(axis=0)
        own = np.where(counts == 1, np.argmax(moves, axis=0), np.where(counts == 0, NOBODY, SEVERAL))
        for position, table in enumerate(found):
            matrix = table.matrices[name]
            with np.errstate(invalid="ignore"):
                alike = ((matrix == matrix[:1]) | (np.isnan(matrix) & np.isnan(matrix[:1]))).all(axis=(0, 1))
            own[(own == position) & ~alike] = SEVERAL
        owner[name] = own.astype(np.int64)
    return owner


def solved(oracle: Oracle, found: list[Table], bases: Drafts, most: int) -> Known:
    """Find, for each test ``x <= t`` of a tree on a place that one ordered column owns, the two neighbours.

    Parameters
    ----------
    most : tests that are solved at most, evenly chosen.
    """
    owner = owners(found, oracle.matrices)
    tests = [
        (name, int(feature), float(threshold))
        for name in oracle.matrices
        for feature, threshold in _tests(oracle, name)
        if (own := int(owner[name][int(feature)])) >= 0 and oracle.origin.order(own) is not None
    ]
    if len(tests) > most:
        tests = [tests[i] for i in np.linspace(0, len(tests) - 1, most).astype(np.int64)]
    tests += _beside(oracle, found, owner, tests)[: max(0, most - len(tests))]
    column, low, high, which = _brackets(oracle, found, owner, tests)
    base = bases.take(np.zeros(len(column), np.int64))
    features = np.array([feature for _, feature, _ in tests], np.int64)
    limits = np.array([threshold for *_, threshold in tests], np.float64)
    tensors = np.array([oracle.matrices.index(name) for name, *_ in tests], np.int64)

    def decide(drafts: Drafts, tasks: Ints) -> Bools:
        test = which[tasks]
        outcome = np.zeros(len(drafts), np.bool_)
        for number, name in enumerate(oracle.matrices):
            rows = np.flatnonzero(tensors[test] == number)
            if len(rows):
                matrix = oracle.matrix(drafts.take(rows), [name])[name]
                outcome[rows] = matrix[np.arange(len(rows)), features[test[rows]]] <= limits[test[rows]]
        return outcome

    low, high = bisect(oracle.origin, base, column, low, high, decide)
    return _known(oracle, found, bases, owner, column, np.concatenate([low, high]))


def _tests(oracle: Oracle, name: str) -> npt.NDArray[np.float64]:
    """Distinct pairs of column and threshold of all trees that read a matrix, ``[n, 2]``."""
    pairs = [
        np.column_stack([forest.feature, forest.threshold])[~forest.trivial]
        for forest in oracle.decisions.forests
        if forest.tensor == name
    ]
    return np.unique(np.concatenate(pairs), axis=0)


def _beside(
    oracle: Oracle, found: list[Table], owner: dict[str, Ints], tests: list[tuple[str, int, float]]
) -> list[tuple[str, int, float]]:
    """Further tests, of the float32 values around a threshold, where a place is computed and then rounded.

    The doubles at the edge of a rounding are decided by the last bit of the computation; those between the
    edges of one float32 value are not.
    """
    more: set[tuple[str, int, float]] = set()
    for name, feature, threshold in tests:
        position = int(owner[name][feature])
        table = found[position]
        read = table.matrices[name][0, : table.present, feature]
        if oracle.origin.order(position) != "double" or not oracle.instrument.single(name):
            continue
        with np.errstate(over="ignore"):
            if (read == table.values[: table.present].astype(np.float32)).all():
                continue
        near = np.float32(threshold)
        below = near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))
        for way in (-np.inf, np.inf):
            more.add((name, feature, float(np.nextafter(below, np.float32(way)))))
    return sorted(more - set(tests))


def _brackets(
    oracle: Oracle, found: list[Table], owner: dict[str, Ints], tests: list[tuple[str, int, float]]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Two neighbours of a column's table between which each test changes: column, their places, the test."""
    rows: list[tuple[int, int, int, int]] = []
    places: dict[int, Ints] = {}
    for number, (name, feature, threshold) in enumerate(tests):
        position = int(owner[name][feature])
        table = found[position]
        if position not in places:
            order = oracle.origin.order(position)
            places[position] = keys(table.values[: table.present], order) if order else np.zeros(0, np.int64)
        with np.errstate(invalid="ignore"):
            outcome = table.matrices[name][0, : table.present, feature] <= threshold
        for flip in np.flatnonzero(outcome[1:] != outcome[:-1])[:FLIPS]:
            rows.append((position, int(places[position][flip]), int(places[position][flip + 1]), number))
    column, low, high, which = np.array(rows, np.int64).reshape(-1, 4).T.copy()
    return column, low, high, which


def _known(
    oracle: Oracle, found: list[Table], bases: Drafts, owner: dict[str, Ints], column: Ints, ends: Ints
) -> Known:
    """The tables with the neighbours found put in their places, and a value half way between any two."""
    listed: list[Array] = []
    present: list[int] = []
    plain: list[Bools] = []
    matrices: list[dict[str, Array]] = []
    for position, table in enumerate(found):
        order = oracle.origin.order(position)
        new = ends[np.tile(column, 2) == position]
        if order is None or not len(new):
            listed.append(table.values)
            present.append(table.present)
            plain.append(np.ones(len(table.values), np.bool_))
            matrices.append({name: matrix[0] for name, matrix in table.matrices.items()})
            continue
        own = table.values[: table.present]
        places = np.unique(np.concatenate([keys(own, order), new]))
        places = np.unique(np.concatenate([places, middle(places[:-1], places[1:])]))
        plain.append(np.append(~np.isin(places, new), np.ones(len(table.values) - len(own), np.bool_)))
        merged = values(places, order, own.dtype)
        present.append(len(merged))
        merged = np.concatenate([merged, table.values[table.present :]])
        listed.append(merged)
        drafts = bases.take(np.zeros(len(merged), np.int64))
        drafts.put(slice(None), position, merged)
        matrices.append(dict(oracle.matrix(drafts)))
    return Known(owner, listed, present, plain, matrices)


def switch_pairs(oracle: Oracle, found: list[Table], bases: Drafts, most: int) -> Drafts:
    """Rows on both sides of each switch (bins, limits, conditions), one step apart, pair by pair."""
    tasks: list[tuple[int, int, int, int, int]] = []
    for position, table in enumerate(found):
        order = oracle.origin.order(position)
        if order is None or table.present < 2:
            continue
        places = keys(table.values[: table.present], order)
        for switch in np.flatnonzero(table.flips).tolist():
            for row in range(len(bases)):
                outcome = table.switches[row, : table.present, switch]
                flips = np.flatnonzero(outcome[1:] != outcome[:-1])[:FLIPS]
                tasks += [(position, row, int(places[f]), int(places[f + 1]), switch) for f in flips]
    if len(tasks) > most // 2:
        tasks = [tasks[i] for i in np.linspace(0, len(tasks) - 1, most // 2).astype(np.int64)]
    column, base, low, high, which = np.array(tasks, np.int64).reshape(-1, 5).T.copy()
    drafts = bases.take(base)

    def decide(moved: Drafts, chosen: Ints) -> Bools:
        return np.asarray(oracle.switches(moved)[np.arange(len(moved)), which[chosen]])

    low, high = bisect(oracle.origin, drafts, column, low, high, decide)
    both = drafts.take(np.repeat(np.arange(len(drafts)), 2))
    ends = np.column_stack([low, high]).reshape(-1)
    return place(oracle.origin, both, np.repeat(column, 2), ends)
