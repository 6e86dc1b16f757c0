"""``df.sum(axis=1)`` and its kin: reductions over the columns of each row, missing values skipped as pandas does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.pandas.frame import column_at
from onnxtwin.exporters.pandas.held import held, refuse


def reduce_row(
    name: str, frame: Any, real: pd.Series, skipna: bool, kwargs: dict[str, Any]
) -> tuple[Array, pd.Series]:
    """The reduction's array, and pandas' answer in the dtype of every batch."""
    kinds = {column_at(frame, i).kind for i in range(len(frame._twin_cells))}
    if kinds - {"number"}:
        raise refuse(
            f"{name}(axis=1) of columns that are not all numbers", "choose the numeric columns first"
        )
    matrix = frame.__onnxtwin_array__()
    if matrix.dtype.kind == "O":
        common = np.result_type(
            *(held(frame._twin_value.iloc[:, i]).dtype for i in range(len(frame._twin_cells)))
        )
        matrix = matrix.astype(np.float64 if common.kind != "b" else bool)
    floats = matrix.dtype.kind == "f"
    if name in ("any", "all"):
        if floats and skipna:
            matrix = np.where(np.isnan(matrix), 0.0 if name == "any" else 1.0, matrix)
        return getattr(np, name)(matrix, axis=1), real
    if not floats:
        return _exact(name, matrix, real, kwargs), real
    return _floats(name, matrix, skipna, kwargs), real


def _exact(name: str, matrix: Array, real: pd.Series, kwargs: dict[str, Any]) -> Array:
    """Integers and booleans, which are never missing."""
    if name in ("std", "var", "mean"):
        return _floats(name, matrix.astype(np.float64), False, kwargs)
    return getattr(np, name)(matrix, axis=1)  # type: ignore[no-any-return]


def _floats(name: str, matrix: Array, skipna: bool, kwargs: dict[str, Any]) -> Array:
    missing = np.isnan(matrix)
    present = np.sum(np.logical_not(missing).astype(np.int64), axis=1)
    needed = int(kwargs.get("min_count", 0)) if name in ("sum", "prod") else 1
    if not skipna:
        if name in ("std", "var"):
            return _spread(name, matrix, None, matrix.shape[1], kwargs)
        return getattr(np, name)(matrix, axis=1)  # type: ignore[no-any-return]
    if name in ("std", "var"):
        return _spread(name, matrix, missing, present, kwargs)
    if name in ("sum", "prod", "mean"):
        filled = np.where(missing, 1.0 if name == "prod" else 0.0, matrix)
        total = np.prod(filled, axis=1) if name == "prod" else np.sum(filled, axis=1)
        if name == "mean":
            return np.divide(total, np.where(np.equal(present, 0), np.nan, present.astype(np.float64)))
        return total if needed <= 0 else np.where(np.less(present, needed), np.nan, total)
    filled = np.where(missing, -np.inf if name == "max" else np.inf, matrix)
    return np.where(np.equal(present, 0), np.nan, getattr(np, name)(filled, axis=1))


def _spread(name: str, matrix: Array, missing: Any, count: Any, kwargs: dict[str, Any]) -> Array:
    """Sample variance as pandas' ``nanvar``: mean first, then the squared distances."""
    ddof = int(kwargs.get("ddof", 1))
    filled = matrix if missing is None else np.where(missing, 0.0, matrix)
    number = np.asarray(float(count)) if missing is None else count.astype(np.float64)
    mean = np.divide(np.sum(filled, axis=1), number)
    distance = np.square(np.subtract(matrix, np.reshape(mean, (-1, 1))))
    if missing is not None:
        distance = np.where(missing, 0.0, distance)
    freedom = np.subtract(number, ddof)
    spread = np.divide(np.sum(distance, axis=1), np.where(np.less_equal(freedom, 0.0), np.nan, freedom))
    return np.sqrt(spread) if name == "std" else spread
