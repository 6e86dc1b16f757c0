"""``df.sum(axis=1)`` and its kin: reductions over the columns of each row (``pandas.core.nanops``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.pandas.frame import columns_of
from onnxtwin.exporters.pandas.held import held, refuse

xp: Any = np
"""numpy, answered by traced arrays."""


def reduce_row(name: str, frame: Any, skipna: bool, kwargs: dict[str, Any]) -> Any:
    """The reduction ``name`` of each row of a traced frame of numbers; 1-D.

    Raises
    ------
    UnsupportedError
        For columns that are not numbers or booleans.
    """
    if any(series.kind != "number" for series in columns_of(frame)):
        raise refuse(
            f"{name}(axis=1) of columns that are not all numbers", "choose the numeric columns first"
        )
    matrix = frame.__onnxtwin_array__()
    if matrix.dtype.kind == "O":
        # pandas holds booleans beside numbers as objects.
        common = np.result_type(*(held(series.value).dtype for series in columns_of(frame)))
        matrix = matrix.astype(np.float64 if common.kind != "b" else bool)
    floats = matrix.dtype.kind == "f"
    if name in ("any", "all"):
        if floats and skipna:
            matrix = xp.where(xp.isnan(matrix), 0.0 if name == "any" else 1.0, matrix)
        return getattr(xp, name)(matrix, axis=1)
    if floats:
        return _floats(name, matrix, skipna, kwargs)
    if name in ("std", "var", "mean"):
        return _floats(name, matrix.astype(np.float64), False, kwargs)
    return getattr(xp, name)(matrix, axis=1)


def _floats(name: str, matrix: Array, skipna: bool, kwargs: dict[str, Any]) -> Any:
    if name in ("std", "var"):
        return _spread(name, matrix, skipna, int(kwargs.get("ddof", 1)))
    if not skipna:
        return getattr(xp, name)(matrix, axis=1)
    missing = xp.isnan(matrix)
    neutral = {"prod": 1.0, "max": -np.inf, "min": np.inf}.get(name, 0.0)
    filled = xp.where(missing, neutral, matrix)
    present = xp.sum(xp.logical_not(missing).astype(np.float64), axis=1)
    if name == "mean":
        return xp.divide(xp.sum(filled, axis=1), xp.where(xp.equal(present, 0.0), np.nan, present))
    total = getattr(xp, name)(filled, axis=1)
    needed = int(kwargs.get("min_count", 0)) if name in ("sum", "prod") else 1
    return total if needed <= 0 else xp.where(xp.less(present, float(needed)), np.nan, total)


def _spread(name: str, matrix: Array, skipna: bool, ddof: int) -> Any:
    """Variance or its root: the mean first, then the squared distances from it."""
    missing = xp.isnan(matrix)
    filled = xp.where(missing, 0.0, matrix) if skipna else matrix
    if skipna:
        number = xp.sum(xp.logical_not(missing).astype(np.float64), axis=1)
    else:
        number = np.asarray(float(matrix.shape[1]))
    mean = xp.divide(xp.sum(filled, axis=1), number)
    distance = xp.square(xp.subtract(matrix, xp.reshape(mean, (-1, 1))))
    if skipna:
        distance = xp.where(missing, 0.0, distance)
    freedom = xp.subtract(number, float(ddof))
    spread = xp.divide(xp.sum(distance, axis=1), xp.where(xp.less_equal(freedom, 0.0), np.nan, freedom))
    return xp.sqrt(spread) if name == "std" else spread
