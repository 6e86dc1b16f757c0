"""Rows where an answer turns because of one column, while something delicate happens in another one.

A tolerance that is relative to a sum hides what was rounded on the way to one of its terms, and a probability
near 1 hides everything. Neither does where the sum is zero, or two classes are equally likely.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.boundary.answers import Answers, Bools, answers_to, distance, method_of
from onnxtwin.runtime_checks.boundary.drafts import Drafts, Ints, Origin, joined
from onnxtwin.runtime_checks.boundary.ordered import keys
from onnxtwin.runtime_checks.boundary.tables import bisect, place
from onnxtwin.runtime_checks.reference import Reference

PLAIN = 48
"""Rows as they are."""

SCALED = 160
"""Rows with two columns in far larger units: what a sum with 1 keeps of them is little."""

PAIRED = 64
"""Columns that pairs are made of, at most: a matrix may have thousands."""

BETWEEN = 256
"""Rows with a number beside a fitted one, so near that float32 does not tell them apart."""

UNITS = (1e-9, 1e-12)

LABELS = 100
"""Whole numbers that are answered are labels, if there are no more of them than this."""

FAR = tuple(sign * 10.0**k for k in range(5) for sign in (1, -1))
"""How far a column is moved, as multiples of its range in the user's rows."""

Fitted = Mapping[Any, npt.NDArray[np.float64]]


def turning_pairs(reference: Reference, origin: Origin, fitted: Fitted, rng: np.random.Generator) -> Drafts:
    """Both sides of where a number that is answered changes its sign, or a label becomes another.

    Parameters
    ----------
    fitted : numbers that the pipeline has learnt, by the column's label.
    """
    floats = [c for c in range(len(origin.columns)) if origin.order(c) in ("double", "single")]
    drafts = joined(
        [_plain(origin, rng), _scaled(origin, floats, rng), _between(origin, floats, fitted, rng)]
    )
    others = ([c for c in floats if not changed[c]] for changed in drafts.changed)
    free = np.array([rng.choice(columns) if columns else -1 for columns in others], np.int64)
    drafts, column = drafts.take(free >= 0), free[free >= 0]
    if not len(drafts):
        return drafts
    method = method_of(reference)
    answers = answers_to(reference, method, origin, drafts)
    if answers.shape[1] != 1:
        return drafts.take(slice(0, 0))
    here, ways = _ways(origin, drafts, column)
    far = [answers_to(reference, method, origin, place(origin, drafts, column, there)) for there in ways]
    turned = np.array([_turned(answers, other) for other in far])
    kept = np.flatnonzero(turned.any(axis=0))
    high = np.array(ways)[turned.argmax(axis=0), np.arange(len(drafts))]

    def decide(tried: Drafts, tasks: Ints) -> Bools:
        return ~_turned(answers[kept[tasks]], answers_to(reference, method, origin, tried))

    rows, at = drafts.take(kept), column[kept]
    low, high = bisect(origin, rows, at, here[kept], high[kept], decide, halvings=4)
    both = rows.take(np.repeat(np.arange(len(kept)), 2))
    return place(origin, both, np.repeat(at, 2), np.column_stack([low, high]).reshape(-1))


def _turned(answers: Answers, others: Answers) -> Bools:
    """Where the sign differs, or the label; a refused row has not turned."""
    if answers.dtype.kind != "f":
        return np.asarray(
            (answers != others).any(axis=1) & (answers != "").all(axis=1) & (others != "").all(axis=1)
        )
    known = answers[~np.isnan(answers)]
    if (known == np.rint(known)).all() and len(np.unique(known)) <= LABELS:
        return distance(answers, others) > 0
    return np.asarray((np.sign(answers) * np.sign(others) < 0).all(axis=1))


def _plain(origin: Origin, rng: np.random.Generator) -> Drafts:
    return origin.drafts.take(rng.permutation(len(origin.drafts))[:PLAIN])


def _scaled(origin: Origin, floats: list[int], rng: np.random.Generator) -> Drafts:
    some = floats if len(floats) <= PAIRED else rng.permutation(floats)[:PAIRED].tolist()
    pairs = [(*pair, unit) for pair in combinations(some, 2) for unit in UNITS]
    chosen = [pairs[i] for i in rng.permutation(len(pairs))[:SCALED]]
    drafts = origin.drafts.take(rng.integers(len(origin.drafts), size=len(chosen)))
    for i, (*pair, unit) in enumerate(chosen):
        for column in map(int, pair):
            drafts.put(slice(i, i + 1), column, drafts.cells[column][i : i + 1] * unit)
    return drafts


def _between(origin: Origin, floats: list[int], fitted: Fitted, rng: np.random.Generator) -> Drafts:
    found = [
        (column, number + side * float(np.spacing(np.float32(abs(number)))) / 4)
        for column in floats
        if origin.order(column) == "double"
        for number in fitted[origin.columns[column].label].tolist()
        if abs(number) < float(np.finfo(np.float32).max) / 2
        for side in (1, -1)
    ]
    chosen = [found[i] for i in rng.permutation(len(found))[:BETWEEN]]
    drafts = origin.drafts.take(rng.integers(len(origin.drafts), size=len(chosen)))
    for i, (column, number) in enumerate(chosen):
        drafts.put(slice(i, i + 1), column, np.array([number], drafts.cells[column].dtype))
    return drafts


def _ways(origin: Origin, drafts: Drafts, column: Ints) -> tuple[Ints, list[Ints]]:
    """Where each row's column stands, and where it may go."""
    here = np.zeros(len(drafts), np.int64)
    ways = [np.zeros(len(drafts), np.int64) for _ in FAR]
    for position in np.unique(column):
        rows, order = np.flatnonzero(column == position), origin.order(int(position))
        assert order is not None
        values = origin.drafts.cells[position]
        present = values[np.isfinite(values)]
        # A missing value starts from an ordinary one.
        own = drafts.cells[position][rows]
        own = np.where(np.isfinite(own), own, present[0] if len(present) else 0).astype(own.dtype)
        here[rows] = keys(own, order)
        span = float(np.ptp(present)) if len(present) else 1.0
        for there, way in zip(ways, FAR, strict=True):
            there[rows] = keys((own + way * span).astype(own.dtype), order)
    return here, ways
