"""Joining arrays: ``concatenate``, ``stack`` and their kin; columns side by side cost no node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op

from onnxtwin.exporters.array import Array, constant, record
from onnxtwin.exporters.numpy.dispatch import implements
from onnxtwin.exporters.tensor import graph_dtype, join
from onnxtwin.exporters.trace import require_trace


@implements(np.concatenate)
def concatenate(
    arrays: Sequence[Any],
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    items: list[Any] = [constant(a) for a in arrays]
    if axis is None:
        items, axis = [np.ravel(a) for a in items], 0
    if out is not None:
        raise require_trace().unsupported("numpy.concatenate with out= is not supported", "assign the result")
    real = np.concatenate([a.value for a in items], axis=axis, dtype=dtype, casting=casting)  # type: ignore[call-overload]
    if all(a.is_constant for a in items):
        return Array(real)
    axis %= real.ndim
    if real.ndim == 2 and axis == 1:
        parts = []
        for item in items:
            if item.shape[1] == 0:
                continue
            tensor = (
                item if item.dtype == real.dtype or real.dtype.kind == "O" else item.astype(real.dtype)
            ).tensor
            parts.append(tensor)
        return Array(real, join(parts, real.shape[0], graph_dtype(real.dtype)))
    same = [a if a.dtype == real.dtype else a.astype(real.dtype) for a in items]
    return record(f"concatenate {axis}", real, lambda *v: op.concat(list(v), axis=axis), *same)


@implements(np.stack)
def stack(
    arrays: Sequence[Any], axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    items = [constant(a) for a in arrays]
    axis %= items[0].ndim + 1
    if items[0].ndim == 1 and axis == 1:
        return concatenate([a[:, None] for a in items], axis=1, dtype=dtype, casting=casting)
    return concatenate([np.expand_dims(a, axis) for a in items], axis=axis, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    items = [np.atleast_1d(constant(a)) for a in tup]
    return concatenate(items, axis=0 if items and items[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@implements(np.vstack)
def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return concatenate([np.atleast_2d(constant(a)) for a in tup], axis=0, dtype=dtype, casting=casting)


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    items = [constant(a) for a in tup]
    return concatenate([a[:, None] if a.ndim == 1 else a for a in items], axis=1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis=axis)
