"""Rows with each category, with numbers beyond the user's, and beside those that the pipeline has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.build.instants import parse_dtype
from onnxtwin.runtime_checks.boundary.drafts import Array, Drafts, Ints, Origin, joined
from onnxtwin.runtime_checks.boundary.ordered import keys, values

Bools = npt.NDArray[np.bool_]

CROSSED = 4
"""Rows of the user's in which each category is tried."""

FAR = 64
"""Numbers beyond the user's own that are tried of each column, at most."""

FAR_TOGETHER = 1_000
"""Rows in which the columns of one group are moved, at most."""

REACH = -1.0, 3.0
"""How far beyond: powers of ten of the distance between the least and the greatest of the user's."""


def category_rows(origin: Origin, listed: Sequence[Array], rng: np.random.Generator, most: int) -> Drafts:
    """Each value of each column without an order, one that was never seen and a missing one among them.

    Parameters
    ----------
    listed : the values of each column.
    most : rows at most, dealt out evenly.
    """
    columns = [c for c in range(len(origin.columns)) if origin.order(c) is None]
    parts = [origin.drafts.take(np.zeros(0, np.int64))]
    for column in columns:
        crossed = max(1, min(CROSSED, most // max(1, len(columns) * len(listed[column]))))
        chosen = listed[column][: max(1, most // (len(columns) * crossed))]
        rows = rng.integers(len(origin.drafts), size=crossed * len(chosen))
        drafts = origin.drafts.take(rows)
        drafts.put(slice(None), column, np.repeat(chosen, crossed))
        parts.append(drafts)
    return joined(parts)


def fitted_rows(
    origin: Origin, fitted: Mapping[Any, npt.NDArray[np.float64]], rng: np.random.Generator, most: int
) -> Drafts:
    """Each fitted number of each ordered column, and its neighbours: doubles, float32 values, whole numbers.

    Parameters
    ----------
    fitted : by the column's label.
    most : rows at most, dealt out evenly.
    """
    columns = [
        c
        for c, column in enumerate(origin.columns)
        if origin.order(c) is not None and len(fitted[column.label]) and parse_dtype(column.dtype) is None
    ]
    parts = [origin.drafts.take(np.zeros(0, np.int64))]
    for column in columns:
        near = _near(origin, column, fitted[origin.columns[column].label])
        most_each = max(3, most // len(columns))
        if len(near) > most_each:
            # Neighbours stay together: whole runs of three are taken.
            runs = np.linspace(0, len(near) // 3 - 1, most_each // 3).astype(np.int64)
            near = near[(runs[:, None] * 3 + np.arange(3)).ravel()]
        drafts = origin.drafts.take(rng.integers(len(origin.drafts), size=len(near)))
        drafts.put(slice(None), column, near)
        parts.append(drafts)
    return joined(parts)


def far_rows(origin: Origin, listed: Sequence[Array], rng: np.random.Generator, most: int) -> Drafts:
    """Numbers beyond the user's own, at all scales, in each ordered column by itself.

    What comes round again (angles, remainders, calendars made of numbers) is computed with the number of the
    turn, which is the same for all of the user's rows: a turn that is wrong shows only far away from them.

    Parameters
    ----------
    listed : the values of each column; numbers beyond the outermost are not tried.
    most : rows at most, dealt out evenly.
    """
    ranges = _ranges(origin, listed)
    parts = [origin.drafts.take(np.zeros(0, np.int64))]
    for column, (low, high) in ranges.items():
        size = min(FAR, most // len(ranges))
        beyond = _distances(max(high - low, 1.0), size, rng)
        far = np.where(beyond < 0, low, high) + beyond
        drafts = origin.drafts.take(rng.integers(len(origin.drafts), size=size))
        parts.append(drafts.take(_put(origin, drafts, np.ones(size, np.bool_), column, far, listed)))
    return joined(parts)


def far_together(
    origin: Origin,
    listed: Sequence[Array],
    groups: Sequence[Sequence[int]],
    rng: np.random.Generator,
    most: int,
) -> Drafts:
    """Rows in which several columns are moved by the same distance, as far as :func:`far_rows` goes.

    Two places may be far from the user's and near each other.

    Parameters
    ----------
    groups : columns that decide something together; some of a group are moved, at least two.
    most : rows at most, dealt out evenly.
    """
    ranges = _ranges(origin, listed)
    usable = [sorted(ranges.keys() & set(group)) for group in groups]
    distinct = [list(group) for group in dict.fromkeys(map(tuple, usable)) if len(group) > 1][:most]
    parts = [origin.drafts.take(np.zeros(0, np.int64))]
    for group in distinct:
        size = min(FAR_TOGETHER, most // len(distinct))
        moved = rng.random((size, len(group))) < 0.5
        first = rng.permuted(np.tile(np.arange(len(group)), (size, 1)), axis=1)[:, :2]
        np.put_along_axis(moved, first, True, axis=1)
        distance = _distances(max(1.0, *(ranges[c][1] - ranges[c][0] for c in group)), size, rng)
        drafts = origin.drafts.take(rng.integers(len(origin.drafts), size=size))
        fine = np.ones(size, np.bool_)
        for at, column in enumerate(group):
            far = drafts.cells[column].astype(np.float64) + distance
            fine &= _put(origin, drafts, moved[:, at] & ~np.isnan(far), column, far, listed)
        parts.append(drafts.take(fine))
    return joined(parts)


def _ranges(origin: Origin, listed: Sequence[Array]) -> dict[int, tuple[float, float]]:
    """The least and the greatest of the user's numbers, by column that has an order and is no calendar's."""
    ranges = {}
    for position, column in enumerate(origin.columns):
        if origin.order(position) is not None and parse_dtype(column.dtype) is None:
            own = _finite(origin.drafts.cells[position])
            if len(own) and len(_finite(listed[position])):
                ranges[position] = float(own.min()), float(own.max())
    return ranges


def _distances(spread: float, size: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    return np.asarray(spread * 10.0 ** rng.uniform(*REACH, size) * rng.choice([-1.0, 1.0], size))


def _put(
    origin: Origin, drafts: Drafts, rows: Bools, column: int, numbers: npt.NDArray[np.float64],
    listed: Sequence[Array],
) -> Bools:  # fmt: skip
    """Set a column in some rows; whether each row's number lies within those that are tried of the column."""
    tried = _finite(listed[column])
    within = (numbers >= tried.min()) & (numbers <= tried.max())
    if origin.order(column) == "whole" or origin.columns[column].exact_integer:
        numbers = np.rint(numbers)
    at = np.flatnonzero(rows & within)
    drafts.put(at, column, numbers[at].astype(drafts.cells[column].dtype))
    return np.asarray(within | ~rows, dtype=np.bool_)


def _finite(cells: Array) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        numbers = cells.astype(np.float64)
    return numbers[np.isfinite(numbers)]


def _near(origin: Origin, column: int, numbers: npt.NDArray[np.float64]) -> Array:
    """In runs of three: the value before, the number itself, the value after."""
    order, dtype = origin.order(column), origin.drafts.cells[column].dtype
    assert order is not None
    if order == "whole":
        name = origin.columns[column].dtype.lower()
        limits = np.iinfo(name if name.startswith(("int", "uint")) else "int64")
        low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
        floors = np.unique(np.floor(numbers[(numbers > low) & (numbers < high - 2)])).astype(np.int64)
        runs: Ints = floors[:, None] + np.arange(-1, 2)
        return np.clip(runs, low, high).reshape(-1).astype(dtype)
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32).astype(np.float64)
    exact = [numbers] if order == "double" else []
    # Trees compare float32 values; doubles that round to a threshold and those that do not are neighbours.
    at = np.concatenate([*exact, single[np.isfinite(single)]])
    places = keys(at, order)[:, None] + np.arange(-1, 2)
    return values(places.reshape(-1), order, dtype)
