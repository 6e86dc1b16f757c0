"""Where the pipeline's own answer changes along a raw column: found without knowing what is inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.runtime_checks.boundary.drafts import Drafts, Ints, Origin, joined
from onnxtwin.runtime_checks.boundary.ordered import keys
from onnxtwin.runtime_checks.boundary.tables import bisect, place
from onnxtwin.runtime_checks.compare import kind
from onnxtwin.runtime_checks.reference import Reference

Answers = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

PAIRS = 48
"""Pairs of the user's rows between which a change is looked for."""


def answer_pairs(reference: Reference, origin: Origin, rng: np.random.Generator) -> Drafts:
    """Rows on both sides of a change of the pipeline's answer, one step of one raw column apart.

    Two rows with different answers are taken; one becomes the other column by column, and where the
    answer changes (numbers: changes most) with a column that has an order, that column is bisected.
    """
    method = method_of(reference)
    first, second = _pairs(reference, method, origin, rng)
    return _both_sides(reference, method, origin, *_steps(reference, method, origin, first, second, rng))


def method_of(reference: Reference) -> str:
    """The method whose answers are looked at."""
    return "predict" if "predict" in reference.methods else reference.methods[0]


def _both_sides(
    reference: Reference, method: str, origin: Origin, steps: Drafts, column: Ints, low: Ints, high: Ints
) -> Drafts:
    """The rows next to each other between which the answer of ``low`` becomes that of ``high``."""
    if not len(column):
        return steps
    ends = [answers_to(reference, method, origin, place(origin, steps, column, end)) for end in (low, high)]
    # A refusal costs a search for the row; where one lies on the way, the pair is given up.
    given_up = np.zeros(len(steps), np.bool_)

    def decide(drafts: Drafts, tasks: Ints) -> Bools:
        same = np.ones(len(tasks), np.bool_)
        asked = np.flatnonzero(~given_up[tasks])
        found = answers_to(reference, method, origin, drafts.take(asked))
        near, far = (distance(found, end[tasks[asked]]) for end in ends)
        same[asked] = near <= far
        given_up[tasks[asked[_refused(found)]]] = True
        return same

    low, high = bisect(origin, steps, column, low, high, decide, halvings=4)
    kept = np.flatnonzero(~given_up)
    both = steps.take(np.repeat(kept, 2))
    return place(origin, both, np.repeat(column[kept], 2), np.column_stack([low, high])[kept].reshape(-1))


def _refused(answers: Answers) -> Bools:
    """Rows whose whole answer is missing, which is how :func:`answers_to` says that they are refused."""
    if answers.dtype.kind == "f":
        return np.asarray(np.isnan(answers).all(axis=1))
    return np.asarray((answers == "").all(axis=1))


def _pairs(reference: Reference, method: str, origin: Origin, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows of the user's, two by two, whose answers differ."""
    drafts = origin.drafts
    some = rng.permutation(len(drafts))[: 4 * PAIRS]
    answers = answers_to(reference, method, origin, drafts.take(some))
    other = np.roll(np.arange(len(some)), 1)
    differs = np.flatnonzero(distance(answers, answers[other]) > 0)[:PAIRS]
    return some[differs], some[other[differs]]


def _steps(
    reference: Reference, method: str, origin: Origin, first: Ints, second: Ints, rng: np.random.Generator
) -> tuple[Drafts, Ints, Ints, Ints]:
    """For each pair the row on the way at which the answer changes, the column, and its two places."""
    drafts, width = origin.drafts, len(origin.columns)
    if not len(first):
        nothing = np.zeros(0, np.int64)
        return drafts.take(nothing), nothing, nothing, nothing
    columns = np.array([rng.permutation(width) for _ in first])
    ways = [drafts.take(first).copy()]
    for step in range(width):
        moved = ways[-1].copy()
        for column in np.unique(columns[:, step]):
            rows = np.flatnonzero(columns[:, step] == column)
            moved.put(rows, int(column), drafts.cells[column][second[rows]])
        ways.append(moved)
    answers = answers_to(reference, method, origin, joined(ways)).reshape(width + 1, len(first), -1)
    jumps = np.array([distance(answers[i], answers[i + 1]) for i in range(width)])
    orders = np.array([origin.order(c) is not None for c in range(width)])
    jumps[~orders[columns.T]] = 0
    best = np.argmax(jumps, axis=0)
    found: list[tuple[int, int, int, int]] = []
    for pair, step in enumerate(best.tolist()):
        column = int(columns[pair, step])
        order = origin.order(column)
        if order is None or not jumps[step, pair] > 0:
            continue
        ends = np.array([drafts.cells[column][first[pair]], drafts.cells[column][second[pair]]])
        if not (ends.dtype.kind == "f" and np.isnan(ends).any()):
            low, high = keys(ends, order).tolist()
            found.append((step * len(first) + pair, column, low, high))
    at, column_, low_, high_ = np.array(found, np.int64).reshape(-1, 4).T.copy()
    return joined(ways).take(at), column_, low_, high_


def answers_to(reference: Reference, method: str, origin: Origin, drafts: Drafts) -> Answers:
    """``[N, cells]``: the answers, NaN or an empty text where the pipeline refuses."""
    answered = Reference(reference.pipeline, [method], None).ask(origin.rows(drafts))
    parts = answered.methods.get(method, [])
    whole = [part.matrix for part in parts if part.matrix.shape[1]]
    floats = all(kind(matrix) in ("float", "number") for matrix in whole)
    width = sum(matrix.shape[1] for matrix in whole)
    found: Answers = np.full(
        (len(drafts), max(1, width)), np.nan if floats else "", float if floats else object
    )
    if whole:
        found[answered.accepted] = np.hstack([m.astype(found.dtype) for m in whole])
    return found


def distance(first: Answers, second: Answers) -> npt.NDArray[np.float64]:
    """How far two answers are apart: summed for numbers, 0 or 1 for others; refused rows are not apart."""
    if not len(first):  # numpy cannot tell the width of no row
        return np.zeros(0)
    first, second = first.reshape(len(first), -1), second.reshape(len(second), -1)
    if first.dtype.kind != "f":
        return np.asarray((first != second).any(axis=1), dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.nan_to_num(np.abs(first - second), nan=0.0, posinf=1e300)
        return np.asarray(apart.sum(axis=1), dtype=np.float64)
