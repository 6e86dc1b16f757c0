"""Demands on values, which a graph cannot raise.

On raw columns they go to the contract, on computed values to the graph's output ``domain``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnxtwin.exporters.array import Array
from onnxtwin.exporters.trace import require_trace


def require_finite(array: Any, *, allow_nan: bool, source: Any = None) -> None:
    """Demand that ``array`` holds no infinities and, unless ``allow_nan``, no NaN.

    A raw column's own missing values are described by ``missing_allowed``, which the pipeline was asked for.
    Of a matrix of objects scikit-learn demands no more than the absence of NaN.

    Parameters
    ----------
    source : what ``array`` was converted from: of its columns, integers are finite in any type, and raw
        floats are described in the contract. The array itself by default.
    """
    source = array if source is None or source.shape != array.shape else source
    if array.is_constant or array.dtype.kind not in "fO" or array.dtype.kind == "O" and allow_nan:
        return
    if array.ndim > 2:
        array = source = np.reshape(array, (len(array), -1))
    trace = require_trace()
    narrowed = array.dtype == np.float32 and array.dtype != source.dtype
    computed: list[int] = []
    parts = source.tensor.parts if source.ndim == 2 else (source.tensor,)
    kinds = [None if part.integral else part.dtype.kind for part in parts for _ in part.origin]
    for position, (name, kind) in enumerate(zip(source.tensor.origin, kinds, strict=True)):
        if kind is None:
            continue
        if name is None or array.dtype.kind == "f" and (narrowed or kind != "f"):
            computed.append(position)
        if name is not None and kind == "f" and array.dtype.kind == "f":
            trace.finite_columns.add(name)
    if not computed:
        return
    if array.dtype.kind == "O":
        _require_no_nan(array, computed)
        return
    checked = array if len(computed) == len(source.tensor.origin) else array[:, computed]
    if allow_nan:
        good = np.logical_not(np.isinf(checked))
        good = np.all(good, axis=1, keepdims=True)[:, 0] if checked.ndim == 2 else good
        what = "computes an infinite value"
    else:
        # 0 * x is 0 for finite x and NaN otherwise; one sum finds any of them.
        zeros = np.multiply(checked, 0.0)
        good = np.equal(np.sum(zeros, axis=1, keepdims=True)[:, 0] if checked.ndim == 2 else zeros, 0.0)
        what = "computes NaN or an infinite value"
    trace.require(good.tensor.column, f"the pipeline {what} here and refuses it")


def _require_no_nan(array: Any, columns: list[int]) -> None:
    from onnxtwin.exporters.missing import parts_of, where_missing

    parts = [array]
    if array.ndim == 2:
        parts = [part for at, part in parts_of(array) if set(range(at.start, at.stop)) & set(columns)]
    for part in parts:
        gone = where_missing(part, {"nan"})
        if not gone.is_constant:
            good = np.logical_not(np.any(gone, axis=1) if gone.ndim == 2 else gone)
            require_true(good, "the pipeline computes NaN here and refuses it")


def require_non_negative(array: Any) -> None:
    """Demand that no value is below zero."""
    if not array.is_constant:
        good = np.logical_not(np.less(array, 0))
        good = np.all(good, axis=1) if array.ndim == 2 else good
        require_trace().require(good.tensor.column, "the pipeline refuses negative values here")


def require_true(good: Array, message: str) -> None:
    """Demand that the bool array ``good``, one entry a row, holds."""
    if not good.is_constant:
        require_trace().require(good.tensor.column, message)


def limit_to(good: Array, message: str, source: Array) -> None:
    """Declare a limit of the twin: rows where ``good`` is False are refused, whatever the pipeline does.

    Parameters
    ----------
    good : bool, of the shape of ``source``.
    message : which values are answered, in words for those who call the graph.
    source : the values that are limited; its raw columns are named in the contract.
    """
    if good.is_constant:
        return
    asked = good.tensor.column if good.ndim == 1 else good.tensor.flat
    good = np.all(good, axis=1) if good.ndim == 2 else good
    names = tuple(dict.fromkeys(name for name in source.tensor.origin if name is not None))
    where = f"column {', '.join(map(repr, names))}: " if names else ""
    require_trace().limit(good.tensor.column, where + message, names, asked)


def accept_only(array: Array, values: Sequence[Any]) -> bool:
    """Say in the contract that a raw column, where it is not missing, holds one of ``values``.

    Returns
    -------
    bool
        False if the column is computed: then the demand is the caller's to make.
    """
    name = array.tensor.origin[0]
    if name is None:
        return False
    trace = require_trace()
    held = [v.item() if isinstance(v, np.generic) else v for v in values]
    before = trace.column_values.get(name)
    trace.column_values[name] = held if before is None else [v for v in before if v in held]
    return True
