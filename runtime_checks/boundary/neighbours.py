"""Rows with each category, and rows at the numbers that the pipeline has learnt and one step beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxtwin.build.instants import parse_dtype
from onnxtwin.runtime_checks.boundary.drafts import Array, Drafts, Ints, Origin, joined
from onnxtwin.runtime_checks.boundary.ordered import keys, values

CROSSED = 4
"""Rows of the user's in which each category is tried."""


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
