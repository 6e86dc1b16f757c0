"""Demands on values, which a graph cannot raise: on raw columns they go to the contract, on computed values
to the graph's output ``domain``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.trace import require_trace


def require_finite(array: Array, *, allow_nan: bool) -> None:
    """Demand that ``array`` holds no infinities and, unless ``allow_nan``, no NaN.

    A raw column's own missing values are described by ``missing_allowed``, which the pipeline was asked for.
    """
    if array.is_constant or array.dtype.kind not in "fO":
        return
    trace = require_trace()
    computed = _computed(array)
    trace.finite_columns.update(n for n in array.tensor.origin if n is not None and _floating(array, n))
    if computed is None:
        return
    if allow_nan:
        good = np.logical_not(np.isinf(computed))
        good = np.all(good, axis=1) if computed.ndim == 2 else good
        what = "computes an infinite value"
    else:
        # 0 * x is 0 for finite x and NaN otherwise; one sum finds any of them.
        zeros = np.multiply(computed, 0.0)
        good = np.equal(np.sum(zeros, axis=1) if computed.ndim == 2 else zeros, 0.0)
        what = "computes NaN or an infinite value"
    trace.require(good.tensor.flat, f"the pipeline {what} here and refuses it")


def _floating(array: Array, name: str) -> bool:
    position = array.tensor.origin.index(name)
    tensor = array.tensor if array.ndim == 1 else array.tensor.pick(position)
    return tensor.dtype.kind == "f"


def _computed(array: Array) -> Array | None:
    """The float columns that are not raw columns."""
    if array.ndim != 2:
        return None if array.ndim == 1 and array.tensor.origin[0] is not None or array.tensor.dtype.kind != "f" else array
    chosen = [i for i, name in enumerate(array.tensor.origin) if name is None and (array.dtype.kind == "f" or array.tensor.pick(i).dtype.kind == "f")]
    if not chosen:
        return None
    picked = array if len(chosen) == array.shape[1] else array[:, chosen]
    return picked if picked.dtype.kind == "f" else picked.astype(np.float64)


def require_non_negative(array: Array) -> None:
    """Demand that no value is below zero."""
    if not array.is_constant:
        good = np.logical_not(np.less(array, 0))
        good = np.all(good, axis=1) if array.ndim == 2 else good
        require_trace().require(good.tensor.flat, "the pipeline refuses negative values here")


def require_true(good: Array, message: str) -> None:
    """Demand that the bool array ``good``, one entry a row, holds."""
    if not good.is_constant:
        require_trace().require(good.tensor.flat, message)


def require_values(array: Array, values: Sequence[Any], good: Array, message: str) -> None:
    """Demand that a column holds only ``values``: of a raw column in the contract, else by ``good`` (bool, ``[N]``)."""
    trace = require_trace()
    name = array.tensor.origin[0]
    if name is None:
        require_true(good, message)
        return
    held = [v.item() if isinstance(v, np.generic) else v for v in values]
    before = trace.column_values.get(name)
    trace.column_values[name] = held if before is None else [v for v in before if v in held]
