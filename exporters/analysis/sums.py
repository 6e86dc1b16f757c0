"""Bounds of sums and matrix products, whatever the order of additions.

A sum of ``n`` terms, added in any order, is off by at most ``(n - 1) u`` times the sum of their magnitudes, a
product of matrices by ``n u |A| |B|``, with ``u`` half the distance of 1 to the next number (Higham,
*Accuracy and Stability of Numerical Algorithms*, 2nd edition, sections 3.1, 3.5 and 4.2). The bounds below
are twice that, once for the sums that are bounded and once for those that bound them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from onnxtwin.exporters.analysis.graph import Array
from onnxtwin.exporters.analysis.intervals import (
    EPS,
    WHOLE_IN_DOUBLE,
    Interval,
    guarded,
    made,
)


def total(
    a: Interval, axis: int, *, running: bool = False, keepdims: bool = True, eps: float = EPS
) -> Interval:
    """The sum along an axis; ``running``: of each entry and those before it.

    Parameters
    ----------
    eps : the distance of 1 to the next number in the type that is added in.
    """
    if a.is_int:
        sums = [np.cumsum(end, axis) if running else end.sum(axis, keepdims=keepdims) for end in (a.lo, a.hi)]
        most = a.most().sum(axis, keepdims=running or keepdims)
        return guarded(
            sums[0], sums[1], np.broadcast_to((most > 2.0**62).reshape(sums[0].shape), sums[0].shape)
        )

    def over(value: Array) -> Array:
        return np.cumsum(value, axis) if running else value.sum(axis, keepdims=keepdims)

    with np.errstate(invalid="ignore", over="ignore"):
        lo, hi, magnitude = over(a.lo), over(a.hi), over(a.most())
    grain = np.minimum.accumulate(a.grain, axis) if running else a.grain.min(axis, keepdims=keepdims)
    exact = (grain > 0) & (magnitude < WHOLE_IN_DOUBLE * EPS / eps * grain)
    with np.errstate(invalid="ignore"):
        room = np.where(exact, 0.0, a.lo.shape[axis] * eps * magnitude)
    infinite = over((a.lo == -np.inf).astype(int)) * over((a.hi == np.inf).astype(int))
    none = over(a.none.astype(int)) > 0
    # Infinities of one sign, all of them certain, leave one answer.
    certain = np.isinf(lo) & (lo == hi) & (over((np.isinf(a.lo) | np.isinf(a.hi)) & (a.lo != a.hi)) == 0)
    room = np.where(certain, 0.0, room)
    overflows = np.isinf(magnitude) & ~certain
    missing = (over(a.nan.astype(int)) > 0) | (infinite > 0) | none | overflows
    with np.errstate(invalid="ignore"):
        found = made(lo - room, hi + room, missing, np.where(exact, grain, 0.0))
    return replace(found, lo=np.where(none, np.inf, found.lo), hi=np.where(none, -np.inf, found.hi))


def matrix_product(a: Interval, b: Interval, eps: float = EPS) -> Interval:
    """``a @ b``, with products rounded or not; both of two axes or more, or ``b`` of one.

    Parameters
    ----------
    eps : the distance of 1 to the next number in the type that is added in.
    """
    vector = b.lo.ndim == 1
    if vector:
        b = b.map(lambda array: array[:, None])
    (left, left_room, left_wild, left_none), (right, right_room, right_wild, right_none) = (
        _middle(side) for side in (a, b)
    )
    terms = a.lo.shape[-1]
    with np.errstate(all="ignore"):
        middle = left @ right
        size, other = np.abs(left) + left_room, np.abs(right) + right_room
        # Half the width of the bounds, and what adding in another order may change.
        room = size @ right_room + left_room @ np.abs(right) + (terms + 4) * eps * (size @ other)
        finest = a.grain.min(-1)[..., :, None] * b.grain.min(-2)[..., None, :]
        exact = (finest > 0) & (size @ other < WHOLE_IN_DOUBLE * EPS / eps * finest)
        room = np.where(exact, size @ right_room + left_room @ np.abs(right), room)
        lo, hi = middle - room, middle + room
    none, wild = _either(left_none, right_none), _either(left_wild, right_wild)
    missing = _either(a.nan & ~a.none, b.nan & ~b.none)
    with np.errstate(all="ignore"):
        # An infinite entry that is certain leaves one answer: infinite, or NaN where two contradict.
        points = ~_either(~_points(a), ~_points(b))
        value = np.matmul(*(np.where(side.none, np.nan, side.lo.astype(np.float64)) for side in (a, b)))
    certain = wild & points & ~none
    never = none | (certain & np.isnan(value))
    lo, hi = (
        np.where(certain, value, np.where(wild, end, bound)) for end, bound in ((-np.inf, lo), (np.inf, hi))
    )
    missing = missing | never | (wild & ~certain) | (~certain & ~np.isfinite(room))
    lo, hi = np.where(never, np.inf, lo), np.where(never, -np.inf, hi)
    found = made(lo, hi, missing, np.where(exact, finest, 0.0))
    found = replace(found, lo=np.where(never, np.inf, found.lo), hi=np.where(never, -np.inf, found.hi))
    return found.map(lambda array: array[..., 0]) if vector else found


def _middle(a: Interval) -> tuple[Array, Array, Array, Array]:
    """The middle of each entry's bounds, half their width, where it has none, and where no number is."""
    lo, hi = (np.where(a.none, 0.0, end.astype(np.float64)) for end in (a.lo, a.hi))
    wild = ~(np.isfinite(lo) & np.isfinite(hi))
    lo, hi = np.where(wild, 0.0, lo), np.where(wild, 0.0, hi)
    middle = np.where(lo == hi, lo, lo / 2 + hi / 2)
    room = np.where(lo == hi, 0.0, np.maximum(hi - middle, middle - lo) * (1 + EPS))
    return middle, room, wild, a.none


def _either(left: Array, right: Array) -> Array:
    """Which entries of a product have a term of which either factor is marked."""
    rows, columns = np.asarray(left.any(-1)), np.asarray(right.any(-2))
    return np.asarray(rows[..., :, None] | columns[..., None, :])


def _points(a: Interval) -> Array:
    return np.asarray(((a.lo == a.hi) & ~a.nan) | a.none)
