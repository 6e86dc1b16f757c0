"""A few rows that exercise as much of a graph as many: chosen greedily by the outcomes that they add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from onnxtwin.exporters.errors import InputError
from onnxtwin.runtime_checks.coverage.forest import Forest
from onnxtwin.runtime_checks.coverage.instrument import Instrument, Tensors
from onnxtwin.runtime_checks.coverage.items import Items
from onnxtwin.runtime_checks.rows import Rows, count, take

Ints = npt.NDArray[np.int64]

CANDIDATES = 4_000
"""Rows that are weighed, drawn from all batches two by two: the sides of a boundary are neighbours."""

NEAR = 2.0**-22
"""A value within so much of a threshold, relatively, is next to it: two float32 steps."""


def compact(
    instrument: Instrument | None, batches: Sequence[Rows], most: int, rng: np.random.Generator
) -> list[Ints]:
    """For each batch the positions of the rows to keep, ascending.

    Together they are at most ``most``, if there are not more batches: of each batch that has rows at least
    one is kept. Then come the rows that add most: outcomes of the graph's decisions that no row so far
    took, and sides of a tree's threshold that no row so far was next to. What is left over is filled evenly.

    Parameters
    ----------
    instrument : the graph; without one, rows are kept evenly.
    batches : rows in batches, each as the pipeline takes them.
    """
    sizes = [count(rows) for rows in batches]
    share = CANDIDATES / max(1, sum(sizes))
    drawn = [_drawn(size, max(2, int(np.ceil(size * share))), rng) for size in sizes]
    batch = np.repeat(np.arange(len(batches)), [len(rows) for rows in drawn])
    row = np.concatenate([np.zeros(0, np.int64), *drawn])
    chosen = [int(np.flatnonzero(batch == b)[0]) for b in range(len(batches)) if len(drawn[b])]
    if instrument is not None and len(instrument.decisions.tensors):
        weighed = [
            _outcomes(instrument, take(rows, index)) for rows, index in zip(batches, drawn, strict=True)
        ]
        chosen = _covering(sparse.vstack(weighed, format="csr"), chosen, most)
    others = rng.permutation(np.setdiff1d(np.arange(len(row)), chosen))
    chosen += others[: max(0, most - len(chosen))].tolist()
    kept = np.array(chosen, np.int64)
    return [np.sort(row[kept[batch[kept] == b]]) for b in range(len(batches))]


def _drawn(size: int, wanted: int, rng: np.random.Generator) -> Ints:
    if size <= wanted:
        return np.arange(size)
    pairs = np.sort(rng.permutation((size + 1) // 2)[: (wanted + 1) // 2])
    both = np.column_stack([2 * pairs, 2 * pairs + 1]).reshape(-1)
    return both[both < size]


def _covering(outcomes: Any, chosen: list[int], most: int) -> list[int]:
    """The rows chosen and those that cover what they do not, the row that adds most first."""
    open_ = np.ones(outcomes.shape[1], np.float32)
    for row in chosen:
        open_[outcomes.indices[outcomes.indptr[row] : outcomes.indptr[row + 1]]] = 0
    chosen = list(chosen)
    while len(chosen) < most:
        gain = outcomes @ open_
        best = int(np.argmax(gain))
        if not gain[best] > 0:
            break
        open_[outcomes.indices[outcomes.indptr[best] : outcomes.indptr[best + 1]]] = 0
        chosen.append(best)
    return chosen


def _outcomes(instrument: Instrument, X: Rows) -> Any:
    """float32 ``[N, outcomes]``, 1 where the row took it; none for rows that the graph's inputs refuse."""
    items = Items(instrument)
    near = sum(2 * forest.n_inner for forest in items.decisions.forests)
    shape = count(X), len(items) + near
    try:
        given = instrument.feeds(X)
        names = instrument.decisions.tensors
        parts = [
            (part.start, instrument.observe({name: v[part] for name, v in given.items()}, names))
            for part in instrument.batches(count(X), names)
        ]
    except InputError:
        return sparse.csr_array(shape, dtype=np.float32)
    pairs = [
        (start + row, item)
        for start, observed in parts
        for row, item in [*items.of(observed), *_near(items, observed)]
    ]
    rows = np.concatenate([np.zeros(0, np.int64), *(row for row, _ in pairs)])
    places = np.concatenate([np.zeros(0, np.int64), *(item for _, item in pairs)])
    ones = np.ones(len(rows), np.float32)
    found = sparse.csr_array((ones, (rows, places)), shape=shape)
    found.data[:] = 1
    return found


def _near(items: Items, observed: Tensors) -> list[tuple[Ints, Ints]]:
    """Rows next to a threshold on their way through a tree, and the node's side; numbered behind the rest."""
    found = []
    start = len(items)
    for forest in items.decisions.forests:
        found += [_beside(forest, observed[forest.tensor], start)]
        start += 2 * forest.n_inner
    return found


def _beside(forest: Forest, X: npt.NDArray[Any], start: int) -> tuple[Ints, Ints]:
    rows, places = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for visit in forest.visits(X):
        value, limit = X[visit.row, forest.feature[visit.node]], forest.threshold[visit.node]
        with np.errstate(invalid="ignore"):
            at = np.flatnonzero(np.abs(value - limit) <= NEAR * np.abs(limit))
        rows.append(visit.row[at])
        places.append(start + 2 * visit.node[at] + visit.true[at])
    return np.concatenate(rows), np.concatenate(places)
